#include "investigating/place.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "core/text.h"
#include "investigating/limits.h"

namespace mailorigin::investigating {

namespace {

constexpr std::uint64_t day_ms = 86'400'000;
constexpr std::uint64_t hour_ms = 3'600'000;
constexpr std::size_t few_alike = 4;

constexpr std::string_view for_uploads[] = {"uploads", "upload",      "userfiles", "files",
                                            "media",   "attachments", "avatars",   "images",
                                            "image",   "img",         "pictures",  "photos"};
constexpr std::string_view for_cache[] = {"cache", "caches", "tmp",      "temp",
                                          "logs",  "log",    "sessions", "templates_c"};
constexpr std::string_view of_php[] = {"php",  "phtml", "phar", "php3", "php4", "php5",
                                       "php7", "php8",  "pht",  "phps", "inc"};
constexpr std::string_view of_images[] = {"jpg", "jpeg", "png",  "gif", "ico", "svg",
                                          "bmp", "webp", "avif", "tif", "tiff"};
// What lies beside wp-includes in WordPress.
constexpr std::string_view of_wordpress[] = {
    "wp-activate.php", "wp-blog-header.php", "wp-comments-post.php", "wp-config-sample.php",
    "wp-config.php",   "wp-cron.php",        "wp-links-opml.php",    "wp-load.php",
    "wp-login.php",    "wp-mail.php",        "wp-settings.php",      "wp-signup.php",
    "wp-trackback.php"};

template <class List>
bool has(const List& list, std::string_view word) {
  return std::any_of(std::begin(list), std::end(list),
                     [&](const auto& each) { return equal_ignoring_case(each, word); });
}

std::string_view ending_of(std::string_view path) {
  const std::string_view name = name_of(path);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

// The time that nobody can set.
std::uint64_t birth_of(const Times& times) {
  return times.born_ms > 0 ? times.born_ms : times.changed_ms;
}

struct Directory {
  explicit Directory(Fd fd) : opened(fd ? fdopendir(fd.get()) : nullptr, closedir) {
    if (opened) (void)fd.release();
  }
  const dirent* next() {
    const dirent* entry = nullptr;
    do {
      entry = opened ? readdir(opened.get()) : nullptr;
    } while (entry != nullptr &&
             (std::string_view(entry->d_name) == "." || std::string_view(entry->d_name) == ".."));
    return entry;
  }
  [[nodiscard]] int fd() const { return dirfd(opened.get()); }
  std::unique_ptr<DIR, int (*)(DIR*)> opened;
};

bool may_write(const EntryFacts& facts, const Httpd& httpd) {
  if (facts.uid == httpd.uid) return (facts.mode & S_IWUSR) != 0;
  if (std::find(httpd.gids.begin(), httpd.gids.end(), facts.gid) != httpd.gids.end()) {
    return (facts.mode & S_IWGRP) != 0;
  }
  return (facts.mode & S_IWOTH) != 0;
}

// Later than what lies beside it: most of that is older by more than a day.
bool is_younger(const EntryFacts& facts, const std::vector<Times>& alike) {
  if (alike.size() < few_alike) return false;
  const std::uint64_t born = birth_of(facts.times);
  const auto older = std::count_if(alike.begin(), alike.end(), [&](const Times& each) {
    return birth_of(each) + day_ms < born;
  });
  const auto as_young = std::count_if(alike.begin(), alike.end(), [&](const Times& each) {
    return birth_of(each) + hour_ms >= born;
  });
  const auto all = static_cast<std::ptrdiff_t>(alike.size());
  return older * 4 >= all * 3 && as_young * 10 <= all;
}

bool is_like_a_core_file(std::string_view path, const Place& place) {
  const std::string_view name = name_of(path);
  const bool in_its_place = has(place.names, "wp-includes") && has(place.names, "wp-load.php");
  if (!in_its_place) return has(of_wordpress, name);
  return name.starts_with("wp-") && is_named_php(name) && !has(of_wordpress, name);
}

}  // namespace

std::string_view purpose_of(std::string_view path) {
  std::string_view rest = directory_of(path);
  // The host's own /tmp is a purpose, its /var/log or /srv/files is where a site lies.
  while (!rest.empty() && rest != "/" && rest != ".") {
    const std::string_view part = name_of(rest);
    if (has(for_uploads, part)) return "uploads";
    if (has(for_cache, part)) return "cache";
    const std::string_view above = directory_of(rest);
    if (above == rest) break;
    rest = above;
  }
  return {};
}

bool is_named_php(std::string_view path) { return has(of_php, ending_of(path)); }

bool is_named_image(std::string_view path) { return has(of_images, ending_of(path)); }

std::optional<Place> place_of(const OpenFile& file) {
  Fd opened = file.directory();
  Place place;
  if (!opened || !entry_facts(opened.get(), "", place.directory)) return std::nullopt;
  Directory directory(std::move(opened));
  const std::string_view ending = ending_of(file.path());
  while (const dirent* entry = directory.next()) {
    if (place.names.size() == siblings_limit) break;
    place.names.emplace_back(entry->d_name);
    EntryFacts facts;
    if (!equal_ignoring_case(ending_of(entry->d_name), ending)) continue;
    if (!entry_facts(directory.fd(), entry->d_name, facts) || !S_ISREG(facts.mode)) continue;
    const bool same = facts.inode == file.facts().inode && facts.device == file.facts().device;
    if (!same) place.alike.push_back(facts.times);
  }
  return place;
}

std::vector<std::string> place_signs(const OpenFile& file, const Place& place, bool is_code,
                                     const std::optional<Httpd>& httpd) {
  std::vector<std::string> out;
  const auto add = [&](bool is_there, const char* word) {
    if (is_there) out.emplace_back(word);
  };
  const EntryFacts& facts = file.facts();
  const bool by_all = (facts.mode & S_IWOTH) != 0;
  // Who may write in the directory can put another file in its place; not in one like /tmp.
  const bool replaced =
      httpd && (place.directory.mode & S_ISVTX) == 0 && may_write(place.directory, *httpd);
  add(httpd && httpd->uid != 0 && (may_write(facts, *httpd) || replaced), "writable-by-httpd");
  add(by_all, "writable-by-all");
  const std::string_view purpose = purpose_of(file.path());
  add(is_code && purpose == "uploads", "uploads-directory");
  add(is_code && purpose == "cache", "cache-directory");
  const bool younger = is_younger(facts, place.alike);
  add(younger, "younger");
  add(younger && facts.times.born_ms > 0 && facts.times.modified_ms + day_ms < facts.times.born_ms,
      "backdated");
  add(is_code && is_like_a_core_file(file.path(), place), "like-a-core-file");
  add(is_code && name_of(file.path()).starts_with('.'), "hidden");
  add(facts.uid != place.directory.uid && facts.uid != 0, "foreign-owner");
  return out;
}

}  // namespace mailorigin::investigating

#include "reports/fpm_masters.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "core/file.h"
#include "core/text.h"

namespace mailorigin::reports {

namespace {

constexpr std::size_t configuration_limit = 1 << 20;  // bytes
constexpr std::size_t command_line_limit = 1 << 16;
constexpr std::size_t maps_limit = 4 << 20;
constexpr std::size_t pools_limit = 100'000;
constexpr int includes_limit = 8;  // deep
constexpr std::string_view title = "php-fpm: master process (";

std::string_view without_quotes(std::string_view value) {
  const bool quoted = value.size() > 1 && (value.front() == '"' || value.front() == '\'') &&
                      value.back() == value.front();
  return quoted ? value.substr(1, value.size() - 2) : value;
}

class PoolReader {
 public:
  void read(const std::string& path, int depth) {
    const auto resolved = std::filesystem::weakly_canonical(path, fault_);
    const auto text = read_file(fault_ ? path : resolved.string(), configuration_limit);
    if (!text) return;
    for (std::size_t begin = 0; begin < text->size();) {
      const std::size_t end = std::min(text->find('\n', begin), text->size());
      line(trimmed(std::string_view(*text).substr(begin, end - begin)), depth);
      begin = end + 1;
    }
  }
  [[nodiscard]] std::vector<FpmPool> pools() && { return std::move(pools_); }

 private:
  void line(std::string_view text, int depth) {
    if (text.empty() || text.front() == ';' || text.front() == '#') return;
    if (text.front() == '[') {
      const std::string name(text.substr(1, text.find(']') - 1));
      in_pool_ = name != "global" && pools_.size() < pools_limit;
      if (in_pool_) pools_.push_back({name, "", ""});
      return;
    }
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view key = trimmed(text.substr(0, equals));
    const std::string_view value = without_quotes(trimmed(text.substr(equals + 1)));
    if (key == "include") {
      include(std::string(value), depth);
    } else if (in_pool_ && key == "listen") {
      pools_.back().listen = with_name(value);
    } else if (in_pool_ && key == "user") {
      pools_.back().user = with_name(value);
    }
  }

  [[nodiscard]] std::string with_name(std::string_view value) const {
    std::string out(value);
    constexpr std::string_view variable = "$pool";
    for (std::size_t at = 0; (at = out.find(variable, at)) != std::string::npos;) {
      out.replace(at, variable.size(), pools_.back().name);
      at += pools_.back().name.size();
    }
    return out;
  }

  void include(const std::string& pattern, int depth) {
    if (depth >= includes_limit) return;
    glob_t found{};
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
      for (std::size_t i = 0; i < found.gl_pathc; i++) read(found.gl_pathv[i], depth + 1);
    }
    globfree(&found);
  }

  std::vector<FpmPool> pools_;
  bool in_pool_ = false;
  std::error_code fault_;
};

// Its title says so, and its program: whoever starts a setuid program gives it any title.
std::optional<FpmMaster> master_at(const std::string& process, const struct stat& root) {
  struct stat about {};
  struct stat its_root {};
  if (stat(process.c_str(), &about) != 0 || about.st_uid != 0) return std::nullopt;
  auto words = read_file(process + "/cmdline", command_line_limit);
  if (!words || !words->starts_with(title)) return std::nullopt;
  if (stat((process + "/root").c_str(), &its_root) != 0 || its_root.st_ino != root.st_ino ||
      its_root.st_dev != root.st_dev) {
    return std::nullopt;
  }
  FpmMaster master;
  std::error_code fault;
  master.program = std::filesystem::read_symlink(process + "/exe", fault).filename().string();
  if (!master.program.starts_with("php-fpm")) return std::nullopt;
  const std::size_t end = words->find(')', title.size());
  master.configuration = words->substr(title.size(), end - title.size());
  if (const auto maps = read_file(process + "/maps", maps_limit)) {
    master.extension = extension_of(*maps);
  }
  master.pools = fpm_pools(master.configuration);
  return master;
}

}  // namespace

Extension extension_of(std::string_view maps) {
  constexpr std::string_view file = "/mailorigin.so";
  Extension found = Extension::missing;
  for (std::size_t at = 0; (at = maps.find(file, at)) != std::string_view::npos;) {
    at += file.size();
    const std::string_view rest = maps.substr(at, maps.find('\n', at) - at);
    if (rest.empty()) return Extension::loaded;
    if (rest == " (deleted)") found = Extension::replaced;
  }
  return found;
}

std::vector<FpmPool> fpm_pools(const std::string& configuration) {
  PoolReader reader;
  reader.read(configuration, 0);
  return std::move(reader).pools();
}

std::vector<FpmMaster> fpm_masters() {
  std::vector<FpmMaster> found;
  struct stat root {};
  const auto names = names_in("/proc");
  if (!names || stat("/", &root) != 0) return found;
  for (const std::string& name : *names) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (auto master = master_at("/proc/" + name, root)) found.push_back(*std::move(master));
  }
  std::sort(found.begin(), found.end(), [](const FpmMaster& one, const FpmMaster& other) {
    return one.configuration < other.configuration;
  });
  return found;
}

}  // namespace mailorigin::reports

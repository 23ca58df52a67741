#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "investigating/limits.h"
#include "investigating/place.h"

namespace mailorigin::investigating {

namespace {

constexpr std::size_t depth_limit = 100;
constexpr std::size_t kept_limit = 10'000;  // of which the nearest are named

class Walk {
 public:
  Walk(const OpenFile& file, std::string root) : file_(file), root_(std::move(root)) {
    const Times& times = file.facts().times;
    for (const std::uint64_t time : {times.modified_ms, times.changed_ms, times.born_ms}) {
      if (time > 0) times_.push_back(time);
    }
  }

  Neighbours run() {
    // Whoever owns what is below may put links anywhere; none is followed.
    Fd root(open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (entry_facts(root.get(), "", of_root_)) descend(std::move(root), "", 0);
    std::sort(found_.begin(), found_.end());
    for (auto& [by_change_alone, distance, path] : found_) {
      if (out_.paths.size() == neighbours_limit) break;
      out_.paths.push_back(root_ + '/' + path);
    }
    return std::move(out_);
  }

 private:
  void descend(Fd opened, const std::string& below, std::size_t depth) {
    if (!opened) return;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(opened.get()), closedir);
    if (!directory) return;
    const int fd = opened.release();
    while (const dirent* entry = readdir(directory.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++entries_ > entries_limit || std::chrono::steady_clock::now() > until_) {
        out_.all_seen = false;
        return;
      }
      EntryFacts facts;
      if (!entry_facts(fd, name.c_str(), facts)) continue;
      if (S_ISREG(facts.mode)) look(facts, below + name);
      // In an overlay files and directories are of different devices.
      if (!S_ISDIR(facts.mode) || facts.device != of_root_.device) continue;
      if (depth == depth_limit) {
        out_.all_seen = false;
        continue;
      }
      constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
      descend(Fd(openat(fd, name.c_str(), flags)), below + name + '/', depth + 1);
    }
  }

  // How far from the nearest of the file's times.
  [[nodiscard]] std::uint64_t distance_of(std::uint64_t time) const {
    std::uint64_t nearest = UINT64_MAX;
    for (const std::uint64_t each : times_) {
      nearest = std::min(nearest, each > time ? each - time : time - each);
    }
    return nearest;
  }

  void look(const EntryFacts& facts, std::string path) {
    const EntryFacts& own = file_.facts();
    if (facts.inode == own.inode && facts.device == own.device) return;
    const std::uint64_t by_content =
        std::min(distance_of(facts.times.modified_ms), distance_of(facts.times.born_ms));
    const std::uint64_t by_change = distance_of(facts.times.changed_ms);
    if (std::min(by_content, by_change) > neighbours_ms) return;
    out_.count++;
    // Behind the others: a chown of a whole site changes every file.
    const bool by_change_alone = by_content > neighbours_ms;
    if (found_.size() < kept_limit) {
      found_.emplace_back(by_change_alone, by_change_alone ? by_change : by_content,
                          std::move(path));
    }
  }

  const OpenFile& file_;
  const std::string root_;
  EntryFacts of_root_;
  std::vector<std::uint64_t> times_;
  std::vector<std::tuple<bool, std::uint64_t, std::string>> found_;
  std::size_t entries_ = 0;
  const std::chrono::steady_clock::time_point until_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(walk_seconds);
  Neighbours out_;
};

}  // namespace

Neighbours neighbours_of(const OpenFile& file, const std::string& root) {
  return Walk(file, root).run();
}

}  // namespace mailorigin::investigating

#include "firewall/places.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <thread>

#include "core/file.h"

namespace mailorigin::firewall {

namespace {

constexpr std::size_t mountinfo_limit = 16 << 20;
constexpr std::size_t locks_limit = 1 << 20;
constexpr std::size_t cmdline_limit = 64 << 10;

// Root's alone: nobody else can hold it.
constexpr const char* lock_without_pins = "/run/mailorigin-firewall.lock";

// The space-separated word after `count` others.
std::string_view word(std::string_view line, int count) {
  for (; count > 0; count--) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line.substr(0, line.find(' '));
}

// The kernel writes blanks and the like as \040.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i++) {
    const auto digit = [&](std::size_t at) { return text[i + at] >= '0' && text[i + at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && digit(1) && digit(2) && digit(3)) {
      out +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Who holds the lock, as far as that can be found out.
std::string holder_of(int lock, std::optional<uid_t> owner) {
  struct stat about {};
  struct stat its {};
  const auto locks = read_file("/proc/locks", locks_limit);
  if (!locks || fstat(lock, &about) != 0) return "its process is not known";
  std::array<char, 64> device{};
  snprintf(device.data(), device.size(), "%02x:%02x:%llu", major(about.st_dev), minor(about.st_dev),
           static_cast<unsigned long long>(about.st_ino));
  // number: FLOCK ADVISORY WRITE process device start end
  std::istringstream lines(*locks);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, strict, how, process, where;
    words >> number >> kind >> strict >> how >> process >> where;
    if (kind != "FLOCK" || where != device.data()) continue;
    const std::string holder = "/proc/" + process;
    // A command line is in its process's memory: a tenant's may never come. Who has only --remove
    // wait can end that.
    if (stat(holder.c_str(), &its) != 0 ||
        (its.st_uid != 0 && its.st_uid != owner.value_or(about.st_uid))) {
      return "process " + process;
    }
    const auto command = read_file(holder + "/cmdline", cmdline_limit);
    constexpr std::string_view option("--runtime-dir\0", 14);
    const std::size_t at = command ? command->find(option) : std::string::npos;
    if (at == std::string::npos) return "process " + process;
    return "its runtime directory is " + std::string(command->c_str() + at + option.size()) +
           ", its process " + process;
  }
  return "its process is not known";
}

bool is_on(int fd, long magic) {
  struct statfs about {};
  return fstatfs(fd, &about) == 0 && static_cast<long>(about.f_type) == magic;
}

}  // namespace

std::string cgroup2_mount(std::string_view mountinfo) {
  // ID parent device root mount-point options [fields...] - type source options
  while (!mountinfo.empty()) {
    const std::size_t end = mountinfo.find('\n');
    const std::string_view line = mountinfo.substr(0, end);
    mountinfo.remove_prefix(end == std::string_view::npos ? mountinfo.size() : end + 1);
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos || word(line.substr(dash + 3), 0) != "cgroup2") continue;
    if (word(line, 3) == "/") return unescaped(word(line, 4));
  }
  return {};
}

Result<Fd> open_cgroup(const std::string& path) {
  std::string directory = path;
  if (directory.empty()) {
    const auto mountinfo = read_file("/proc/self/mountinfo", mountinfo_limit);
    if (!mountinfo) return mountinfo.error();
    directory = cgroup2_mount(*mountinfo);
    if (directory.empty()) return Error{"cgroup2 is not mounted"};
  }
  Fd fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return system_error(directory, errno);
  if (!is_on(fd.get(), CGROUP2_SUPER_MAGIC)) return Error{directory + " is not in cgroup2"};
  return fd;
}

Result<Fd> lock_pin_directory(const std::string& path, std::optional<uid_t> owner, bool make,
                              std::chrono::milliseconds patience) {
  if (make) (void)mkdir(path.c_str(), 0700);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    Fd lock(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!lock) {
      lock.reset(
          open(lock_without_pins, O_RDWR | (make ? O_CREAT : 0) | O_NOFOLLOW | O_CLOEXEC, 0600));
      if (!lock && errno == ENOENT && !make) return lock;
      if (!lock) return system_error(lock_without_pins, errno);
    }
    struct stat about {};
    if (fstat(lock.get(), &about) != 0) return system_error(path, errno);
    if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
      // Unless --remove has removed it meanwhile: then it is made anew.
      if (fstat(lock.get(), &about) == 0 && about.st_nlink > 0) return lock;
      if (make) (void)mkdir(path.c_str(), 0700);
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
      return system_error(path, errno);
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      if (owner && about.st_uid != 0 && about.st_uid != *owner) {
        return Error{holder_of(lock.get(), owner) + " holds " + path + ", which belongs to uid " +
                     std::to_string(about.st_uid) +
                     ": remove it, and mount that file system with -o mode=700"};
      }
      return Error{"another mailorigin-firewall (" + holder_of(lock.get(), owner) +
                   ") governs this host: one httpd with MailOriginFirewall per host"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

Status enter_pin_directory(const std::string& path, const service::Account& account) {
  const std::string above = std::filesystem::path(path).parent_path();
  const Fd parent(open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent) return system_error(above, errno);
  if (!is_on(parent.get(), BPF_FS_MAGIC)) {
    return Error{above +
                 " is no bpf file system; mount one (mount -t bpf -o mode=700 bpf /sys/fs/bpf)"};
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error(path, errno);
  const Fd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory || fchdir(directory.get()) != 0) return system_error(path, errno);
  if (fchown(directory.get(), account.uid, account.gid) != 0 ||
      fchmod(directory.get(), 0700) != 0) {
    return system_error(path, errno);
  }
  std::error_code fault;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(".", fault)) {
    if (lchown(entry.path().c_str(), account.uid, account.gid) != 0) {
      return system_error(entry.path().string(), errno);
    }
  }
  return Done{};
}

}  // namespace mailorigin::firewall

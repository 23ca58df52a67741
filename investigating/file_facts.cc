#include "investigating/file_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

namespace mailorigin::investigating {

namespace {

std::uint64_t ms_of(const statx_timestamp& time) {
  if (time.tv_sec < 0) return 0;
  return static_cast<std::uint64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
}

// What /proc says that a descriptor is of; empty if it says nothing.
std::string link_of(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t length = readlink(path.c_str(), target.data(), target.size());
  target.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return target;
}

std::string own_link(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

const char* kind_of(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "a directory";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
  }
}

}  // namespace

bool entry_facts(int directory, const char* name, EntryFacts& facts) {
  struct statx about {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name == '\0' ? AT_EMPTY_PATH : 0);
  if (statx(directory, name, flags, STATX_BASIC_STATS | STATX_BTIME, &about) != 0) return false;
  facts.mode = about.stx_mode;
  facts.uid = about.stx_uid;
  facts.gid = about.stx_gid;
  facts.links = about.stx_nlink;
  facts.size = about.stx_size;
  facts.inode = about.stx_ino;
  facts.device = makedev(about.stx_dev_major, about.stx_dev_minor);
  facts.times = {ms_of(about.stx_mtime), ms_of(about.stx_ctime),
                 (about.stx_mask & STATX_BTIME) != 0 ? ms_of(about.stx_btime) : 0};
  return true;
}

Result<OpenFile> OpenFile::open(const std::string& path, Fault& fault) {
  // Named, and not opened yet: a device would notice.
  const Fd named(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!named) {
    const int error = errno;
    fault = error == ENOENT || error == ENOTDIR ? Fault::missing : Fault::unreadable;
    return system_error(path, error);
  }
  EntryFacts facts;
  if (!entry_facts(named.get(), "", facts)) {
    fault = Fault::unreadable;
    return system_error(path, errno);
  }
  if (S_ISLNK(facts.mode)) {
    fault = Fault::no_file;
    std::string target(PATH_MAX, '\0');
    const ssize_t length = readlinkat(named.get(), "", target.data(), target.size());
    target.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
    return Error{path + " is a symbolic link to " + target +
                 ": investigate that, if it is yours to"};
  }
  if (!S_ISREG(facts.mode)) {
    fault = Fault::no_file;
    return Error{path + " is " + kind_of(facts.mode) + ": investigate takes a file"};
  }
  Fd file(::open(own_link(named.get()).c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) {
    fault = Fault::unreadable;
    return system_error(path, errno);
  }
  std::string real = link_of(own_link(file.get()));
  if (!real.starts_with('/')) real = path;
  fault = Fault::none;
  return OpenFile(std::move(file), std::move(real), facts);
}

Fd OpenFile::directory() const {
  const std::string above(directory_of(path_));
  Fd opened(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  EntryFacts same;
  const std::string name(name_of(path_));
  const bool lies_there = opened && entry_facts(opened.get(), name.c_str(), same) &&
                          same.inode == facts_.inode && same.device == facts_.device;
  return lies_there ? std::move(opened) : Fd();
}

Status OpenFile::read(std::uint64_t limit,
                      const std::function<void(std::string_view)>& take) const {
  std::vector<char> block(256 << 10);
  std::uint64_t at = 0;
  while (at < limit) {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), limit - at));
    const ssize_t length = pread(file_.get(), block.data(), most, static_cast<off_t>(at));
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return system_error("read", errno);
    if (length == 0) return Done{};
    take({block.data(), static_cast<std::size_t>(length)});
    at += static_cast<std::uint64_t>(length);
  }
  char more = 0;
  if (pread(file_.get(), &more, 1, static_cast<off_t>(at)) == 0) return Done{};
  return Error{"larger than the " + std::to_string(limit >> 20) + " MiB that are read"};
}

bool OpenFile::has_changed() const {
  EntryFacts now;
  if (!entry_facts(file_.get(), "", now)) return true;
  return now.size != facts_.size || now.times.modified_ms != facts_.times.modified_ms ||
         now.times.changed_ms != facts_.times.changed_ms;
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return path.substr(0, std::max<std::size_t>(slash, 1));
}

}  // namespace mailorigin::investigating

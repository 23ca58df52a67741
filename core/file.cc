#include "core/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

namespace mailorigin {

Result<Fd> open_regular_file(const std::string& path, int flags) {
  // Names it without opening it.
  const Fd named(open(path.c_str(), O_PATH | O_CLOEXEC | flags));
  struct stat about {};
  if (!named || fstat(named.get(), &about) != 0) return system_error(path, errno);
  if (!S_ISREG(about.st_mode)) return Error{path + " is no file"};
  const std::string same = "/proc/self/fd/" + std::to_string(named.get());
  Fd file(open(same.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return system_error(path, errno);
  return file;
}

Result<std::string> read_file(int fd, std::size_t limit) {
  struct stat about {};
  if (fstat(fd, &about) != 0) return system_error("fstat", errno);
  if (!S_ISREG(about.st_mode)) return Error{"not a regular file"};
  // One byte of room more than is expected tells that the end was reached.
  // Files of /proc say that they have none.
  const std::size_t expected = std::max<std::size_t>(static_cast<std::size_t>(about.st_size), 4095);
  std::string bytes(std::min(expected, limit) + 1, '\0');
  std::size_t size = 0;
  while (true) {
    const ssize_t part =
        pread(fd, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return system_error("read", errno);
    if (part == 0) break;
    size += static_cast<std::size_t>(part);
    if (size > limit) return Error{"more than " + std::to_string(limit) + " bytes"};
    if (size == bytes.size()) bytes.resize(std::min(2 * size, limit + 1));
  }
  bytes.resize(size);
  return bytes;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return system_error(path, errno);
  auto bytes = read_file(file.get(), limit);
  if (!bytes) return bytes.error().context(path);
  return bytes;
}

Result<std::vector<std::string>> names_in(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(directory.c_str()), closedir);
  if (!open) return system_error(directory, errno);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(open.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  return names;
}

Status ensure_directory(const std::string& directory, mode_t mode) {
  if (mkdir(directory.c_str(), mode) == 0) {
    if (chmod(directory.c_str(), mode) != 0) return system_error(directory, errno);
    return Done{};
  }
  if (errno != EEXIST) return system_error("cannot create " + directory, errno);
  return Done{};
}

}  // namespace mailorigin

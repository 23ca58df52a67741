#include "mod_mailorigin/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <optional>

#include "core/fd.h"

namespace mailorigin {

namespace {

constexpr const char* boot_id_path = "/proc/sys/kernel/random/boot_id";
constexpr std::size_t file_limit = 256;

// At most `file_limit` bytes.
Result<std::string> read_all(int fd, const std::string& path) {
  std::string bytes(file_limit, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t count = read(fd, bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("cannot read " + path, errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  bytes.resize(size);
  return bytes;
}

Result<std::string> boot_id() {
  const Fd file(open(boot_id_path, O_RDONLY | O_CLOEXEC));
  if (!file) return system_error(std::string("cannot open ") + boot_id_path, errno);
  auto id = read_all(file.get(), boot_id_path);
  if (id && id->ends_with('\n')) id->pop_back();
  return id;
}

// Nothing if there is no file, or one of another boot.
Result<std::optional<SealKey>> load(const std::string& path, const std::string& boot) {
  const Fd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return std::optional<SealKey>();
    return system_error("cannot open " + path, errno);
  }
  struct stat about {};
  if (fstat(file.get(), &about) != 0) return system_error(path, errno);
  if (!S_ISREG(about.st_mode) || about.st_uid != geteuid() || (about.st_mode & 0177) != 0) {
    return Error{path + " must be a file of root's that nobody else can read; remove it"};
  }
  const auto bytes = read_all(file.get(), path);
  if (!bytes) return bytes.error();
  if (bytes->size() != SealKey::size + boot.size() || !bytes->ends_with(boot)) {
    return std::optional<SealKey>();
  }
  return SealKey::from_bytes(bytes->substr(0, SealKey::size));
}

// A file with a new key, not yet under its name.
Result<std::string> write_new(const std::string& path, const std::string& boot) {
  std::string name = path + '.' + std::to_string(getpid());
  unlink(name.c_str());  // of a process of that number that died in between
  const Fd file(open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return system_error("cannot create " + name, errno);
  const std::string bytes = SealKey::generate().bytes() + boot;
  if (write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    const Error error = system_error("cannot write " + name, errno);
    unlink(name.c_str());
    return error;
  }
  return name;
}

}  // namespace

Result<SealKey> load_or_make_key(const std::string& directory) {
  const std::string path = directory + "/key";
  const auto boot = boot_id();
  if (!boot) return boot.error();
  auto present = load(path, *boot);
  if (!present) return present.error();
  if (*present) return **present;

  const auto fresh = write_new(path, *boot);
  if (!fresh) return fresh.error();
  // Where there is none, link() leaves one that another process has made in
  // the meantime; one of an earlier boot has to give way.
  int fault = 0;
  if (access(path.c_str(), F_OK) == 0) {
    if (rename(fresh->c_str(), path.c_str()) != 0) fault = errno;
  } else {
    if (link(fresh->c_str(), path.c_str()) != 0 && errno != EEXIST) fault = errno;
  }
  unlink(fresh->c_str());
  if (fault != 0) return system_error("cannot create " + path, fault);

  present = load(path, *boot);
  if (!present) return present.error();
  if (*present) return **present;
  return Error{path + " changes while it is read"};
}

}  // namespace mailorigin

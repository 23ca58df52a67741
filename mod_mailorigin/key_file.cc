#include "mod_mailorigin/key_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/fd.h"

namespace mailorigin::httpd {

namespace {

// A file with a new key, not yet under its name.
Result<std::string> write_new(const std::string& path, const std::string& boot) {
  std::string name = path + '.' + std::to_string(getpid());
  unlink(name.c_str());  // of a process of that number that died in between
  const Fd file(open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return system_error("cannot create " + name, errno);
  const std::string bytes = encode_key_file(SealKey::generate(), boot);
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
  auto present = load_key(path, *boot);
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

  present = load_key(path, *boot);
  if (!present) return present.error();
  if (*present) return **present;
  return Error{path + " changes while it is read"};
}

}  // namespace mailorigin::httpd

#include "core/key.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "core/bytes.h"
#include "core/fd.h"
#include "core/file.h"
#include "core/random.h"

namespace mailorigin {

namespace {

constexpr std::size_t file_limit = 256;  // bytes; a boot id has 36

// As the kernel writes it.
std::string with_hyphens(std::string id) {
  for (const std::size_t place : {8, 13, 18, 23}) {
    if (id.size() > place && id[place] != '-') id.insert(place, 1, '-');
  }
  return id;
}

}  // namespace

SealKey SealKey::generate() {
  SealKey key;
  random_bytes(&key.id, sizeof key.id);
  random_bytes(key.secret.data(), key.secret.size());
  return key;
}

std::string SealKey::bytes() const {
  std::string out;
  append_little_endian(out, id);
  out.append(secret.begin(), secret.end());
  return out;
}

std::optional<SealKey> SealKey::from_bytes(std::string_view bytes) {
  if (bytes.size() != size) return std::nullopt;
  SealKey key;
  key.id = little_endian<std::uint32_t>(bytes);
  std::copy(bytes.begin() + sizeof key.id, bytes.end(), key.secret.begin());
  return key;
}

Result<std::string> boot_id() {
  auto id = read_file("/proc/sys/kernel/random/boot_id", file_limit);
  if (id && id->ends_with('\n')) id->pop_back();
  if (id) return id;
  // A unit whose /proc is of processes alone (ProcSubset=pid) has it from systemd.
  const char* const given = std::getenv("MAILORIGIN_BOOT_ID");
  return given != nullptr && *given != '\0' ? with_hyphens(given) : id;
}

std::string encode_key_file(const SealKey& key, std::string_view boot) {
  return key.bytes().append(boot);
}

std::optional<SealKey> decode_key_file(std::string_view bytes, std::string_view boot) {
  if (boot.empty() || bytes.size() < SealKey::size || bytes.substr(SealKey::size) != boot) {
    return std::nullopt;
  }
  return SealKey::from_bytes(bytes.substr(0, SealKey::size));
}

Result<std::optional<SealKey>> load_key(const std::string& path, std::string_view boot) {
  const Fd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return std::optional<SealKey>();
    return system_error("cannot open " + path, errno);
  }
  struct stat about {};
  if (fstat(file.get(), &about) != 0) return system_error(path, errno);
  if (!S_ISREG(about.st_mode) || about.st_uid != 0 || (about.st_mode & 0177) != 0) {
    return Error{path + " must be a file of root's that nobody else can read; remove it"};
  }
  const auto bytes = read_file(file.get(), file_limit);
  if (!bytes) return bytes.error().context(path);
  return decode_key_file(*bytes, boot);
}

}  // namespace mailorigin

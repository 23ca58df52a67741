#include "store/refused_events.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "core/fd.h"

namespace mailorigin::store {

namespace {

// On the disk: a hundred thousand ordinary events.
constexpr std::uint64_t most_bytes = 64ULL << 20;

}  // namespace

RefusedEvents::RefusedEvents(const std::string& state_directory)
    : path_(state_directory + "/refused-by-store"),
      older_(path_ + ".1"),
      format_(Format::predefined("json").value_or(Format())) {}

Status RefusedEvents::add(const Event& event) {
  std::string line;
  format_.append(line, event);
  line += '\n';
  const auto open_it = [&] {
    return Fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  };
  Fd file = open_it();
  struct stat about {};
  if (file && fstat(file.get(), &about) == 0 &&
      static_cast<std::uint64_t>(about.st_size) + line.size() > most_bytes / 2) {
    if (rename(path_.c_str(), older_.c_str()) != 0) return system_error(path_, errno);
    file = open_it();
  }
  if (!file) return system_error(path_, errno);
  const ssize_t written = write(file.get(), line.data(), line.size());
  if (written < 0) return system_error(path_, errno);
  if (static_cast<std::size_t>(written) != line.size()) {  // the disk is full
    // Half a line would be taken for the beginning of the next one.
    if (fstat(file.get(), &about) == 0) (void)!ftruncate(file.get(), about.st_size - written);
    return system_error(path_, ENOSPC);
  }
  if (fsync(file.get()) != 0) return system_error(path_, errno);
  return Done{};
}

bool RefusedEvents::keep(std::uint64_t wall_ms, std::uint64_t retained_ms) {
  bool any = false;
  for (const std::string& path : {older_, path_}) {
    struct stat about {};
    if (lstat(path.c_str(), &about) != 0) continue;
    const auto changed_ms = static_cast<std::uint64_t>(about.st_mtime) * 1000;
    if (changed_ms + retained_ms >= wall_ms || unlink(path.c_str()) != 0) any = true;
  }
  return any;
}

}  // namespace mailorigin::store

#include "service/block_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/fd.h"
#include "core/file.h"
#include "service/kept_file.h"

namespace mailorigin::service {

BlockFile::BlockFile(const std::string& state_directory)
    : path_(path(state_directory)), damaged_path_(path_ + ".damaged") {}

Result<Blocks> BlockFile::load() const {
  const Fd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return Blocks();
  const auto read = [&]() -> Result<Blocks> {
    if (!file) return system_error(path_, errno);
    const auto bytes = read_file(file.get(), blocks_size_limit);
    if (!bytes) return bytes.error().context(path_);
    auto blocks = Blocks::decode(*bytes);
    if (!blocks) return blocks.error().context(path_);
    return blocks;
  };
  auto blocks = read();
  if (!blocks) (void)std::rename(path_.c_str(), damaged_path_.c_str());
  return blocks;
}

Status BlockFile::keep(std::string_view encoded) const { return replace_file(path_, encoded); }

bool BlockFile::was_damaged() const { return access(damaged_path_.c_str(), F_OK) == 0; }

}  // namespace mailorigin::service

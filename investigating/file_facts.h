// A file as it lies there: what the file system says of it, and its content, read once.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin::investigating {

// Milliseconds since the epoch; 0: not known.
struct Times {
  std::uint64_t modified_ms = 0;
  std::uint64_t changed_ms = 0;
  std::uint64_t born_ms = 0;
};

// What statx() says.
struct EntryFacts {
  std::uint32_t mode = 0;  // with the type
  std::uint32_t uid = 0, gid = 0, links = 0;
  std::uint64_t size = 0, inode = 0;
  dev_t device = 0;
  Times times;
};
// Of `name` in an open directory, or of the descriptor itself where the name is empty. A symbolic
// link is not followed. Nothing where there is none.
bool entry_facts(int directory, const char* name, EntryFacts& facts);

// A regular file that was opened by nobody's device, FIFO or symbolic link.
class OpenFile {
 public:
  enum class Fault : std::uint8_t { none, missing, no_file, unreadable };
  // Where it fails, `fault` says of which kind it is: of no_file the error says what stands there.
  static Result<OpenFile> open(const std::string& path, Fault& fault);

  // Without symbolic links, as the kernel has it now.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const EntryFacts& facts() const { return facts_; }
  [[nodiscard]] int fd() const { return file_.get(); }
  // The directory that it lies in, if it still does; an empty one where not.
  [[nodiscard]] Fd directory() const;

  // All of it in pieces, at most `limit` bytes. Fails where it cannot be read, or goes on behind
  // the limit.
  Status read(std::uint64_t limit, const std::function<void(std::string_view)>& take) const;
  // Somebody has changed it since it was opened.
  [[nodiscard]] bool has_changed() const;

 private:
  OpenFile(Fd file, std::string path, const EntryFacts& facts)
      : file_(std::move(file)), path_(std::move(path)), facts_(facts) {}
  Fd file_;
  std::string path_;
  EntryFacts facts_;
};

// Path's last part, and what stands before it (without a slash at its end, but for "/").
std::string_view name_of(std::string_view path);
std::string_view directory_of(std::string_view path);

}  // namespace mailorigin::investigating

// The blocks in force, kept in the state directory for the next start.
#pragma once

#include <string>
#include <string_view>

#include "core/blocks.h"
#include "core/result.h"

namespace mailorigin::service {

class BlockFile {
 public:
  explicit BlockFile(const std::string& state_directory);
  static std::string path(const std::string& state_directory) {
    return state_directory + "/blocks";
  }

  // None where there is no file. One that cannot be read whole is moved aside, so that
  // what is kept next does not take its place; the error names it.
  [[nodiscard]] Result<Blocks> load() const;
  // Of another thread, too.
  [[nodiscard]] Status keep(std::string_view encoded) const;

  // Where a damaged file has been moved to, and whether one is there still.
  [[nodiscard]] const std::string& damaged_path() const { return damaged_path_; }
  [[nodiscard]] bool was_damaged() const;

 private:
  const std::string path_;
  const std::string damaged_path_;
};

}  // namespace mailorigin::service

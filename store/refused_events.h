// RefusedEvents: what the database does not take, in a file that nobody reads but people.
#pragma once

#include <cstdint>
#include <string>

#include "core/event.h"
#include "core/format.h"
#include "core/result.h"

namespace mailorigin::store {

// `refused-by-store` in MailOriginStateDir, mode 0600: an event a line, as the format json has it.
// Of more than 64 MiB the newer half is kept. For one thread.
class RefusedEvents {
 public:
  explicit RefusedEvents(const std::string& state_directory);

  [[nodiscard]] const std::string& path() const { return path_; }

  // On the disk when it returns. An event may come again, and is in it twice then.
  Status add(const Event& event);
  // False once somebody has taken the file away, or it has been removed for its age: what was
  // written last into it is older than `retained_ms`.
  bool keep(std::uint64_t wall_ms, std::uint64_t retained_ms);

 private:
  const std::string path_;
  const std::string older_;  // the half before it
  const Format format_;
};

}  // namespace mailorigin::store

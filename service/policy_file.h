// The last policy, kept in the state directory for the next start.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/policy.h"
#include "service/notice_board.h"

namespace mailorigin::service {

// Replaces the file in one step (a new file, renamed).
Status save_policy(const std::string& state_directory, std::string_view encoded);

// Nothing if there is none yet.
Result<std::optional<Policy>> load_policy(const std::string& state_directory);

// Both, with what a service has to say about them.
class PolicyKeeper {
 public:
  // Of a notice: what stands before and behind a fault.
  struct Around {
    std::string before;  // its number
    std::string behind;
  };
  struct Wording {
    Around unreadable;
    Around not_kept;
    std::string kept_again;
  };

  // `notices` must outlive it.
  PolicyKeeper(std::string state_directory, NoticeBoard& notices, Wording wording)
      : state_directory_(std::move(state_directory)),
        notices_(notices),
        wording_(std::move(wording)) {}

  // Nothing, too, where it cannot be read: that is said.
  std::optional<Policy> load();
  void keep(std::string_view encoded);
  // There is none to keep any more.
  void forget();

 private:
  const std::string state_directory_;
  NoticeBoard& notices_;
  const Wording wording_;
};

}  // namespace mailorigin::service

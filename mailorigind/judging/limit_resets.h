// LimitResets: whose limits an administrator has had begin anew, by `mailorigin limits --reset`.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "core/wire/limiting.h"

namespace mailorigin::daemon {

// A count is found by a key that tells the reset before it, so that one of a site reaches all
// that was counted for it, whomever for; what was counted before goes by itself, as it
// becomes whole. Of more than resets_kept sites, the one whose reset is oldest loses it, and so
// begins anew once more.
class LimitResets {
 public:
  void add(LimitReset reset);
  // Null where there was none.
  [[nodiscard]] const LimitReset* of(const std::string& site) const {
    if (sites_.empty()) return nullptr;
    const auto found = sites_.find(site);
    return found == sites_.end() ? nullptr : &found->second;
  }
  // The newest first.
  [[nodiscard]] std::vector<const LimitReset*> list() const;

  [[nodiscard]] std::string encode() const;
  // Fails on what encode() did not write.
  static Result<LimitResets> decode(std::string_view bytes);

 private:
  std::unordered_map<std::string, LimitReset> sites_;
};

}  // namespace mailorigin::daemon

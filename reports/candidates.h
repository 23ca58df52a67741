// The events that an input may be about, the most likely first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/result.h"
#include "reports/store_access.h"
#include "tracing/clues.h"
#include "tracing/mail_log.h"

namespace mailorigin::reports {

struct Candidate {
  Event event;
  int score = 0;
  std::vector<std::string> why;  // what speaks for it
};

struct Candidates {
  std::vector<Candidate> list;             // at most candidates_limit
  std::vector<tracing::Passage> passages;  // that the clues led to in the mail server's log
};
inline constexpr std::size_t candidates_limit = 20;

Result<Candidates> find_candidates(const tracing::Clues& clues,
                                   const std::vector<std::string>& mail_logs, StoreAccess& store);

}  // namespace mailorigin::reports

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
  unsigned within = 0;           // the least of the clues that led to it
  bool has_recipient = false;    // one that the mail names
  bool has_subject = false;      // the mail's
  std::vector<std::string> why;  // what speaks for it
};

struct Candidates {
  std::vector<Candidate> list;             // at most candidates_limit
  std::vector<tracing::Passage> passages;  // that the clues led to in the mail server's log
  // The mail names recipients, and the first one of the list went to none of them: its id may have
  // been copied into another mail.
  bool is_doubtful = false;
};
inline constexpr std::size_t candidates_limit = 20;

// What a mail's own header says comes before what the mail contains: that, whoever sent it chose.
// Before those that went to others comes one that has the mail's recipient and subject.
Result<Candidates> find_candidates(const tracing::Clues& clues,
                                   const std::vector<std::string>& mail_logs, StoreAccess& store);

}  // namespace mailorigin::reports

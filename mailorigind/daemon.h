// Daemon: the parts put together, and the answering thread's loop.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/key.h"
#include "core/result.h"
#include "mailorigind/control_desk.h"
#include "mailorigind/delivery.h"
#include "mailorigind/inherited.h"
#include "mailorigind/journal.h"
#include "mailorigind/judge.h"
#include "mailorigind/notice_board.h"
#include "mailorigind/poller.h"
#include "mailorigind/question_desk.h"
#include "mailorigind/recent_answers.h"
#include "mailorigind/user_names.h"

namespace mailorigin {

class Daemon {
 public:
  // Opens what the state directory keeps; its lock is held by the caller.
  // `descriptor_limit` is RLIMIT_NOFILE's.
  static Result<std::unique_ptr<Daemon>> open(const std::string& state_directory,
                                              Inherited inherited, std::optional<SealKey> key,
                                              std::size_t descriptor_limit);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Until SIGTERM, SIGINT or the lifeline's end; then delivers what can be
  // delivered, for drain_patience at most.
  Status run();

 private:
  Daemon(std::string state_directory, Inherited inherited, std::size_t descriptor_limit);
  Status open_state();
  Status watch();
  void loop();
  void take(ControlDesk::Push push);
  void open_limits();
  void put_in_force(Policy policy, std::vector<Fd> descriptors);

  const std::string state_directory_;
  Inherited inherited_;
  const std::size_t descriptor_limit_;

  NoticeBoard notices_;
  Poller poller_;
  UserNames names_;
  Judge judge_;
  RecentAnswers answers_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<QuestionDesk> questions_;
  ControlDesk control_;
  Fd signals_;
};

}  // namespace mailorigin

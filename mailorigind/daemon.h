// Daemon: the parts put together, and the answering thread's loop.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/key.h"
#include "core/result.h"
#include "mailorigind/asking/connection_table.h"
#include "mailorigind/asking/question_desk.h"
#include "mailorigind/asking/recent_answers.h"
#include "mailorigind/asking/tickets.h"
#include "mailorigind/asking/user_names.h"
#include "mailorigind/block_desk.h"
#include "mailorigind/connections/deputies.h"
#include "mailorigind/connections/smtp_recorder.h"
#include "mailorigind/delivery/delivery.h"
#include "mailorigind/errands.h"
#include "mailorigind/feeding/store_feed.h"
#include "mailorigind/inherited.h"
#include "mailorigind/journal/journal.h"
#include "mailorigind/journal/recording.h"
#include "mailorigind/journal/retention.h"
#include "mailorigind/judging/judge.h"
#include "mailorigind/limit_desk.h"
#include "mailorigind/queueing/exim_desk.h"
#include "mailorigind/queueing/known_connections.h"
#include "mailorigind/queueing/queued_mails.h"
#include "mailorigind/status.h"
#include "service/control_desk.h"
#include "service/notice_board.h"
#include "service/policy_file.h"
#include "service/poller.h"

namespace mailorigin::daemon {

class Daemon {
 public:
  // Opens what the state directory keeps; its lock is held by the caller. The
  // firewall is looked for in the runtime directory.
  // `descriptor_limit` is RLIMIT_NOFILE's.
  static Result<std::unique_ptr<Daemon>> open(const std::string& state_directory,
                                              const std::string& runtime_directory,
                                              Inherited inherited, std::optional<SealKey> key,
                                              std::size_t descriptor_limit);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // For what was found before there was a daemon.
  [[nodiscard]] service::NoticeBoard& notices() { return notices_; }

  // Until SIGTERM, SIGINT or the lifeline's end; then delivers what can be
  // delivered, for drain_patience at most.
  Status run();

 private:
  Daemon(std::string state_directory, const std::string& runtime_directory, Inherited inherited,
         std::size_t descriptor_limit);
  Status open_state();
  void recover(std::uint64_t position, std::string_view payload, const Moment& now);
  Status watch();
  void loop();
  void accept_control(int listener);
  std::shared_ptr<ActivePolicy> in_memory(Policy policy);
  service::PreparedPolicy prepare(Policy policy);
  Status take(const std::shared_ptr<ActivePolicy>& policy, service::PolicyPush push);
  void keep(std::string encoded);
  void open_limits();
  Status tell(const Packet& packet, int socket);
  Status show_policy(int socket);
  DaemonStatus status();
  std::optional<Answer> answer_exim(QueuedMail mail);
  void record_connections(const Moment& moment);
  // Does what is due; how long to wait for more at most.
  int patience();
  void wake_delivery();
  bool attend(const service::Poller::Ready& ready, const Moment& moment);
  void put_in_force(std::shared_ptr<const ActivePolicy> active,
                    std::optional<RequestCounts> counts);

  const std::string state_directory_;
  Inherited inherited_;
  const std::size_t descriptor_limit_;
  const std::uint64_t started_ms_ = Moment::now().wall_ms;

  Errands freeing_{"freeing"};  // before whatever holds a policy

  std::shared_ptr<const ActivePolicy> active_;  // null until there is one
  service::NoticeBoard notices_;
  service::PolicyKeeper kept_policy_;
  BlockDesk blocks_;
  service::Poller poller_;
  UserNames names_;
  Judge judge_;
  LimitDesk limits_;
  HeardVhosts heard_;
  RecentAnswers answers_;
  Tickets tickets_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Retention> retention_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<StoreFeed> store_;
  FirewallLink firewall_;
  std::unique_ptr<Recording> recording_;
  KnownConnections known_connections_;
  std::unique_ptr<QueuedMails> queued_;
  std::unique_ptr<SmtpRecorder> smtp_recorder_;
  std::unique_ptr<Deputies> deputies_;
  ThreadClock clock_{token_ns};
  ConnectionTable connections_;
  std::unique_ptr<QuestionDesk> questions_;
  EximDesk exim_;
  service::ControlDesk control_;
  std::uint64_t ring_read_ms_ = 0;
  std::uint64_t tidied_ms_ = 0;
  std::uint64_t delivered_until_ = 0;  // of the journal, as far as delivery was woken for it
  Fd signals_;
  std::mutex to_keep_mutex_;  // guards to_keep_
  std::string to_keep_;       // the policy, until that begins
  // Last: their ends wait for what uses the rest.
  Errands showing_{"showing"};
  Errands keeping_{"keeping"};
};

}  // namespace mailorigin::daemon

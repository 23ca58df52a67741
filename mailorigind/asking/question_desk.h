// QuestionDesk: what those who are connected ask, and what they are answered.
//
// One turn of the loop reads at most one message per connection, then appends
// the events of all of them to the journal with one write, then answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mailorigind/asking/connection_table.h"
#include "mailorigind/asking/heard_vhosts.h"
#include "mailorigind/asking/recent_answers.h"
#include "mailorigind/asking/registrations.h"
#include "mailorigind/asking/tickets.h"
#include "mailorigind/asking/user_names.h"
#include "mailorigind/asking/waiting_answers.h"
#include "mailorigind/connections/deputies.h"
#include "mailorigind/connections/firewall_link.h"
#include "mailorigind/journal/journal.h"
#include "mailorigind/journal/recording.h"
#include "mailorigind/judging/judge.h"
#include "mailorigind/moment.h"
#include "mailorigind/queueing/queued_mails.h"
#include "mailorigind/thread_clock.h"

namespace mailorigin::daemon {

class QuestionDesk {
 public:
  // All references must outlive it.
  QuestionDesk(ConnectionTable& connections, Judge& judge, const Journal& journal,
               Recording& recording, RecentAnswers& answers, Tickets& tickets,
               const UserNames& names, FirewallLink& firewall, ThreadClock& clock,
               HeardVhosts& heard, QueuedMails& queued, Deputies& deputies,
               service::NoticeBoard& notices);

  // ---- A turn: begin, any number of read(), end.

  void begin_turn(const Moment& moment);
  // Reads one message of the connection `fd`, if its uid still has a share in
  // this turn and what is to be recorded has room.
  void read(int fd);
  // The journal, then the answers.
  void end_turn();

  // ---- Between turns.

  // Answers those for whom what they wait for is known, or has not come in time.
  // Returns after how many milliseconds to call it again at the latest.
  int answer_waiting(std::uint64_t now_ms);

 private:
  struct Pending {
    int fd;
    AskingUser* asker;  // pays
    RecentAnswers::Key key;
    Answer answer;
    // Where among what is recorded its event begins; nothing if it has no new one.
    std::optional<std::size_t> record;
    std::optional<RecipientDigest> recipients{};  // of the question, for its ticket
    bool submitted = false;
  };

  bool receive(AskingConnection& from);
  void handle(AskingConnection& asking);
  void outside_asked(uid_t uid);
  void hear(AskingConnection& asking, AskingUser& asker);
  void answer_registration(AskingConnection& asking, AskingUser& asker);
  void answer_queued(AskingConnection& asking, AskingUser& asker);
  void answer_deputed(AskingConnection& asking, AskingUser& asker);
  void answer_question(AskingConnection& asking, AskingUser& asker);
  // To `quota`, what has been worked since the last time but for what is paid; how long.
  std::uint64_t charge(Quota& quota, std::uint64_t paid_ns = 0);
  void give(const WaitingAnswer& waiting);
  bool send(int fd, const Answer& answer);
  [[nodiscard]] double cost(std::size_t size, bool fills_journal) const;
  [[nodiscard]] std::optional<Answer> repeated(const RecentAnswers::Key& key,
                                               const Question& question) const;
  [[nodiscard]] std::optional<Answer> answer_at(std::uint64_t position) const;
  std::optional<Answer> redeemed(AskingConnection& asking, AskingUser& asker);

  ConnectionTable& connections_;
  Judge& judge_;
  const Journal& journal_;
  Recording& recording_;
  RecentAnswers& answers_;
  Tickets& tickets_;
  const UserNames& names_;
  FirewallLink& firewall_;
  ThreadClock& clock_;
  HeardVhosts& heard_;
  QueuedMails& queued_;
  Deputies& deputies_;
  service::NoticeBoard& notices_;
  WaitingAnswers waiting_;
  Registrations registrations_;

  Moment moment_;
  std::uint64_t turn_ = 0;
  std::uint64_t outside_asked_ms_ = 0;  // last; 0: not of late
  Packet packet_;
  Question question_;
  std::vector<Pending> pending_;
};

}  // namespace mailorigin::daemon

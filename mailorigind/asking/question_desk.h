// QuestionDesk: the connections of those who ask.
//
// One turn of the loop reads at most one question per connection, then appends
// the events of all of them to the journal with one write, then answers.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/unix_socket.h"
#include "mailorigind/asking/recent_answers.h"
#include "mailorigind/asking/user_names.h"
#include "mailorigind/connections/firewall_link.h"
#include "mailorigind/journal/journal.h"
#include "mailorigind/judging/judge.h"
#include "service/notice_board.h"
#include "service/poller.h"

namespace mailorigin::daemon {

class QuestionDesk {
 public:
  // Watches connections with `poller`. All references must outlive it.
  QuestionDesk(service::Poller& poller, Judge& judge, Journal& journal, RecentAnswers& answers,
               UserNames& names, service::NoticeBoard& notices, FirewallLink& firewall);

  // How many connections there may be at once; more close the longest idle one
  // of the uid that has most.
  void set_capacity(std::size_t connections) { capacity_ = connections; }

  // ---- A turn: begin, any number of read(), end.

  void begin_turn(const Moment& moment);
  // Reads one message of the connection `fd`, if its uid still has a share in
  // this turn and the journal's batch has room.
  void read(int fd);
  // The journal, then the answers. True if something was appended.
  bool end_turn();

  // Says, once, that the journal cannot be written, or that it can be again.
  void report_journal(const Status& appended);

  // Answers those whom the firewall has come to know, or has not.
  void answer_introductions();

  // ---- Between turns, because they may close connections.

  void accept(int listener);
  // UserNames has found some: their connections are let in.
  void let_in_named();
  // Lets in whose uid's name took too long, and forgets uids that have gone.
  // Returns after how many milliseconds to call it again at the latest.
  int keep_house();

 private:
  // A uid's: its quota outlives its connections for a while.
  struct User {
    explicit User(uid_t u) : uid(u) {}
    uid_t uid;
    Quota quota;
    std::list<int> longest_idle_first;
    std::uint64_t turn = 0;  // in which `messages` were read
    std::size_t messages = 0;
    std::uint64_t last_seen_ms = 0;
    std::uint64_t bad_connections = 0;  // since the last notice
    std::uint64_t bad_notice_ms = 0;
  };
  struct Connection {
    Fd socket;
    std::uint64_t serial = 0;  // a descriptor comes again, this does not
    Credentials peer;          // who connected; nobody else may use the connection
    User* user = nullptr;
    std::list<int>::iterator idle_place;
    std::optional<std::vector<Process>> lineage;
    std::optional<RecentAnswers::Key> last_question;
    std::uint64_t rests_until_ms = 0;  // 0: it is watched
  };
  struct Pending {
    int fd;
    RecentAnswers::Key key;
    Answer answer;
    // Where in the batch its event begins; nothing if it has no new one.
    std::optional<std::size_t> record;
  };
  // Waits for the firewall to know the process.
  struct Introduction {
    int fd;
    std::uint64_t serial;
    uid_t uid;
    Nonce nonce;
  };
  struct Arrival {
    std::uint64_t deadline_ms;
    int fd;
    uid_t uid;
  };

  Connection* connection(int fd);
  User& user(uid_t uid);
  void let_in(int fd);
  void close(int fd);
  void close_bad(Connection& connection, std::string_view what);
  void make_room();
  void rest(Connection& connection);
  void end_rests(std::uint64_t now_ms);
  void send_answer(int fd, const Answer& answer);
  bool receive(Connection& connection, std::string_view& packet, Credentials& sender);
  void answer(Connection& connection, std::string_view packet, const Credentials& sender);
  void introduce(Connection& connection, std::string_view packet, const Credentials& sender);
  std::string_view present(Connection& connection, const Registration& registration, uid_t uid);
  [[nodiscard]] double cost(std::size_t size) const;
  [[nodiscard]] std::optional<Answer> repeated(const RecentAnswers::Key& key,
                                               const Question& question) const;

  service::Poller& poller_;
  Judge& judge_;
  Journal& journal_;
  RecentAnswers& answers_;
  UserNames& names_;
  service::NoticeBoard& notices_;
  FirewallLink& firewall_;

  std::size_t capacity_ = 1024;
  std::size_t count_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::unordered_map<uid_t, User> users_;
  std::uint64_t accepted_ = 0;
  std::deque<Introduction> introductions_;     // in the order of FirewallLink's results
  std::deque<Arrival> arrivals_;               // wait for their uid's name, oldest first
  std::multimap<std::uint64_t, int> resting_;  // by the end of their rest; some may be gone

  Moment moment_;
  std::uint64_t turn_ = 0;
  std::uint64_t house_kept_ms_ = 0;
  std::vector<char> buffer_;
  Question question_;
  std::string batch_;  // of journal records
  std::vector<Pending> pending_;
};

}  // namespace mailorigin::daemon

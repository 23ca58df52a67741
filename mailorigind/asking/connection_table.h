// ConnectionTable: the connections of those who ask. Lets them in, once their
// uid's name is known; makes room; has a connection rest.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/unix_socket.h"
#include "mailorigind/asking/quota.h"
#include "mailorigind/asking/recent_answers.h"
#include "mailorigind/asking/user_names.h"
#include "mailorigind/judging/process.h"
#include "mailorigind/thread_clock.h"
#include "service/notice_board.h"
#include "service/poller.h"

namespace mailorigin::daemon {

// A uid's: its quotas outlive its connections for a while.
struct AskingUser {
  explicit AskingUser(uid_t u) : uid(u) {}
  const uid_t uid;
  Quota questions;
  Quota registrations{registration_rate, registration_burst};
  Quota journal{journal_rate, journal_burst};  // what it writes there, in bytes
  TurnShare turn;
  std::list<int> longest_idle_first;
  std::uint64_t last_seen_ms = 0;
  std::uint64_t bad_connections = 0;  // since the last notice
  std::uint64_t bad_notice_ms = 0;
};

struct AskingConnection {
  Fd socket;
  std::uint64_t serial = 0;  // a descriptor comes again, this does not
  Credentials peer;          // who connected; nobody else may use the connection
  AskingUser* user = nullptr;
  std::list<int>::iterator idle_place;
  std::optional<std::vector<Process>> lineage;
  std::optional<RecentAnswers::Key> last_question;
  // By which ticket the message of its last question has passed into the queue.
  std::optional<Ulid> last_passed;
  bool awaits_name = false;
  std::uint64_t waits_until_ms = 0;  // for its uid's name, or it rests; 0: it is watched

  [[nodiscard]] int fd() const { return socket.get(); }
};

class ConnectionTable {
 public:
  // Watches connections with `poller`, and tells `closing` of each that it closes.
  // References must outlive it.
  ConnectionTable(service::Poller& poller, UserNames& names, service::NoticeBoard& notices,
                  ThreadClock& clock, std::function<void(const AskingConnection&)> closing);

  // How many connections there may be at once; more close the longest idle one
  // of the uid that has most.
  void set_capacity(std::size_t connections) { capacity_ = connections; }

  // Takes new ones for accept_turn_ns at most, and charges each uid for its own.
  void accept(int listener, std::uint64_t now_ms);
  // UserNames has found some: their connections are let in.
  void let_in_named(std::uint64_t now_ms);
  // Lets in who has waited or rested long enough, and forgets uids that have gone.
  // Returns after how many milliseconds to call it again at the latest.
  int keep_house(std::uint64_t now_ms);

  // Null if there is none; if `serial` is given, if it is not that one any more.
  AskingConnection* find(int fd);
  AskingConnection* find(int fd, std::uint64_t serial);
  AskingUser& user(uid_t uid, std::uint64_t now_ms);
  // It is the last now to be closed for want of room.
  void used(AskingConnection& connection, std::uint64_t now_ms);
  // It is not read for a while, longer if its uid has many.
  void rest(AskingConnection& connection, std::uint64_t now_ms);

  void close(int fd);
  // What it did says why; said in error_log at most once a minute for each uid.
  void close_bad(AskingConnection& connection, std::string_view what, std::uint64_t now_ms);

 private:
  void add(Peer peer, AskingUser& owner, std::uint64_t now_ms);
  void watch(AskingConnection& connection);
  static std::uint64_t rest_ms(const AskingUser& user);
  void wait(AskingConnection& connection, std::uint64_t until_ms);
  void make_room();

  service::Poller& poller_;
  UserNames& names_;
  service::NoticeBoard& notices_;
  ThreadClock& clock_;
  const std::function<void(const AskingConnection&)> closing_;

  std::size_t capacity_ = 1024;
  std::size_t count_ = 0;
  std::uint64_t accepted_ = 0;
  std::vector<std::unique_ptr<AskingConnection>> connections_;  // by descriptor
  std::unordered_map<uid_t, AskingUser> users_;
  std::multimap<std::uint64_t, int> waiting_;  // by the end of their wait; some may be gone
  std::uint64_t house_kept_ms_ = 0;
};

}  // namespace mailorigin::daemon

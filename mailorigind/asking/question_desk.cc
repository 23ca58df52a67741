#include "mailorigind/asking/question_desk.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "core/base64url.h"
#include "mailorigind/journal/event_record.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

constexpr std::string_view no_firewall = "no-firewall";

// Who shows a page publishes its contexts there; any other process keeps this one.
mo_registration process_of(const Registration& registration, const Process& process, uid_t uid) {
  mo_registration about{};
  about.uid = uid;
  about.tgid = static_cast<std::uint32_t>(process.pid);
  about.start_ticks = process.start;
  about.page = registration.page;
  if (registration.page != 0) return about;
  const std::string context = base64url_decode(registration.context).value_or("");
  const std::string_view shown = context_for_firewall(context);
  about.origin.context_size = static_cast<std::uint16_t>(shown.size());
  std::copy(shown.begin(), shown.end(), about.origin.bytes);
  return about;
}

}  // namespace

QuestionDesk::QuestionDesk(service::Poller& poller, Judge& judge, Journal& journal,
                           RecentAnswers& answers, UserNames& names, service::NoticeBoard& notices,
                           FirewallLink& firewall)
    : poller_(poller),
      judge_(judge),
      journal_(journal),
      answers_(answers),
      names_(names),
      notices_(notices),
      firewall_(firewall),
      buffer_(packet_limit) {}

void QuestionDesk::begin_turn(const Moment& moment) {
  moment_ = moment;
  turn_++;
  answers_.expire(moment.elapsed_ms());
}

// ---- Connections

QuestionDesk::Connection* QuestionDesk::connection(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  return index < connections_.size() ? connections_[index].get() : nullptr;
}

QuestionDesk::User& QuestionDesk::user(uid_t uid) {
  User& found = users_.try_emplace(uid, uid).first->second;
  found.last_seen_ms = moment_.elapsed_ms();
  return found;
}

void QuestionDesk::accept(int listener) {
  for (std::size_t i = 0; i < accepts_per_turn; i++) {
    Fd socket(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      // Somebody has to go before the kernel lets another one in.
      if (errno == EMFILE || errno == ENFILE) make_room();
      return;
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        !enable_credentials(socket.get())) {
      continue;
    }
    User& owner = user(peer.uid);
    if (owner.longest_idle_first.size() >= connections_per_user) {
      close(owner.longest_idle_first.front());
    }
    if (count_ >= capacity_) make_room();

    const int fd = socket.get();
    if (static_cast<std::size_t>(fd) >= connections_.size()) {
      connections_.resize(static_cast<std::size_t>(fd) + 1);
    }
    auto entry = std::make_unique<Connection>();
    entry->socket = std::move(socket);
    entry->serial = ++accepted_;
    entry->peer = {peer.pid, peer.uid, peer.gid};
    entry->user = &owner;
    entry->idle_place = owner.longest_idle_first.insert(owner.longest_idle_first.end(), fd);
    connections_[static_cast<std::size_t>(fd)] = std::move(entry);
    count_++;
    if (names_.known(peer.uid, moment_.elapsed_ms())) {
      let_in(fd);
    } else {
      arrivals_.push_back({moment_.elapsed_ms() + name_wait_ms, fd, peer.uid});
    }
  }
}

void QuestionDesk::let_in(int fd) {
  if (!poller_.watch(service::Source::question, fd)) close(fd);
}

void QuestionDesk::let_in_named() {
  const std::vector<uid_t> found = names_.take_found(moment_.elapsed_ms());
  std::erase_if(arrivals_, [&](const Arrival& arrival) {
    if (std::find(found.begin(), found.end(), arrival.uid) == found.end()) return false;
    let_in(arrival.fd);
    return true;
  });
}

void QuestionDesk::close(int fd) {
  Connection* const gone = connection(fd);
  if (gone == nullptr) return;
  if (gone->last_question) answers_.release(*gone->last_question, moment_.elapsed_ms());
  gone->user->longest_idle_first.erase(gone->idle_place);
  std::erase_if(arrivals_, [&](const Arrival& arrival) { return arrival.fd == fd; });
  connections_[static_cast<std::size_t>(fd)].reset();
  count_--;
}

void QuestionDesk::close_bad(Connection& bad, std::string_view what) {
  constexpr std::uint64_t minute_ms = 60'000;
  User& owner = *bad.user;
  owner.bad_connections++;
  const std::uint64_t now_ms = moment_.elapsed_ms();
  if (owner.bad_notice_ms == 0 || now_ms - owner.bad_notice_ms >= minute_ms) {
    notices_.say(Notice::Level::warning, "MO0210: uid " + std::to_string(owner.uid) + ": closed " +
                                             std::to_string(owner.bad_connections) +
                                             " connection(s), the last one of pid " +
                                             std::to_string(bad.peer.pid) + " because " +
                                             std::string(what));
    owner.bad_notice_ms = now_ms;
    owner.bad_connections = 0;
  }
  close(bad.socket.get());
}

void QuestionDesk::make_room() {
  const auto most =
      std::max_element(users_.begin(), users_.end(), [](const auto& a, const auto& b) {
        return a.second.longest_idle_first.size() < b.second.longest_idle_first.size();
      });
  if (most == users_.end() || most->second.longest_idle_first.empty()) return;
  close(most->second.longest_idle_first.front());
  notices_.begins("connections", Notice::Level::warning,
                  "MO0211: all " + std::to_string(capacity_) +
                      " connections are in use; whoever is idle longest, of the uid that has most, "
                      "is closed for a new one. Raise LimitNOFILE or the ulimit on open files");
}

void QuestionDesk::rest(Connection& connection) {
  const std::size_t connections = connection.user->longest_idle_first.size();
  connection.rests_until_ms =
      moment_.elapsed_ms() + std::max(busy_rest_ms, connections / busy_answers_per_ms);
  poller_.leave(connection.socket.get());
  resting_.emplace(connection.rests_until_ms, connection.socket.get());
}

void QuestionDesk::end_rests(std::uint64_t now_ms) {
  while (!resting_.empty() && resting_.begin()->first <= now_ms) {
    const auto [until_ms, fd] = *resting_.begin();
    resting_.erase(resting_.begin());
    Connection* const rested = connection(fd);
    // Another one may have come under its number.
    if (rested == nullptr || rested->rests_until_ms != until_ms) continue;
    rested->rests_until_ms = 0;
    let_in(fd);
  }
}

int QuestionDesk::keep_house() {
  const std::uint64_t now_ms = moment_.elapsed_ms();
  end_rests(now_ms);
  while (!arrivals_.empty() && arrivals_.front().deadline_ms <= now_ms) {
    const int fd = arrivals_.front().fd;
    arrivals_.pop_front();
    let_in(fd);
  }
  if (now_ms - house_kept_ms_ >= user_memory_ms) {
    house_kept_ms_ = now_ms;
    std::erase_if(users_, [&](const auto& entry) {
      const User& candidate = entry.second;
      return candidate.longest_idle_first.empty() &&
             now_ms - candidate.last_seen_ms >= user_memory_ms;
    });
  }
  std::uint64_t next_ms = now_ms + user_memory_ms;
  if (!arrivals_.empty()) next_ms = std::min(next_ms, arrivals_.front().deadline_ms);
  if (!resting_.empty()) next_ms = std::min(next_ms, resting_.begin()->first);
  return static_cast<int>(next_ms - now_ms);
}

// ---- Questions

// Like receive_packet(), but takes no descriptors: a tenant could send one that
// blocks whoever closes it (a FUSE file's). Without room for them the kernel
// drops them and sets MSG_CTRUNC.
bool QuestionDesk::receive(Connection& from, std::string_view& packet, Credentials& sender) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
  iovec part{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t length = recvmsg(from.socket.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (length <= 0) {
    close(from.socket.get());
    return false;
  }
  const cmsghdr* const head = CMSG_FIRSTHDR(&message);
  if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_CREDENTIALS ||
      (message.msg_flags & MSG_TRUNC) != 0) {
    close_bad(from, "its message was too long or came without credentials");
    return false;
  }
  ucred credentials{};
  std::memcpy(&credentials, CMSG_DATA(head), sizeof credentials);
  sender = {credentials.pid, credentials.uid, credentials.gid};
  packet = {buffer_.data(), static_cast<std::size_t>(length)};
  return true;
}

void QuestionDesk::read(int fd) {
  Connection* const asking = connection(fd);
  if (asking == nullptr || batch_.size() >= turn_bytes) return;
  User& owner = *asking->user;
  if (owner.turn != turn_) {
    owner.turn = turn_;
    owner.messages = 0;
  }
  if (owner.messages++ >= messages_per_user_and_turn) return;

  std::string_view packet;
  Credentials sender;
  if (!receive(*asking, packet, sender)) return;
  if (sender.pid == 0) {
    // Sent before this socket asked for credentials, or from a pid namespace that
    // is not below ours: asked again on a new connection, the first kind has them.
    close(fd);
    return;
  }
  if (sender.pid != asking->peer.pid) {
    close_bad(*asking, "pid " + std::to_string(sender.pid) +
                           " used it: a connection belongs to the process that opened it");
    return;
  }
  if (message_type(packet) == MessageType::registration) {
    introduce(*asking, packet, sender);
  } else {
    answer(*asking, packet, sender);
  }
}

// To the firewall, by the context that the process shows.
void QuestionDesk::introduce(Connection& asking, std::string_view packet,
                             const Credentials& sender) {
  auto registration = decode_registration(packet);
  if (!registration) {
    close_bad(asking, "what it sent is no registration: " + registration.error().message);
    return;
  }
  User& owner = *asking.user;
  owner.last_seen_ms = moment_.elapsed_ms();
  Quota& quota = sender.uid == owner.uid ? owner.quota : user(sender.uid).quota;
  Answer answer;
  answer.nonce = registration->nonce;
  std::string_view refusal;
  const auto context =
      judge_.admit(registration->context, {sender, names_.name(sender.uid), quota, asking.lineage},
                   moment_, refusal);
  if (context) refusal = present(asking, *registration, sender.uid);
  if (refusal.empty()) return;
  answer.reason = refusal;
  answer.verdict = Verdict::deny;
  pending_.push_back({asking.socket.get(), {sender.uid, answer.nonce}, answer, std::nullopt});
}

// Empty: the answer comes when the firewall knows it.
std::string_view QuestionDesk::present(Connection& asking, const Registration& registration,
                                       uid_t uid) {
  const Process& process = asking.lineage->front();
  if (process.start == 0) return "hidden";  // /proc does not show it (hidepid), nor its start
  const auto of_user = std::count_if(introductions_.begin(), introductions_.end(),
                                     [&](const auto& waiting) { return waiting.uid == uid; });
  if (introductions_.size() >= introductions_at_once ||
      static_cast<std::size_t>(of_user) >= introductions_per_user) {
    return "busy";
  }
  if (!firewall_.add(process_of(registration, process, uid))) return no_firewall;
  introductions_.push_back({asking.socket.get(), asking.serial, uid, registration.nonce});
  return {};
}

void QuestionDesk::answer_introductions() {
  while (!introductions_.empty()) {
    const auto known = firewall_.next_result();
    if (!known) return;
    const Introduction waiting = introductions_.front();
    introductions_.pop_front();
    const Connection* const who = connection(waiting.fd);
    if (who == nullptr || who->serial != waiting.serial) continue;
    Answer answer;
    answer.nonce = waiting.nonce;
    if (!*known) {
      answer.verdict = Verdict::deny;
      answer.reason = no_firewall;
    }
    send_answer(waiting.fd, answer);
  }
}

void QuestionDesk::answer(Connection& asking, std::string_view packet, const Credentials& sender) {
  if (const Status decoded = decode_question(packet, question_); !decoded) {
    close_bad(asking, "what it sent is no question: " + decoded.error().message);
    return;
  }
  User& owner = *asking.user;
  owner.last_seen_ms = moment_.elapsed_ms();
  owner.longest_idle_first.splice(owner.longest_idle_first.end(), owner.longest_idle_first,
                                  asking.idle_place);

  const int fd = asking.socket.get();
  const RecentAnswers::Key key{sender.uid, question_.nonce};
  if (auto given = repeated(key, question_)) {
    pending_.push_back({fd, key, *std::move(given), std::nullopt});
    return;
  }
  Quota& quota = sender.uid == owner.uid ? owner.quota : user(sender.uid).quota;
  quota.charge(cost(packet.size()) - 1);
  Judgement judgement =
      judge_.judge(question_, {sender, names_.name(sender.uid), quota, asking.lineage}, moment_);
  std::optional<std::size_t> record;
  if (judgement.recorded) {
    record = begin_record(batch_);
    append_payload(batch_, judgement.policy, judgement.answer, question_.claims);
    end_record(batch_, *record);
  }
  pending_.push_back({fd, key, std::move(judgement.answer), record});
}

// In questions of the least size.
double QuestionDesk::cost(std::size_t size) const {
  const bool crowded = journal_.end() - journal_.begin() > journal_capacity / 2;
  return (1 + std::floor(static_cast<double>(size) / bytes_per_token)) *
         (crowded ? crowded_journal_factor : 1);
}

// The answer that this question has had. Nothing for another question under an
// old nonce: that would be a way to send unseen.
std::optional<Answer> QuestionDesk::repeated(const RecentAnswers::Key& key,
                                             const Question& question) const {
  const auto position = answers_.find(key);
  if (!position) return std::nullopt;
  const auto payload = journal_.payload_at(*position);
  if (!payload || !payload_repeats(*payload, question.claims)) return std::nullopt;
  auto given = payload_answer(*payload);
  if (!given) return std::nullopt;
  return std::move(given->answer);
}

void QuestionDesk::report_journal(const Status& appended) {
  if (!appended) {
    notices_.begins("journal", Notice::Level::error,
                    "MO0212: the journal cannot be written, mails are not recorded: " +
                        appended.error().message);
  } else {
    notices_.over("journal", "MO0213: the journal is written again");
  }
}

// Who does not read its answers has no use for a connection.
void QuestionDesk::send_answer(int fd, const Answer& answer) {
  const std::string packet = encode_answer(answer);
  if (!send_now(fd, packet)) close(fd);
}

bool QuestionDesk::end_turn() {
  if (pending_.empty()) return false;
  const std::uint64_t begin = journal_.end();
  bool appended = false;
  if (!batch_.empty()) {
    const Status status = journal_.append(batch_);
    report_journal(status);
    appended = static_cast<bool>(status);
    batch_.clear();
  }
  for (Pending& pending : pending_) {
    if (pending.record && appended) {
      Connection& asking = *connection(pending.fd);
      answers_.remember(asking.last_question, pending.key, begin + *pending.record);
      asking.last_question = pending.key;
    } else if (pending.record && pending.answer.verdict != Verdict::deny) {
      pending.answer.recorded = false;  // a refusal stands, recorded or not
    }
    const std::string packet = encode_answer(pending.answer);
    // Who does not read its answers has no use for a connection.
    if (!send_now(pending.fd, packet)) {
      close(pending.fd);
    } else if (pending.answer.reason == busy_reason) {
      rest(*connection(pending.fd));
    }
  }
  pending_.clear();
  return appended;
}

}  // namespace mailorigin::daemon

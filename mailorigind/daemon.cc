#include "mailorigind/daemon.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <string_view>
#include <utility>
#include <vector>

#include "core/policy_in_memory.h"
#include "core/random.h"
#include "core/socket_paths.h"
#include "mailorigind/journal/event_record.h"
#include "mailorigind/judging/process.h"
#include "mailorigind/limits.h"
#include "service/signals.h"

namespace mailorigin::daemon {

Daemon::Daemon(std::string state_directory, const std::string& runtime_directory,
               Inherited inherited, std::size_t descriptor_limit)
    : state_directory_(std::move(state_directory)),
      inherited_(std::move(inherited)),
      descriptor_limit_(descriptor_limit),
      kept_policy_(
          state_directory_, notices_,
          {{"MO0215: ", "; until httpd sends its configuration there is none"},
           {"MO0217: ", "; the configuration is in force, but the next start will not have it"},
           "MO0218: the configuration is kept again"}),
      blocks_(state_directory_, notices_,
              [this](const std::string& blocks) { firewall_.use(blocks); }),
      poller_(ready_per_turn, messages_per_user_and_turn),
      limits_(state_directory_, judge_.limits(), notices_),
      firewall_(firewall_socket(runtime_directory), poller_, notices_),
      connections_(poller_, names_, notices_, clock_,
                   [this](const AskingConnection& closing) {
                     const Moment now = Moment::now();
                     if (closing.last_question) {
                       answers_.release(*closing.last_question, now.elapsed_ms());
                     }
                     const bool by_process = !is_open(closing.fd());
                     // A milter that was killed may not have told the mail server.
                     if (by_process && closing.last_question && closing.last_passed) {
                       tickets_.give_back(Gate::queue, *closing.last_passed,
                                          closing.last_question->nonce);
                     }
                     heard_.closed(closing.serial, by_process, now.boottime_ns);
                   }),
      exim_(poller_, notices_, [this](QueuedMail mail) { return answer_exim(std::move(mail)); }),
      control_(poller_, notices_,
               {[this](Policy policy) { return prepare(std::move(policy)); },
                [this](const Packet& packet, int socket) { return tell(packet, socket); }}) {}

Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::open(const std::string& state_directory,
                                             const std::string& runtime_directory,
                                             Inherited inherited, std::optional<SealKey> key,
                                             std::size_t descriptor_limit) {
  std::unique_ptr<Daemon> daemon(
      new Daemon(state_directory, runtime_directory, std::move(inherited), descriptor_limit));
  if (key) daemon->judge_.use(KeyRing{*key, std::nullopt});
  if (key) daemon->heard_.use(KeyRing{*key, std::nullopt});
  if (const Status opened = daemon->open_state(); !opened) return opened.error();
  if (key) daemon->smtp_recorder_->use(KeyRing{*key, std::nullopt});
  if (key) daemon->deputies_->use(KeyRing{*key, std::nullopt});
  if (key) daemon->queued_->use(KeyRing{*key, std::nullopt});
  if (const Status watched = daemon->watch(); !watched) return watched.error();
  return daemon;
}

Status Daemon::open_state() {
  auto positions = Positions::open(state_directory_, notices_);
  if (!positions) return positions.error();

  const Moment now = Moment::now();
  JournalledConnections journalled;
  auto journal = Journal::open(state_directory_, positions->furthest(), notices_,
                               [&](std::uint64_t position, std::string_view payload) {
                                 journalled.add(payload);
                                 recover(position, payload, now);
                               });
  if (!journal) return journal.error();
  journal_ = *std::move(journal);
  retention_ = std::make_unique<Retention>(*journal_);
  delivery_ = std::make_unique<Delivery>(*journal_, *retention_, *std::move(positions), notices_);
  auto name = journal_name(state_directory_);
  if (!name) return name.error();
  store_ = std::make_unique<StoreFeed>(*journal_, *retention_, notices_, state_directory_,
                                       *std::move(name));
  recording_ = std::make_unique<Recording>(*journal_, notices_);
  smtp_recorder_ = std::make_unique<SmtpRecorder>(*recording_, names_, known_connections_, judge_,
                                                  std::move(journalled));
  deputies_ = std::make_unique<Deputies>(*recording_, judge_);
  queued_ = std::make_unique<QueuedMails>(judge_, *journal_, *recording_, tickets_, names_,
                                          known_connections_, firewall_);
  questions_ = std::make_unique<QuestionDesk>(connections_, judge_, *journal_, *recording_,
                                              answers_, tickets_, names_, firewall_, clock_, heard_,
                                              *queued_, *deputies_, notices_);
  connections_.set_capacity(descriptor_limit_ / 2);

  judge_.use(blocks_.blocks());
  judge_.use([this](pid_t pid) { return firewall_.origin_of(pid); });
  blocks_.load();
  limits_.load();
  if (auto policy = kept_policy_.load()) {
    put_in_force(in_memory(*std::move(policy)), std::nullopt);
  }
  if (!processes_visible()) {
    notices_.say(Notice::Level::warning,
                 "MO0216: /proc hides other users' processes (hidepid): a context that a child "
                 "process shows counts as replayed");
  }
  return Done{};
}

// What the daemon before had answered, and which tickets it had issued and seen.
void Daemon::recover(std::uint64_t position, std::string_view payload, const Moment& now) {
  if (const auto redemption = payload_redemption(payload)) {
    const auto id = Ulid::parse(redemption->id);
    if (id && redemption->gate < gate_count) {
      tickets_.redeem(static_cast<Gate>(redemption->gate), *id, redemption->nonce);
    }
    return;
  }
  const auto given = payload_answer(payload);
  if (!given) return;
  // An event from the future is as old as none: the clock was ahead.
  const std::uint64_t age_ms = now.wall_ms - std::min(now.wall_ms, given->time_ms);
  const std::uint64_t answered_ms = now.elapsed_ms() - std::min(now.elapsed_ms(), age_ms);
  if (given->queued && age_ms < holder_memory_ms) judge_.holders().recover(given->uid, answered_ms);
  if (age_ms <= nonce_memory_ms) {
    answers_.recover({given->uid, given->answer.nonce}, position, answered_ms);
  }
  if (age_ms <= ticket_memory_ms) {
    tickets_.issue(given->answer,
                   {given->uid, given->recipients, given->submitted, position, answered_ms});
  }
}

Status Daemon::watch() {
  signals_ = service::ending_signals();
  bool watched = poller_.valid() && signals_ &&
                 poller_.watch(service::Source::signals, signals_.get()) &&
                 poller_.watch(service::Source::control_listener, inherited_.control.get()) &&
                 poller_.watch(service::Source::notices, notices_.fd()) &&
                 poller_.watch(service::Source::names, names_.fd());
  for (const Fd& listener : inherited_.questions) {
    watched = watched && poller_.watch(service::Source::question_listener, listener.get());
  }
  if (inherited_.exim) {
    watched = watched && poller_.watch(service::Source::exim_listener, inherited_.exim.get());
  }
  if (inherited_.lifeline) {
    watched = watched && poller_.watch(service::Source::lifeline, inherited_.lifeline.get());
  }
  if (!watched) return system_error("epoll", errno);
  return Done{};
}

// Only a daemon that has limits to keep takes the room for them.
void Daemon::open_limits() {
  auto limits = LimitTable::open(state_directory_ + "/limits");
  if (!limits) {
    notices_.say(Notice::Level::error,
                 "MO0219: " + limits.error().message +
                     "; until the next start limits are counted in memory alone");
    limits = LimitTable::in_memory();
  }
  if (limits) judge_.limits().use(*std::move(limits));
}

void Daemon::put_in_force(std::shared_ptr<const ActivePolicy> active,
                          std::optional<RequestCounts> counts) {
  const Policy& policy = active->policy();
  // While one policy replaces another, both have their logs open.
  const std::size_t reserved = descriptors_reserved + 2 * policy.targets.size();
  std::vector<uid_t> uids;
  for (const VhostPolicy& vhost : policy.vhosts) {
    if (vhost.run_as) uids.push_back(*vhost.run_as);
  }
  names_.expect(uids);
  connections_.set_capacity(descriptor_limit_ > 2 * reserved ? descriptor_limit_ - reserved
                                                             : descriptor_limit_ / 2);
  active_ = active;
  if (policy.has_limits() && !judge_.limits().counts()) open_limits();
  judge_.use(active);
  heard_.use({active, &policy}, std::move(counts), boottime_now_ns());
  smtp_recorder_->use(active);
  deputies_->use(active);
  queued_->use(active);
  exim_.use(policy.queue.exim_uid);
  firewall_.want(policy.firewall.mode != FirewallMode::off);
  store_->adopt(policy.store);
  delivery_->adopt(std::move(active));
}

// To the command line, which reads its answer.
Status Daemon::tell(const Packet& packet, int socket) {
  const Deadline at_once = std::chrono::steady_clock::now();
  const Moment now = Moment::now();
  const Policy* const policy = active_ != nullptr ? &active_->policy() : nullptr;
  switch (message_type(packet.bytes).value_or(MessageType::reply)) {
    case MessageType::block:
      return blocks_.block(packet, socket, now.wall_ms);
    case MessageType::unblock:
      return blocks_.unblock(packet, socket, now.wall_ms);
    case MessageType::show_blocks:
      return blocks_.show(socket);
    case MessageType::show_limits:
      return limits_.show(packet, socket, policy, started_ms_, now);
    case MessageType::reset_limits:
      return limits_.reset(packet, socket, policy, now);
    case MessageType::status:
      return send_packet(socket, encode_status_reply(status_json(status())), at_once);
    case MessageType::show_policy:
      return show_policy(socket);
    default:
      return Error{"this is not understood here"};
  }
}

// Beside the answering thread: ten thousand vhosts take it tens of milliseconds.
Status Daemon::show_policy(int socket) {
  if (active_ == nullptr) return Error{"httpd has not sent its configuration yet"};
  Fd asker(fcntl(socket, F_DUPFD_CLOEXEC, 0));
  if (!asker) return system_error("dup", errno);
  return showing_.add(std::packaged_task<void()>([active = active_, asker = std::move(asker)] {
    const Deadline at_once = std::chrono::steady_clock::now();
    const auto memory = policy_in_memory(active->policy());
    (void)(memory ? send_packet(asker.get(), encode_head(MessageType::policy_shown), at_once,
                                {memory->get()})
                  : send_packet(asker.get(), encode_reply(memory.error().message), at_once));
  }));
}

DaemonStatus Daemon::status() {
  DaemonStatus status;
  status.started_ms = started_ms_;
  if (active_ != nullptr) status.policy = &active_->policy();
  status.connected_instance = control_.connected_instance();
  status.consumers = retention_->standings();
  status.backlog = delivery_->backlog();
  status.store = store_->standing();
  status.journal_end = journal_->end();
  status.journal_capacity = journal_capacity;
  status.firewall_wanted = firewall_.wanted();
  status.firewall_connected = firewall_.connected();
  status.firewall_ring = firewall_.has_ring();
  status.firewall_blocks = firewall_.has_blocks();
  status.holders = judge_.holders();
  status.now = Moment::now();
  status.blocks = &blocks_.blocks();
  status.limit_resets = &judge_.limits().resets();
  status.silent = heard_.silent();
  status.other_users = heard_.of_other_users();
  status.findings = notices_.lasting();
  return status;
}

// Only root's connections stay.
void Daemon::accept_control(int listener) {
  while (auto peer = accept_peer(listener)) {
    if (peer->credentials.uid == 0) {
      control_.adopt(std::move(peer->socket));
      continue;
    }
    const std::string uid = "uid " + std::to_string(peer->credentials.uid);
    notices_.begins("control " + uid, Notice::Level::error,
                    "MO0214: " + uid +
                        " could connect to the control socket, which must be root's alone "
                        "(mode 0600); it was refused");
  }
}

// Freed beside whoever lets go of it last: that takes milliseconds, too.
std::shared_ptr<ActivePolicy> Daemon::in_memory(Policy policy) {
  return {new ActivePolicy(std::move(policy)), [this](ActivePolicy* gone) {
            std::packaged_task<void()> free([gone] { delete gone; });
            if (!freeing_.add(std::move(free))) delete gone;
          }};
}

// On a thread of its own.
service::PreparedPolicy Daemon::prepare(Policy policy) {
  auto active = in_memory(std::move(policy));
  return {ActivePolicy::descriptors_needed(active->policy()),
          [this, active](service::PolicyPush push) { return take(active, std::move(push)); }};
}

Status Daemon::take(const std::shared_ptr<ActivePolicy>& policy, service::PolicyPush push) {
  std::optional<RequestCounts> counts;
  if (push.request_counts) {
    auto read = RequestCounts::read(std::move(push.request_counts));
    if (!read) return read.error();
    counts = *std::move(read);
  }
  judge_.use(push.keys);
  heard_.use(push.keys);
  smtp_recorder_->use(push.keys);
  deputies_->use(push.keys);
  queued_->use(push.keys);
  keep(std::move(push.encoded));
  policy->take(std::move(push.descriptors));
  put_in_force(policy, std::move(counts));
  return Done{};
}

// For the next start, which needs the latest alone. A large policy takes a disk longer than a
// question may wait.
void Daemon::keep(std::string encoded) {
  {
    const std::lock_guard lock(to_keep_mutex_);
    to_keep_.swap(encoded);
  }
  if (!encoded.empty()) return;  // that one has not begun to be kept
  const auto save = [this] {
    std::string latest;
    {
      const std::lock_guard lock(to_keep_mutex_);
      latest.swap(to_keep_);
    }
    kept_policy_.keep(latest);
  };
  if (!keeping_.add(std::packaged_task<void()>(save))) save();  // no thread to be had
}

Status Daemon::run() {
  // All threads are to inherit this: the signals come through a descriptor.
  delivery_->start();
  store_->start();
  loop();
  delivery_->finish(std::chrono::steady_clock::now() + drain_patience);
  const bool let_go = store_->finish(std::chrono::steady_clock::now());
  control_.pass_notices();
  // All is in the journal. A database that does not answer keeps nobody from ending.
  if (!let_go) std::_Exit(0);
  return Done{};
}

// Each by itself: Exim takes one message in while a queue of questions would be answered.
std::optional<Answer> Daemon::answer_exim(QueuedMail mail) {
  const Moment now = Moment::now();
  if (active_ == nullptr) return std::nullopt;
  judge_.holders().asked(Holder::exim, now.elapsed_ms());
  // Exim asks once.
  random_bytes(mail.nonce.data(), mail.nonce.size());
  const uid_t exim = active_->policy().queue.exim_uid.value_or(0);
  QueuedMails::Answered answered = queued_->answer(
      mail, exim,
      [&](uid_t uid) -> AskingUser& { return connections_.user(uid, now.elapsed_ms()); }, now);
  if (!recording_->append() && answered.answer.verdict != Verdict::deny) return std::nullopt;
  return std::move(answered.answer);
}

void Daemon::record_connections(const Moment& moment) {
  if (!firewall_.wanted() || moment.elapsed_ms() - ring_read_ms_ < ring_interval_ms) return;
  ring_read_ms_ = moment.elapsed_ms();
  firewall_.tend(moment.elapsed_ms());
  if (firewall_.ring() != nullptr) smtp_recorder_->record(*firewall_.ring(), moment);
}

// What is not a question; true if it is the end.
bool Daemon::attend(const service::Poller::Ready& ready, const Moment& moment) {
  switch (ready.source) {
    case service::Source::question_listener:
      connections_.accept(ready.fd, moment.elapsed_ms());
      break;
    case service::Source::control_listener:
      accept_control(ready.fd);
      break;
    case service::Source::control:
      control_.read(ready.fd);
      break;
    case service::Source::exim_listener:
      exim_.accept(ready.fd, moment);
      break;
    case service::Source::exim:
      exim_.read(ready.fd);
      break;
    case service::Source::names:
      connections_.let_in_named(moment.elapsed_ms());
      break;
    case service::Source::signals:
    case service::Source::lifeline:
      return true;
    case service::Source::visitor:
      firewall_.receive();
      break;
    case service::Source::notices:
    case service::Source::question:
      break;
  }
  return false;
}

int Daemon::patience() {
  const std::uint64_t now_ms = Moment::now().elapsed_ms();
  int timeout = std::min(connections_.keep_house(now_ms), questions_->answer_waiting(now_ms));
  if (const int house_ms = exim_.keep_house(now_ms); house_ms >= 0) {
    timeout = std::min(timeout, house_ms);
  }
  if (notices_.waiting()) timeout = std::min(timeout, 1000);
  if (firewall_.wanted()) timeout = std::min(timeout, static_cast<int>(ring_interval_ms));
  return timeout;
}

void Daemon::loop() {
  std::vector<service::Poller::Ready> others;
  for (bool ending = false; !ending;) {
    const auto& ready = poller_.wait(patience());
    const Moment moment = Moment::now();
    others.clear();
    questions_->begin_turn(moment);
    for (const service::Poller::Ready& one : ready) {
      if (one.source == service::Source::question) {
        questions_->read(one.fd);
      } else {
        others.push_back(one);
      }
    }
    questions_->end_turn();
    record_connections(moment);
    if (moment.elapsed_ms() - tidied_ms_ >= tidy_interval_ms) {
      tidied_ms_ = moment.elapsed_ms();
      blocks_.tidy(moment.wall_ms);
    }
    for (const service::Poller::Ready& one : others) ending = attend(one, moment) || ending;
    if (notices_.waiting()) control_.pass_notices();
    wake_delivery();
  }
}

// Once the turn's answers have left: waking a thread takes longer than an answer.
void Daemon::wake_delivery() {
  const std::uint64_t end = journal_->end();
  if (end == delivered_until_) return;
  delivered_until_ = end;
  delivery_->wake();
}

}  // namespace mailorigin::daemon

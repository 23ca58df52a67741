#include "mailorigind/feeding/store_feed.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/counted.h"
#include "core/default_paths.h"
#include "core/file.h"
#include "core/ulid.h"
#include "mailorigind/journal/event_record.h"
#include "mailorigind/limits.h"
#include "mailorigind/moment.h"
#include "service/thread_share.h"

namespace mailorigin::daemon {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t day_ms = 86'400'000;

constexpr const char* lost_finding = "lost to the store";
constexpr const char* migration_finding = "store of an older version";

std::uint64_t milliseconds(Clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

// A redemption is none, and the copy for Policy::refused_log is no event of its own.
bool is_event(std::string_view payload) {
  const auto policy = payload_policy(payload);
  return policy && *policy != refused_connections;
}

store::Target target_of(const StorePolicy& policy, const std::string& state_directory) {
  return {policy.driver, policy.params.empty() ? default_store(state_directory) : policy.params,
          policy.retained_days * day_ms};
}

}  // namespace

Result<std::string> journal_name(const std::string& state_directory) {
  const std::string path = state_directory + "/journal-name";
  if (const auto kept = read_file(path, Ulid::text_length); kept && Ulid::parse(*kept)) {
    return *kept;
  }
  const std::string name = UlidGenerator().next(Moment::now().wall_ms).text();
  const std::string fresh = path + ".new";
  const Fd file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const bool written =
      file && write(file.get(), name.data(), name.size()) == static_cast<ssize_t>(name.size());
  if (!written || fsync(file.get()) != 0 || rename(fresh.c_str(), path.c_str()) != 0) {
    return system_error(path, errno);
  }
  return name;
}

StoreFeed::StoreFeed(Journal& journal, Retention& retention, service::NoticeBoard& notices,
                     std::string state_directory, std::string name_of_journal)
    : journal_(journal),
      notices_(notices),
      state_directory_(std::move(state_directory)),
      journal_name_(std::move(name_of_journal)),
      reader_(journal, journal.begin(), notices),
      position_(journal.begin()) {
  retention.add(*this);
}

StoreFeed::~StoreFeed() { finish(Clock::now()); }

void StoreFeed::start() {
  thread_ = std::thread([this] { run(); });
}

void StoreFeed::adopt(const StorePolicy& policy) {
  {
    const std::lock_guard lock(mutex_);
    next_policy_ = policy;
    has_next_policy_ = true;
  }
  woken_.signal();
}

bool StoreFeed::finish(Clock::time_point deadline) {
  if (!thread_.joinable()) return true;
  deadline_ = deadline;
  finishing_ = true;
  woken_.signal();
  if (!ended_.try_acquire_until(deadline + drain_patience)) return false;
  thread_.join();
  return true;
}

StoreFeed::Standing StoreFeed::standing() {
  const std::lock_guard lock(mutex_);
  return standing_;
}

std::uint64_t StoreFeed::share() const { return store_share; }

std::uint64_t StoreFeed::lose(const Journal::Segment& segment) {
  std::uint64_t lost = 0;
  JournalReader reader(journal_, std::max(position_.load(), segment.base), notices_);
  while (reader.position() < segment.end) {
    const auto& records = reader.read();
    if (records.empty()) break;
    for (const JournalReader::Record& record : records) {
      if (record.position < segment.end && is_event(record.payload)) lost++;
    }
  }
  has_until(segment.end);
  lost_until_ = segment.end;
  lost_ += lost;
  if (lost > 0) {
    notices_.begins(
        lost_finding, Notice::Level::error,
        "MO0277: the store gets events more slowly than they come, or not at all "
        "(MO0520): more than " +
            std::to_string(store_share >> 20) +
            " MiB of the journal waited for it. The oldest events are missing in it, at first " +
            std::to_string(lost) + "; `mailorigin status` counts them, and the logs have them");
  }
  return lost;
}

void StoreFeed::has_until(std::uint64_t position) {
  std::uint64_t before = position_;
  while (before < position && !position_.compare_exchange_weak(before, position)) {
  }
}

void StoreFeed::run() {
  service::name_thread("store");
  service::give_way();
  while (!finishing_) {
    if (!turn()) wait();
  }
  while (Clock::now() < deadline_ && turn()) {
  }
  ended_.release();
}

bool StoreFeed::turn() {
  take_policy();
  const std::uint64_t now_ms = milliseconds(Clock::now());
  const bool more = keeper_ != nullptr && connect(now_ms) && store_next(now_ms);
  const bool old = connected_ && remove_older(now_ms);
  publish();
  return more || old;
}

void StoreFeed::take_policy() {
  if (!has_next_policy_) return;
  std::optional<StorePolicy> policy;
  {
    const std::lock_guard lock(mutex_);
    policy.swap(next_policy_);
    has_next_policy_ = false;
    const bool is_file = policy->enabled && policy->driver == "sqlite3";
    standing_ = {policy->enabled,
                 policy->driver,
                 is_file ? target_of(*policy, state_directory_).params : "",
                 "",
                 "",
                 policy->retained_days};
  }
  published_trouble_.clear();
  if (!policy->enabled) {  // MailOriginStore Off
    forget_findings();
    keeper_.reset();
    connected_ = false;
    has_until(UINT64_MAX);  // of no use to it any more
    return;
  }
  store::Target target = target_of(*policy, state_directory_);
  if (keeper_ != nullptr && keeper_->target() == target) return;
  forget_findings();
  connected_ = false;
  position_ = journal_.begin();  // who knows what the other one has
  keeper_ = std::make_unique<store::Keeper>(std::move(target), journal_name_, state_directory_,
                                            listener());
}

store::Listener StoreFeed::listener() {
  return {[this](const std::string& finding, Notice::Level level, std::string text) {
            notices_.begins(finding, level, std::move(text));
          },
          [this](const std::string& finding, std::string text) {
            notices_.over(finding, std::move(text));
          },
          [this](const store::Migration& step) { note(step); },
          [this](const store::Migration& migration, bool done) { note_end(migration, done); }};
}

// Once, though it may be tried again and again: why it fails is MO0520's.
void StoreFeed::note(const store::Migration& step) {
  notices_.begins(migration_finding, Notice::Level::notice,
                  "MO0284: the tables of the store (" + keeper_->target().name() +
                      ") are to be brought " + step.versions() +
                      ", which may take minutes; events wait in the journal until then");
  const std::lock_guard lock(mutex_);
  standing_.work = "its tables are brought " + step.text();
}

void StoreFeed::note_end(const store::Migration& migration, bool done) {
  if (done) {
    notices_.over(migration_finding, "MO0285: the tables of the store (" +
                                         keeper_->target().name() + ") have been brought " +
                                         migration.versions());
  }
  const std::lock_guard lock(mutex_);
  standing_.work.clear();
}

bool StoreFeed::connect(std::uint64_t now_ms) {
  if (connected_ && keeper_->ready(now_ms)) return true;
  connected_ = keeper_->ready(now_ms);
  if (!connected_) return false;
  // A position that this journal has not got to is another journal's of that name: what is
  // here has not been stored.
  std::uint64_t position = keeper_->position().value_or(0);
  if (position < journal_.begin() || position > journal_.end()) position = journal_.begin();
  reader_.seek(position);
  has_until(position);
  return true;
}

bool StoreFeed::store_next(std::uint64_t now_ms) {
  if (reader_.position() < lost_until_) reader_.seek(lost_until_);
  const std::uint64_t begin = reader_.position();
  std::size_t count = 0;
  bool any = false;
  while (reader_.position() - begin < store_batch) {
    const auto& records = reader_.read();
    if (records.empty()) break;
    any = true;
    for (const JournalReader::Record& record : records) {
      if (!is_event(record.payload)) continue;
      if (count == events_.size()) events_.emplace_back();
      read_event(record.payload, events_[count]);
      count++;
    }
  }
  if (!any) {
    has_until(reader_.position());
    tell_of_lost();
    return false;
  }
  connected_ = keeper_->store({events_.data(), count}, reader_.position(), now_ms);
  if (!connected_) return false;
  has_until(reader_.position());
  return journal_.end() - reader_.position() >= delivery_chunk / 4;
}

// MailOriginRetain
bool StoreFeed::remove_older(std::uint64_t now_ms) {
  if (now_ms < removal_at_ms_) return false;
  const bool more = keeper_->remove_older(Moment::now().wall_ms, now_ms);
  if (!more) removal_at_ms_ = now_ms + removal_interval_ms;
  connected_ = keeper_->ready(now_ms);
  return more;
}

void StoreFeed::wait() {
  constexpr std::uint64_t longest_ms = 60'000;
  std::uint64_t patience_ms = longest_ms;
  if (connected_) {
    patience_ms = store_interval_ms;
  } else if (keeper_ != nullptr) {
    const std::uint64_t now_ms = milliseconds(Clock::now());
    patience_ms = keeper_->retry_at_ms() - std::min(keeper_->retry_at_ms(), now_ms);
  }
  pollfd woken{woken_.get(), POLLIN, 0};
  if (poll(&woken, 1, static_cast<int>(patience_ms)) > 0) woken_.clear();
}

// Only what has changed: who answers asks for it, too, and should not find that this thread holds
// the lock and waits for a processor.
void StoreFeed::publish() {
  if (keeper_ == nullptr || keeper_->trouble() == published_trouble_) return;
  published_trouble_ = keeper_->trouble();
  const std::lock_guard lock(mutex_);
  standing_.trouble = published_trouble_;
}

// They are another store's.
void StoreFeed::forget_findings() {
  for (const char* finding : store::findings) notices_.forget(finding);
  notices_.forget(migration_finding);
  notices_.forget(lost_finding);
  lost_ = 0;
}

void StoreFeed::tell_of_lost() {
  if (lost_ == 0) return;
  notices_.over(lost_finding, "MO0278: the store has all that is in the journal again; " +
                                  counted(lost_.exchange(0), "event is missing in it, and stands",
                                          "events in all are missing in it, and stand") +
                                  " in the logs");
}

}  // namespace mailorigin::daemon

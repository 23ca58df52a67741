// Delivery turn by turn, without its thread.
#pragma once

#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mailorigind/delivery/delivery.h"
#include "mailorigind/journal/event_record.h"
#include "mailorigind/limits.h"
#include "tests/harness/daemon.h"

namespace mailorigin::daemon {

inline constexpr std::uint32_t first_vhost = 1;

using Lines = std::vector<std::string>;

class DeliveryTest : public ::testing::Test {
 protected:
  DeliveryTest() {
    (void)std::signal(SIGPIPE, SIG_IGN);
    std::filesystem::create_directory(state_);
    reopen();
  }

  // As after a kill: nothing is kept but the files.
  void reopen(std::uint64_t capacity = journal_capacity) {
    delivery_.reset();
    retention_.reset();
    journal_.reset();
    auto positions = Positions::open(state_, notices_);
    ASSERT_TRUE(positions);
    auto journal = Journal::open(state_, positions->furthest(), notices_,
                                 [](std::uint64_t, std::string_view) {});
    ASSERT_TRUE(journal);
    journal_ = *std::move(journal);
    retention_ = std::make_unique<Retention>(*journal_, capacity);
    delivery_ = std::make_unique<Delivery>(*journal_, *retention_, *std::move(positions), notices_,
                                           directory_ / "syslog");
  }

  // One vhost for each list of logs, ids from first_vhost on, "%{subject}" as format.
  static Policy policy_of(const std::vector<LogTarget>& targets,
                          const std::vector<std::vector<std::uint32_t>>& vhosts) {
    Policy policy;
    policy.instance = "test";
    policy.targets = targets;
    for (std::size_t i = 0; i < vhosts.size(); i++) {
      VhostPolicy vhost;
      vhost.id = first_vhost + static_cast<std::uint32_t>(i);
      vhost.name = "v" + std::to_string(i);
      for (const std::uint32_t target : vhosts[i]) {
        vhost.logs.push_back({target, {false, "%{subject}"}});
      }
      policy.vhosts.push_back(vhost);
    }
    policy.index();
    return policy;
  }

  void adopt(Policy policy, std::vector<Fd> descriptors) {
    delivery_->adopt(
        std::make_shared<const ActivePolicy>(std::move(policy), std::move(descriptors)));
  }
  void adopt_file(const std::string& path) {
    std::vector<Fd> descriptors;
    descriptors.push_back(testing::open_log(path));
    adopt(policy_of({{LogTarget::Kind::file, path}}, {{0}}), std::move(descriptors));
  }
  template <class... Descriptors>
  static std::vector<Fd> list(Descriptors... descriptors) {
    std::vector<Fd> all;
    (all.push_back(std::move(descriptors)), ...);
    return all;
  }

  void write_event(const std::string& subject, std::uint32_t vhost = first_vhost) {
    Event event;
    event.set(Field::time, rfc3339(now_ms_));
    event.set(Field::subject, subject);
    std::string batch;
    const std::size_t begin = begin_record(batch);
    append_payload(batch, vhost, {}, event);
    end_record(batch, begin);
    ASSERT_TRUE(journal_->append(batch));
  }
  // Subjects "FROM" ... "TO-1".
  std::vector<std::string> write_numbers(int from, int to, std::uint32_t vhost = first_vhost) {
    std::vector<std::string> subjects;
    for (int i = from; i < to; i++) {
      subjects.push_back("event number " + std::to_string(i));
      write_event(subjects.back(), vhost);
    }
    return subjects;
  }

  // Until there is nothing more to do at once; time goes on by `step` each turn.
  void deliver(std::uint64_t step = 0) {
    int quiet = 0;
    for (int turn = 0; turn < 2000; turn++) {
      now_ms_ += step;
      quiet = delivery_->turn(now_ms_) ? 0 : quiet + 1;
      if (quiet > 3) return;
    }
    FAIL() << "delivery does not come to rest";
  }

  std::vector<std::string> notices() {
    std::vector<std::string> texts;
    for (const Notice& notice : notices_.take()) texts.push_back(notice.text);
    return texts;
  }

  testing::TestDirectory directory_;
  const std::string state_ = directory_ / "state";
  const std::string log_ = directory_ / "mail.log";
  service::NoticeBoard notices_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Retention> retention_;
  std::unique_ptr<Delivery> delivery_;
  std::uint64_t now_ms_ = 1'000'000;
};

}  // namespace mailorigin::daemon

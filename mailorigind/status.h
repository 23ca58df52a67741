// What the daemon says about itself, for `mailorigin status`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/blocks.h"
#include "core/policy.h"
#include "mailorigind/asking/heard_vhosts.h"
#include "mailorigind/delivery/delivery.h"
#include "mailorigind/feeding/store_feed.h"
#include "mailorigind/journal/retention.h"
#include "mailorigind/judging/holders.h"
#include "mailorigind/judging/limit_resets.h"
#include "mailorigind/moment.h"
#include "service/notice_board.h"

namespace mailorigin::daemon {

struct DaemonStatus {
  std::uint64_t started_ms = 0;    // since the epoch
  const Policy* policy = nullptr;  // in force; null: httpd has never sent one
  std::string connected_instance;  // empty: no httpd is connected
  std::uint64_t journal_end = 0;
  std::uint64_t journal_capacity = 0;          // bytes
  std::vector<Retention::Standing> consumers;  // of the journal
  Delivery::Backlog backlog;
  StoreFeed::Standing store;
  bool firewall_wanted = false;
  bool firewall_connected = false;
  bool firewall_ring = false;
  bool firewall_blocks = false;
  Holders holders;
  Moment now;
  const Blocks* blocks = nullptr;
  const LimitResets* limit_resets = nullptr;
  std::vector<HeardVhosts::Silent> silent;
  std::vector<HeardVhosts::OtherUser> other_users;
  std::vector<service::NoticeBoard::Lasting> findings;
};

// A JSON object, described in docs/formats.md; a status_reply with it fits a packet.
std::string status_json(const DaemonStatus& status);

}  // namespace mailorigin::daemon

// Ways by which mail leaves this host without an origin: docs/every-way-out.md.
#pragma once

#include <string>
#include <vector>

#include "core/smtp_policy.h"

namespace mailorigin::reports {

struct OpenWay {
  std::string
      way;  // a stable word: sendmail, real-sendmail, nullmailer-queue, postdrop, forward, smtp
  std::string text;    // who can go it
  std::string remedy;  // the lines that close it
};

// Who asks about each message that enters the mail server's queue, and is there.
struct AskedAbout {
  bool by_exim = false;  // which knows each user, and judges all by their rules
  bool by_milter = false;
  bool unrecorded_is_held = false;  // MailOriginUnrecorded hold
};

// Of the mail server's programs below `root`, and of the firewall. None where there is no
// mail server, and the firewall is on.
std::vector<OpenWay> find_open_ways(FirewallMode firewall, const AskedAbout& asked_about,
                                    const std::string& root = "");

}  // namespace mailorigin::reports

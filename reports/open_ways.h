// Ways by which mail leaves this host without an origin: docs/every-way-out.md.
#pragma once

#include <string>
#include <vector>

#include "core/smtp_policy.h"

namespace mailorigin::reports {

struct OpenWay {
  std::string way;     // a stable word: sendmail, real-sendmail, postdrop, forward, smtp
  std::string text;    // who can go it
  std::string remedy;  // the lines that close it
};

// Of the mail server's programs below `root`, and of the firewall. None where there is no
// mail server, and the firewall is on.
std::vector<OpenWay> find_open_ways(FirewallMode firewall, const std::string& root = "");

}  // namespace mailorigin::reports

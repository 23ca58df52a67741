#include "reports/block_report.h"

#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/file.h"
#include "core/policy.h"
#include "core/socket_paths.h"
#include "core/wire/blocking.h"
#include "reports/administrator.h"
#include "reports/fields.h"
#include "reports/queue_facts.h"
#include "reports/services.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

using Kind = BlockSubject::Kind;

// Where a script's path leads.
struct RealPath {
  std::string path;    // empty: nowhere, or it is real itself
  bool is_his = true;  // whether each link on the way is root's, or of the file's own owner
};

// A link of a tenant's may lead to a neighbour's script, whose mail is not to be stopped with it.
RealPath real_path_of(const std::string& path) {
  constexpr int links_limit = 40;
  namespace fs = std::filesystem;
  std::vector<uid_t> link_owners;
  fs::path real = "/";
  std::deque<fs::path> rest;
  const auto go_on_with = [&](const fs::path& more) {
    if (more.is_absolute()) real = "/";
    const fs::path relative = more.relative_path();
    rest.insert(rest.begin(), relative.begin(), relative.end());
  };
  go_on_with(path);
  struct stat about {};
  while (!rest.empty()) {
    const fs::path name = std::move(rest.front());
    rest.pop_front();
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      real = real.parent_path();
      continue;
    }
    const fs::path next = real / name;
    if (lstat(next.c_str(), &about) != 0) return {};
    if (!S_ISLNK(about.st_mode)) {
      real = next;
      continue;
    }
    std::error_code fault;
    const fs::path target = fs::read_symlink(next, fault);
    if (fault || link_owners.size() == links_limit) return {};
    link_owners.push_back(about.st_uid);
    go_on_with(target);
  }
  if (real == path || lstat(real.c_str(), &about) != 0) return {};
  const auto is_his = [&](uid_t owner) { return owner == 0 || owner == about.st_uid; };
  return {real, std::all_of(link_owners.begin(), link_owners.end(), is_his)};
}

bool is_there(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), &free);
  return real != nullptr;
}

// The uid of a user that is called by name. False: there is no such user.
bool find_uid(BlockSubject& subject) {
  if (subject.kind != Kind::user || subject.name.starts_with('#')) return true;
  const passwd* const user = getpwnam(subject.name.c_str());
  if (user == nullptr) return false;
  subject.uid = user->pw_uid;
  return true;
}

// The site in whose DocumentRoot a path lies most closely; empty: none.
std::string site_of_path(const Policy& policy, const Block& block) {
  const VhostPolicy* closest = nullptr;
  for (const VhostPolicy& vhost : policy.vhosts) {
    const bool closer = closest == nullptr || vhost.docroot.size() > closest->docroot.size();
    const auto holds = [&](const std::string& path) {
      const auto lies_in = [&](const std::string& docroot) {
        return !docroot.empty() && path.starts_with(docroot + '/');
      };
      return lies_in(vhost.docroot) || lies_in(vhost.real_docroot);
    };
    if (closer && (holds(block.subject.name) || holds(block.real_path))) closest = &vhost;
  }
  return closest == nullptr ? std::string() : closest->site;
}

void note_the_site(const std::string& site, const Policy& policy, json& notes) {
  bool known = false;
  bool of_anybody = false;
  for (const VhostPolicy& vhost : policy.vhosts) {
    if (vhost.site != site) continue;
    known = true;
    of_anybody = of_anybody || !vhost.run_as;
  }
  if (!known) {
    const VhostPolicy* const called = policy.called(site);
    notes.push_back("no virtual host has the ServerName " + site +
                    (called == nullptr
                         ? "; `mailorigin policy` lists them"
                         : ", which is a ServerAlias of " + called->site +
                               ", and that is not blocked: " +
                               block_command_of({Kind::site, called->site, 0, {}, 128})));
  } else if (of_anybody) {
    notes.push_back(
        "nothing says as whom it runs: what shows no context is refused to every user that runs no "
        "site, but to root, MailOriginSmtpUsers and MailOriginTrustedSubmitters; MailOriginRunAs "
        "says it");
  }
}

// What the administrator may not expect.
void note_the_link(const RealPath& real, json& notes) {
  if (real.is_his) return;
  notes.push_back("a link leads from there to " + real.path +
                  ", which is another user's, and is not blocked: a link of one's own can lead to "
                  "anybody's script");
}

void note_the_subject(const Block& block, const Policy& policy, json& notes) {
  switch (block.subject.kind) {
    case Kind::site:
      note_the_site(block.subject.name, policy, notes);
      break;
    case Kind::script: {
      if (!is_there(block.subject.name)) {
        notes.push_back("there is no such file now; what comes to lie there is blocked");
      }
      const std::string site = site_of_path(policy, block);
      notes.push_back("a copy under another name is another script" +
                      (site.empty() ? std::string()
                                    : "; all of its site: " +
                                          block_command_of({Kind::site, site, 0, {}, 128})));
      break;
    }
    case Kind::user:
    case Kind::client:
      break;
  }
}

void note_the_engine(const Block& block, const std::string& firewall, json& notes) {
  if (block.subject.kind == Kind::user && block.subject.uid == 0) {
    notes.push_back("mail alone is blocked: root may always connect");
    return;
  }
  if (block.hold) notes.push_back("connections to SMTP ports cannot be held, and are refused");
  const auto status = ask_status(firewall);
  if (status && block.subject.kind == Kind::site && text_at(*status, "engine") != "bpf") {
    notes.push_back(
        "without programs in the kernel connections are told apart by user alone: those of all "
        "sites of its user are refused");
  }
}

// Mail is stopped when the daemon answers; the kernel has it in a moment.
Result<json> status_when_it_has_it(const std::string& socket) {
  constexpr int tries = 20;
  constexpr std::chrono::milliseconds pause{100};
  auto status = ask_status(socket);
  for (int i = 0; status && i < tries; i++) {
    const json& firewall = member(*status, "firewall");
    if (!flag_at(firewall, "wanted") || flag_at(firewall, "blocks")) break;
    std::this_thread::sleep_for(pause);
    status = ask_status(socket);
  }
  return status;
}

// What becomes of its connections to SMTP ports.
void note_the_firewall(const Block& block, const std::string& runtime_directory, json& notes) {
  if (block.subject.kind == Kind::script || block.subject.kind == Kind::client) {
    notes.push_back(
        "mail alone is blocked: the firewall knows no scripts and no clients; block the site or "
        "the user for connections to SMTP ports");
    return;
  }
  const auto status = status_when_it_has_it(control_socket(runtime_directory));
  if (!status) return;
  const json& firewall = member(*status, "firewall");
  if (!flag_at(firewall, "wanted")) {
    notes.push_back(
        "mail alone is blocked, not connections to SMTP ports: MailOriginFirewall is Off");
  } else if (!flag_at(firewall, "blocks")) {
    notes.push_back(
        "mailorigin-firewall has not got it yet, and connections to SMTP ports are not refused "
        "before: `mailorigin status` says what is wrong");
  } else {
    note_the_engine(block, firewall_socket(runtime_directory), notes);
  }
}

void note_the_hold(const Block& block, const std::string& socket, json& notes) {
  const auto status = block.hold ? ask_status(socket) : Result<json>(json());
  if (!block.hold || !status) return;
  if (!somebody_holds(*status)) notes.push_back(std::string(nobody_holds));
}

void note_the_disk(const BlockedMessage& answer, json& notes) {
  if (answer.not_kept.empty()) return;
  notes.push_back("the next start of mailorigind will not know of it: " + answer.not_kept);
}

Result<BlockedMessage> tell(const std::string& socket, const std::string& packet) {
  const auto answer = ask(socket, packet, MessageType::blocked);
  if (!answer) return answer.error();
  return decode_blocked_message(answer->bytes);
}

bool is_meant(const Block& block, const BlockSubject& subject, const std::string& real_path) {
  if (block.subject == subject || block.subject.text() == subject.text()) return true;
  if (subject.kind != Kind::script || block.subject.kind != Kind::script) return false;
  return block.real_path == subject.name ||
         (!real_path.empty() && (block.real_path == real_path || block.subject.name == real_path));
}

}  // namespace

json block_facts(const Block& block) {
  json facts = {{"block", block.subject.text()},
                {"action", block.hold ? "hold" : "deny"},
                {"by", block.by},
                {"since", rfc3339(block.since_ms)}};
  if (!block.real_path.empty()) facts["real_path"] = block.real_path;
  if (block.until_ms) facts["until"] = rfc3339(*block.until_ms);
  if (!block.reason.empty()) facts["reason"] = block.reason;
  return facts;
}

Result<json> block(const std::string& runtime_directory, const BlockWish& wish) {
  const std::string socket = control_socket(runtime_directory);
  Block wanted;
  wanted.subject = wish.subject;
  wanted.hold = wish.hold;
  wanted.by = administrator();
  wanted.reason = wish.reason;
  if (!find_uid(wanted.subject)) {
    return Error{"there is no user " + wish.subject.name + "; a uid is written user:#1001"};
  }
  RealPath real;
  if (wanted.subject.kind == Kind::script) {
    real = real_path_of(wanted.subject.name);
    if (real.is_his && real.path.size() <= block_name_limit) wanted.real_path = real.path;
  }
  const auto answer = tell(socket, encode_block_message({wanted, wish.lasts_ms}));
  if (!answer) return answer.error();
  json notes = json::array();
  note_the_link(real, notes);
  if (const auto policy = ask_policy(socket)) note_the_subject(wanted, *policy, notes);
  note_the_hold(wanted, socket, notes);
  note_the_firewall(wanted, runtime_directory, notes);
  note_the_disk(*answer, notes);
  // As the daemon has it now.
  const auto blocks = ask_blocks(socket);
  if (!blocks) return blocks.error();
  for (const Block& each : blocks->list()) {
    if (each.subject == wanted.subject) wanted = each;
  }
  json facts = block_facts(wanted);
  facts["notes"] = std::move(notes);
  return facts;
}

Result<json> unblock(const std::string& runtime_directory,
                     const std::optional<BlockSubject>& subject) {
  const std::string socket = control_socket(runtime_directory);
  json facts = {{"unblocked", json::array()}, {"notes", json::array()}};
  const auto blocks = ask_blocks(socket);
  if (!blocks) return blocks.error();
  std::optional<BlockSubject> meant = subject;
  std::string real_path;
  if (meant) {
    (void)find_uid(*meant);
    if (meant->kind == Kind::script) real_path = real_path_of(meant->name).path;
  }
  for (const Block& each : blocks->list()) {
    if (meant && !is_meant(each, *meant, real_path)) continue;
    facts["unblocked"].push_back(block_facts(each));
    if (!meant) continue;
    const auto answer = tell(socket, encode_unblock_message({each.subject, administrator()}));
    if (!answer) return answer.error();
    note_the_disk(*answer, facts["notes"]);
  }
  if (meant || facts["unblocked"].empty()) return facts;
  const auto answer = tell(socket, encode_unblock_message({std::nullopt, administrator()}));
  if (!answer) return answer.error();
  note_the_disk(*answer, facts["notes"]);
  return facts;
}

Result<json> blocks_report(const std::string& runtime_directory) {
  const std::string socket = control_socket(runtime_directory);
  const auto blocks = ask_blocks(socket);
  if (!blocks) return blocks.error();
  const auto status = ask_status(socket);
  if (!status) return status.error();
  json facts = {{"blocks", json::array()}, {"notes", json::array()}};
  for (const Block& each : blocks->list()) facts["blocks"].push_back(block_facts(each));
  for (const json& finding : array_at(*status, "findings")) {
    const std::string text = text_at(finding, "text");
    if (text.starts_with("MO0265") || text.starts_with("MO0266")) facts["notes"].push_back(text);
  }
  return facts;
}

std::string block_command_of(const BlockSubject& subject) {
  const std::string text = subject.text();
  const bool plain = text.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         "-_./:,+@%") == std::string::npos;
  std::string out = "mailorigin block ";
  if (plain) return out + text;
  out += '\'';
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + '\'';
}

}  // namespace mailorigin::reports

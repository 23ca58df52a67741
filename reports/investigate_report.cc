#include "reports/investigate_report.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string_view>
#include <utility>

#include "core/event.h"
#include "core/mail/addresses.h"
#include "core/sha256.h"
#include "core/text.h"
#include "investigating/clamd.h"
#include "investigating/code_signs.h"
#include "investigating/limits.h"
#include "investigating/logins.h"
#include "investigating/package.h"
#include "investigating/place.h"
#include "investigating/requests.h"
#include "reports/accounts.h"
#include "reports/advice.h"
#include "reports/advice_place.h"
#include "reports/backing.h"
#include "reports/block_report.h"
#include "reports/httpd_process.h"
#include "reports/remedies.h"

namespace mailorigin::reports {

using namespace investigating;
using nlohmann::json;

namespace {

constexpr std::size_t events_looked_at = 50;  // the last ones of a script
constexpr std::size_t recipients_named = 20;
constexpr std::size_t clients_named = 50;
constexpr std::size_t beside_for_package = 8;
constexpr std::size_t groups_limit = 256;

bool is_below(std::string_view path, std::string_view directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.remove_suffix(1);
  return directory.size() > 1 && path.starts_with(directory) &&
         path.substr(directory.size()).starts_with('/');
}

// Of a virtual host: below which of the names of its docroot the path lies; empty: it does not.
std::string_view docroot_of(const VhostPolicy& vhost, std::string_view path) {
  for (const std::string_view docroot :
       {std::string_view(vhost.docroot), std::string_view(vhost.real_docroot)}) {
    if (is_below(path, docroot)) return docroot.substr(0, docroot.find_last_not_of('/') + 1);
  }
  return {};
}

// The virtual hosts that hold the path most closely: those of all ports.
std::vector<const VhostPolicy*> vhosts_of(const std::optional<Policy>& policy,
                                          std::string_view path) {
  std::vector<const VhostPolicy*> out;
  if (!policy) return out;
  std::size_t closest = 1;
  for (const VhostPolicy& vhost : policy->vhosts) {
    const std::size_t close = docroot_of(vhost, path).size();
    if (close > closest) out.clear();
    if (close >= closest) out.push_back(&vhost);
    closest = std::max(closest, close);
  }
  return out;
}

std::optional<Httpd> httpd_of(const std::optional<Policy>& policy) {
  const auto uid = policy ? httpd_user(policy->instance) : std::nullopt;
  if (!uid) return std::nullopt;
  Httpd httpd{*uid, {}};
  if (const passwd* const user = getpwuid(*uid)) {
    std::vector<gid_t> groups(groups_limit);
    int count = static_cast<int>(groups.size());
    if (getgrouplist(user->pw_name, user->pw_gid, groups.data(), &count) >= 0) {
      groups.resize(static_cast<std::size_t>(count));
      httpd.gids.assign(groups.begin(), groups.end());
    }
  }
  return httpd;
}

std::string hex(const Sha256::Digest& digest) {
  std::string out;
  for (const std::uint8_t byte : digest) append_hex(out, byte);
  return out;
}

// What it has said, or why it could not.
std::string clamd_remedy(const Error& error) {
  const std::string_view text = error.message;
  if (text.find("size limit") != std::string_view::npos) {
    return "raise StreamMaxLength in clamd.conf, or scan the file with clamscan";
  }
  if (text.starts_with("clamd")) return "see clamd's own log: it may be loading its signatures";
  return "start clamd (systemctl start clamav-daemon), or name its socket with --clamd";
}

class Investigation {
 public:
  Investigation(const FileQuestion& question, const std::optional<Policy>& policy,
                Result<StoreAccess>& store)
      : question_(question),
        policy_(policy),
        store_(store),
        path_(question.file ? question.file->path() : question.path),
        vhosts_(vhosts_of(policy, path_)) {}

  json report() {
    out_["file"] = {{"path", path_}};
    if (!vhosts_.empty()) out_["file"]["vhost"] = vhosts_.front()->name;
    out_["signs"] = json::array();
    out_["logins"] = json::array();
    out_["neighbours"] = json::array();
    if (question_.file) look_at_file();
    look_into_store();
    look_for_requests();
    if (question_.file) look_for_logins();
    for (const Unread& each : unread_) {
      out_["unread"].push_back({{"log", each.log}, {"why", each.why}});
    }
    advise();
    const bool known = out_["mail"].value("events", 0U) + out_["requests"].value("count", 0U) > 0;
    out_["found"] = question_.file.has_value() || known;
    return std::move(out_);
  }

 private:
  void look_at_file() {
    const OpenFile& file = *question_.file;
    const EntryFacts& facts = file.facts();
    json& about = out_["file"];
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", facts.mode & 07777U);
    about["owner"] = user_text(facts.uid);
    about["group"] = group_text(facts.gid);
    about["mode"] = mode;
    about["size"] = facts.size;
    about["links"] = facts.links;
    about["modified"] = rfc3339(facts.times.modified_ms);
    about["changed"] = rfc3339(facts.times.changed_ms);
    if (facts.times.born_ms > 0) about["born"] = rfc3339(facts.times.born_ms);
    if (const auto purpose = purpose_of(path_); !purpose.empty()) about["purpose"] = purpose;

    CodeSigns code;
    Sha256 hash;
    const Status read = file.read(content_limit, [&](std::string_view bytes) {
      hash.add(bytes);
      code.add(bytes);
    });
    code.finish();
    if (read) {
      about["sha256"] = hex(hash.finish());
    } else {
      about["unread"] = read.error().message;
    }
    ask_for_verdict();
    const bool is_code = code.is_code() || is_named_php(path_);
    std::vector<std::string> signs = code.words();
    if (code.is_code() && (is_named_image(path_) || code.is_image()))
      signs.emplace_back("php-in-image");
    if (const auto place = place_of(file)) {
      for (std::string& word : place_signs(file, *place, is_code, httpd_of(policy_))) {
        signs.push_back(std::move(word));
      }
      ask_for_package(*place, signs);
    }
    out_["signs"] = signs;

    const std::string root(vhosts_.empty() ? directory_of(path_)
                                           : docroot_of(*vhosts_.front(), path_));
    const Neighbours neighbours = neighbours_of(file, root);
    out_["neighbours"] = neighbours.paths;
    out_["neighbours_count"] = neighbours.count;
    if (!neighbours.all_seen) {
      unread_.push_back(
          Unread{root, "has more files than are looked at: there may be more neighbours"});
    }
    if (file.has_changed()) about["changes_now"] = true;
  }

  void ask_for_package(const Place& place, std::vector<std::string>& signs) {
    std::vector<std::string> beside;
    for (const std::string& name : place.names) {
      if (beside.size() == beside_for_package) break;
      if (name != name_of(path_)) beside.push_back(std::string(directory_of(path_)) + '/' + name);
    }
    const auto package = package_of(path_, beside);
    if (!package) return;
    if (!package->name.empty()) out_["file"]["package"] = package->name;
    if (package->changed) signs.emplace_back("changed-from-package");
    if (package->name.empty() && !package->of_the_others.empty()) {
      signs.emplace_back("not-of-package");
    }
  }

  void ask_for_verdict() {
    json& clamd = out_["clamd"];
    const std::string socket = question_.clamd.empty() ? usual_clamd() : question_.clamd;
    clamd["asked"] = !socket.empty();
    if (socket.empty()) {
      clamd["why"] = "no clamd is configured here";
      return;
    }
    const auto verdict = ask_clamd(
        socket, [&](const auto& take) { return question_.file->read(clamd_content_limit, take); });
    if (!verdict) {
      clamd["verdict"] = "error";
      clamd["why"] = verdict.error().message;
      clamd["remedy"] = clamd_remedy(verdict.error());
      return;
    }
    clamd["verdict"] = verdict->infected ? "infected" : "clean";
    if (verdict->infected) clamd["name"] = verdict->name;
  }

  void look_into_store() {
    json& mail = out_["mail"];
    mail["events"] = 0;
    if (!store_) {
      mail["why"] = store_.error().message;
      if (std::string remedy = remedy_of(store_.error()); !remedy.empty()) {
        mail["remedy"] = std::move(remedy);
      }
      return;
    }
    const auto sent = (*store_)([&](store::Reader& reader) {
      return reader.of_script(path_, question_.now_ms, events_looked_at,
                              [&](const Event& about) { return is_backed(about, path_); });
    });
    if (!sent) {
      mail["why"] = sent.error().message;
      return;
    }
    mail["events"] = sent->counts.mails;
    mail["recipients"] = sent->counts.recipients;
    mail["denied"] = sent->counts.denied;
    mail["claimed"] = sent->claimed;
    if (sent->first_seen_ms) mail["first"] = rfc3339(*sent->first_seen_ms);
    if (sent->last_seen_ms) mail["last"] = rfc3339(*sent->last_seen_ms);
    std::set<std::string> named;
    mail["to"] = json::array();
    for (const Event& event : sent->last) {
      for (const std::string& address : addresses_in(event.get(Field::to), recipients_named)) {
        if (named.size() < recipients_named && named.insert(address).second)
          mail["to"].push_back(address);
      }
      if (event.get(Field::entry) != path_) continue;
      urls_.insert(plain_path(event.get(Field::uri)));
    }
    if (!sent->last.empty()) last_event_ = sent->last.front();
  }

  // The virtual host that the last mail is of, where the path lies in none.
  [[nodiscard]] const VhostPolicy* vhost() const {
    if (!vhosts_.empty()) return vhosts_.front();
    if (!policy_ || !last_event_) return nullptr;
    for (const VhostPolicy& each : policy_->vhosts) {
      if (each.name == last_event_->get(Field::vhost)) return &each;
    }
    return nullptr;
  }

  void look_for_requests() {
    std::vector<std::string> logs = question_.access_logs;
    const auto add_logs = [&](const VhostPolicy& vhost) {
      if (question_.access_logs.empty()) {
        logs.insert(logs.end(), vhost.access_logs.begin(), vhost.access_logs.end());
      }
    };
    for (const VhostPolicy* each : vhosts_) {
      urls_.insert(path_.substr(docroot_of(*each, path_).size()));
      add_logs(*each);
    }
    if (vhosts_.empty() && vhost() != nullptr) add_logs(*vhost());
    if (vhosts_.empty() && !question_.access_logs.empty()) {
      // Below which of its directories a site begins is not known.
      for (std::size_t at = 0; (at = path_.find('/', at)) != std::string::npos; at++) {
        urls_.insert(path_.substr(at));
      }
    }
    // What is rewritten to a script is another's address.
    std::vector<std::string> paths;
    for (const std::string& url : urls_) {
      if (name_of(url) == name_of(path_)) paths.push_back(url);
    }
    RequestSearch search(paths);
    if (!paths.empty()) {
      read_logs(
          log_files(logs), [&](const LogFile&, std::string_view lines) { search.add(lines); },
          question_.progress, unread_);
    }
    const Requests requests = search.take();
    json& about = out_["requests"];
    about["count"] = requests.count;
    if (logs.empty()) about["why"] = "no access log is known of a virtual host that it is of";
    if (requests.count == 0) return;
    about["first"] = requests.first;
    about["last"] = requests.last;
    about["clients"] = json::array();
    for (const auto& [address, count] : requests.clients) {
      if (about["clients"].size() == clients_named) break;
      about["clients"].push_back({{"address", address}, {"count", count}});
    }
  }

  void look_for_logins() {
    const EntryFacts& facts = question_.file->facts();
    LoginSearch search({path_, user_text(facts.uid), facts.times});
    const bool usual = question_.login_logs.empty();
    const auto files = log_files(usual ? usual_login_logs() : question_.login_logs);
    read_logs(
        files,
        [&](const LogFile& file, std::string_view lines) {
          search.add(file.path, lines, file.changed_s);
        },
        question_.progress, unread_);
    const bool ssh_is_logged = std::any_of(files.begin(), files.end(), [](const LogFile& file) {
      return file.path.starts_with("/var/log/auth.log") || file.path.starts_with("/var/log/secure");
    });
    if (usual && !ssh_is_logged) {
      if (const Status added = add_journal(search); !added) {
        unread_.push_back(Unread{journal, added.error().message});
      }
    }
    for (const LoginLine& each : search.take()) {
      out_["logins"].push_back({{"log", each.log}, {"line", each.line}});
    }
  }

  // What is no virtual host's sends nothing that could be stopped.
  void advise() {
    out_["advice"] = json::array();
    out_["blocked"] = json::array();
    const VhostPolicy* const of = vhost();
    if (of == nullptr) return;
    Event event;
    event.set(Field::vhost, of->name);
    event.set(Field::site, of->site);
    event.set(Field::entry, path_);
    out_["advice"] = advice(event, &*policy_);
    out_["place"] = advice_place(&*policy_, of->name);
    for (const Block* block : blocks_of(event, question_.blocks, question_.now_ms)) {
      out_["blocked"].push_back(block_facts(*block));
    }
    out_["block"] = out_["blocked"].empty() ? block_command(event) : "";
  }

  const FileQuestion& question_;
  const std::optional<Policy>& policy_;
  Result<StoreAccess>& store_;
  const std::string path_;
  const std::vector<const VhostPolicy*> vhosts_;
  std::set<std::string> urls_;
  std::optional<Event> last_event_;
  std::vector<Unread> unread_;
  json out_;
};

}  // namespace

json investigate_report(const FileQuestion& question, const std::optional<Policy>& policy,
                        Result<StoreAccess>& store) {
  return Investigation(question, policy, store).report();
}

}  // namespace mailorigin::reports

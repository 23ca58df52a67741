#include "mailorigind/judging/blocking.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/made_code.h"

namespace mailorigin::daemon {

namespace {

using Kind = BlockSubject::Kind;

std::string_view file_of(std::string_view place) { return place.substr(0, place.rfind(':')); }

bool is_below(std::string_view path, std::string_view directory) {
  return !directory.empty() && path.size() > directory.size() && path.starts_with(directory) &&
         (path[directory.size()] == '/' || directory.ends_with('/'));
}

std::string_view parent_of(std::string_view path) {
  return path.substr(0, std::min(path.rfind('/'), path.size()));
}

bool is_one(const Block& site, const SiteUsers& users, uid_t uid) {
  return site.subject.kind == Kind::site && users.may_be(site.subject.name, uid);
}

class Search {
 public:
  Search(const Blocks& blocks, const BlockableMail& mail, std::uint64_t now_ms)
      : blocks_(blocks), mail_(mail), now_ms_(now_ms) {}

  const Block* run() {
    if (blocks_.has(Kind::user)) take(blocks_.of_user(mail_.uid));
    if (blocks_.has(Kind::site)) look_at_sites();
    if (blocks_.has(Kind::client)) look_at_clients();
    if (blocks_.has(Kind::script)) look_at_scripts();
    return found_;
  }

 private:
  void take(const Block* block) {
    if (block == nullptr || block->is_over(now_ms_)) return;
    if (found_ == nullptr || (found_->hold && !block->hold)) found_ = block;
  }

  template <class Visit>
  void each_policy(Visit visit) const {
    visit(*mail_.decision.policy);
    for (const VhostPolicy* port : mail_.decision.ports) visit(*port);
    if (mail_.decision.also != nullptr) visit(*mail_.decision.also);
  }

  void look_at_sites() {
    each_policy([&](const VhostPolicy& policy) {
      if (&policy != &mail_.policy.server) take(blocks_.of_site(policy.site));
    });
    // What a process without a context says of its place is its own word.
    if (mail_.shown.context == nullptr) {
      for (const Block& block : blocks_.list()) {
        if (is_one(block, mail_.users, mail_.uid)) take(&block);
      }
    }
    // Of a virtual host that is not configured any more, a request may still run.
    for (const Context* context : {mail_.shown.context, mail_.shown.foreign}) {
      if (context == nullptr || mail_.policy.by_id(context->tag.vhost_id) != nullptr) continue;
      if (auto named = parse_block_subject("site:" + std::string(file_of(context->vhost)))) {
        take(blocks_.of_site(named->name));
      }
    }
  }

  void look_at_clients() {
    for (const Context* context : {mail_.shown.context, mail_.shown.foreign}) {
      if (context == nullptr) continue;
      // Without the interface of a link-local one.
      const auto address = parse_ip_address(context->client.substr(0, context->client.find('%')));
      if (address) blocks_.of_client(*address, [&](const Block& block) { take(&block); });
    }
  }

  void look_at_scripts() {
    const Event& event = mail_.question.claims;
    for (const Context* context : {mail_.shown.context, mail_.shown.foreign}) {
      if (context != nullptr) look_at(context->entry);
    }
    look_at(event.get(Field::entry));
    look_at(event.get(Field::file));
    look_at(file_of(event.get(Field::caller)));
    for (const std::string& script : mail_.question.scripts) look_at(script);
    if (mail_.question.scripts_cut) look_at_unseen();
  }

  void look_at(std::string_view name) {
    for (const std::string_view file : makers_of(name)) look_at_file(file);
  }

  void look_at_file(std::string_view name) {
    if (name.empty()) return;
    take(blocks_.of_script(name));
    each_policy([&](const VhostPolicy& policy) {
      if (policy.real_docroot.empty() || !is_below(name, policy.docroot)) return;
      take(
          blocks_.of_script(policy.real_docroot + std::string(name.substr(policy.docroot.size()))));
    });
  }

  // Names that do not fit a question may be any of the site's, which need not all lie in its
  // DocumentRoot.
  void look_at_unseen() {
    for (const Block& block : blocks_.list()) {
      if (block.subject.kind != Kind::script) continue;
      each_policy([&](const VhostPolicy& policy) {
        for (const std::string& docroot : {policy.docroot, policy.real_docroot}) {
          for (const std::string& path : {block.subject.name, block.real_path}) {
            if (is_below(path, parent_of(docroot))) take(&block);
          }
        }
      });
    }
  }

  const Blocks& blocks_;
  const BlockableMail& mail_;
  const std::uint64_t now_ms_;
  const Block* found_ = nullptr;
};

}  // namespace

const Block* find_block(const Blocks& blocks, const BlockableMail& mail, std::uint64_t now_ms) {
  return blocks.empty() ? nullptr : Search(blocks, mail, now_ms).run();
}

const Block* find_block(const Blocks& blocks, const SiteUsers& users, uid_t uid,
                        const VhostPolicy& vhost) {
  if (const Block* user = blocks.of_user(uid)) return user;
  if (const Block* site = blocks.of_site(vhost.site)) return site;
  const auto& list = blocks.list();
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const Block& block) { return is_one(block, users, uid); });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace mailorigin::daemon

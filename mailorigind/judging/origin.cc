#include "mailorigind/judging/origin.h"

#include <utility>

#include "core/seal.h"

namespace mailorigin::daemon {

std::optional<Context> context_verified_by_kernel(std::string_view bytes,
                                                  const std::optional<KeyRing>& keys,
                                                  const Policy& policy, std::uint64_t boottime_ns) {
  if (keys && bytes.size() > ContextTag::size) {
    Unsealed unsealed = unseal_bytes(bytes, *keys, boottime_ns);
    if (unsealed.context) return std::move(unsealed.context);
  }
  const auto tag = decode_tag(bytes);
  if (!tag) return std::nullopt;
  Context context;
  context.tag = *tag;
  context.tag.flags |= ContextTag::truncated;
  if (const VhostPolicy* const vhost = policy.by_id(tag->vhost_id)) {
    context.vhost = vhost->name;
    context.docroot = vhost->docroot;
  }
  return context;
}

void describe_origin(Event& event, const Context& context, const Policy& policy) {
  event.set(Field::verified, true);
  event.set(Field::vhost, context.vhost);
  if (const VhostPolicy* vhost = policy.by_id(context.tag.vhost_id)) {
    event.set(Field::site, vhost->site);
  }
  event.set(Field::docroot, context.docroot);
  event.set(Field::entry, context.entry);
  event.set(Field::client, context.client);
  event.set(Field::method, context.method);
  event.set(Field::uri, context.uri);
  event.set(Field::request_id, context.tag.request_id.text());
  if (context.tag.uid != ContextTag::any_uid) {
    event.set(Field::suexec_uid, std::uint64_t{context.tag.uid});
  }
  if ((context.tag.flags & ContextTag::truncated) != 0) event.set(Field::truncated, true);
}

void describe_owner(Event& event, const VhostPolicy& vhost) {
  event.set(Field::vhost, vhost.name);
  event.set(Field::site, vhost.site);
  event.set(Field::docroot, vhost.docroot);
}

void describe_process(Event& event, const Credentials& process, std::string_view user) {
  if (process.pid != 0) event.set(Field::pid, static_cast<std::uint64_t>(process.pid));
  if (process.uid != Credentials().uid) event.set(Field::uid, std::uint64_t{process.uid});
  if (process.gid != Credentials().gid) event.set(Field::gid, std::uint64_t{process.gid});
  event.set(Field::user, user);
}

}  // namespace mailorigin::daemon

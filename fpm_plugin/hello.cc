#include "fpm_plugin/hello.h"

#include <cstddef>
#include <cstring>
#include <string_view>

#include "core/abi/layout.h"
#include "core/base64url.h"
#include "core/context.h"
#include "core/wire/asking.h"

namespace mailorigin::php {

namespace {

constexpr std::size_t tag_text = ContextTag::size / 3 * 4;  // base64url of it

std::optional<std::uint64_t> vhost_and_uid(std::string_view context) {
  if (context.size() < tag_text) return std::nullopt;
  const auto tag = base64url_decode(context.substr(0, tag_text));
  if (!tag) return std::nullopt;
  std::uint64_t both;
  static_assert(offsetof(mo_tag, uid) == offsetof(mo_tag, vhost) + sizeof(mo_tag::vhost));
  std::memcpy(&both, tag->data() + offsetof(mo_tag, vhost), sizeof both);
  return both;
}

time_t now_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec;
}

}  // namespace

void Hello::say(client::Asker& asker, const std::string& socket,
                const std::string& context) noexcept {
  try {
    const auto whose = vhost_and_uid(context);
    if (!whose) return;
    const time_t now = now_seconds();
    // A new daemon has heard nothing yet.
    const bool is_lost = looked_at_ != now && !asker.is_connected();
    looked_at_ = now;
    auto& place = said_[*whose % said_.size()];
    if (!is_lost && said_over_ == asker.connections() && place == whose) return;
    if (failed_at_ == now) return;
    if (asker.tell(socket, encode_hello(context))) {
      if (said_over_ != asker.connections()) said_ = {};
      said_over_ = asker.connections();
      place = whose;
    } else {
      failed_at_ = now;
    }
  } catch (...) {  // no memory: said at a later request
  }
}

}  // namespace mailorigin::php

// Any bytes as what the kernel keeps of a process, and as if it had verified them: its sizes and
// all that they measure are the process's own.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "mailorigind/judging/known_process.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  mo_snapshot snapshot{};
  std::memcpy(&snapshot.origin, data, std::min(size, sizeof snapshot.origin));
  snapshot.verified = 1;
  snapshot.start_ticks = 1;
  snapshot.uid = 1001;
  const auto known = daemon::known_process(
      snapshot, {{1, 1}}, 1001, KeyRing{SealKey{}, std::nullopt}, Policy(), UINT64_MAX / 2);
  if (!known) return 0;
  if (known->file.size() + known->caller.size() + ContextTag::sealed > sizeof snapshot.origin ||
      (known->context.tag.uid != 1001 && known->context.tag.uid != ContextTag::any_uid)) {
    std::abort();
  }
  return 0;
}

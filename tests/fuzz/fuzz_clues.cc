// What `mailorigin trace` is given: mails and lines of any bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tracing/clues.h"
#include "tracing/mail_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailorigin::tracing;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const Clues& clues : {read_clues(input), clues_of_line(input), clues_of_mail(input)}) {
    constexpr std::size_t kinds = static_cast<std::size_t>(ClueKind::script) + 1;
    if (clues.list.size() > kinds * clues_limit) std::abort();
  }
  LineClock clock(1'795'262'400);
  (void)parse_mail_log_line(input, clock);
  return 0;
}

// Any line as Exim's: what is understood stays within a packet's limits.
#include <cstdlib>
#include <string>

#include "core/wire/exim_line.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto line = read_exim_line({reinterpret_cast<const char*>(data), size});
  if (!line) return 0;
  if (line->mail.tickets.size() > tickets_shown || line->mail.recipients.size() > digests_shown) {
    std::abort();
  }
  if (encode_queued(line->mail).size() > packet_limit) std::abort();
  Answer answer;
  answer.verdict = Verdict::deny;
  answer.reason = line->mail.claims.get(Field::subject);
  const std::string text = exim_answer(answer);
  if (text.find('\n') != text.size() - 1) std::abort();
  return 0;
}

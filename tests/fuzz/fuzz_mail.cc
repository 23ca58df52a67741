// Any bytes as headers, addresses and parameters: a removed field is gone.
#include <cstdlib>

#include "core/mail.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string without = without_field(input, "X-Mail-Origin");
  if (!field_value(without, "X-Mail-Origin").empty()) std::abort();
  if (without_field(without, "X-Mail-Origin") != without) std::abort();
  const MailFacts facts = examine_mail(input, input, input);
  if (facts.recipients > 10 * size + 10) std::abort();
  return 0;
}

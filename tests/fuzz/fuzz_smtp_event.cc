// Any bytes as a record of the firewall's ring buffer: what is read from it lies in it.
#include <cstdlib>
#include <string>
#include <string_view>

#include "mailorigind/connections/smtp_event.h"

using namespace mailorigin::daemon;

namespace {

bool lies_in(std::string_view part, const mo_origin& origin) {
  const auto* begin = reinterpret_cast<const char*>(origin.bytes);
  return part.empty() ||
         (part.data() >= begin && part.data() + part.size() <= begin + sizeof origin.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string record(reinterpret_cast<const char*>(data), size);
  // Other sizes are turned away at once; the input says which of the two it is to be.
  if (size > 0) record.resize(data[0] % 2 == 0 ? sizeof(mo_smtp_event) : short_smtp_event);
  const auto event = smtp_event_of(record);
  if (!event) return 0;
  const OriginParts parts = parts_of(event->origin);
  if (!lies_in(parts.context, event->origin) || !lies_in(parts.file, event->origin) ||
      !lies_in(parts.caller, event->origin) || program_name(*event).size() > mo_comm_size ||
      program_path(*event).size() > mo_exe_parts * (mo_exe_part_size + 1)) {
    std::abort();
  }
  return 0;
}

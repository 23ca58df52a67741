// Any text as a format, written with hostile values: one line comes out.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/format.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Event event;
  event.set(Field::time, input);
  event.set(Field::subject, input);
  event.set(Field::headers, input);
  event.set(Field::line, input);

  const auto check = [&](const Format& format) {
    std::string line;
    format.append(line, event);
    for (const char character : line) {
      if (static_cast<unsigned char>(character) < ' ' || character == 0x7f) std::abort();
    }
    return line;
  };
  if (const auto format = Format::parse(input)) check(*format);
  check(*Format::predefined("php"));
  check(*Format::predefined("logfmt"));
  if (!nlohmann::json::accept(check(*Format::predefined("json")))) std::abort();
  return 0;
}

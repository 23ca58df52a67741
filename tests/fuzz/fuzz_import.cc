// What `mailorigin import` is given: settings files of any bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "reports/import_report.h"

namespace {

// A line for httpd: one directive of ours, and nothing that httpd would take for more.
bool is_one_directive(const std::string& line) {
  constexpr std::string_view harmless =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 /=@#.:_-";
  return line.starts_with("MailOrigin") && line.find_first_not_of(harmless) == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailorigin::reports;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const Product product : {Product::csf, Product::asl}) {
    const auto report = import_report(product, input, [](const std::string&) { return true; });
    for (const auto& line : report.at("directives")) {
      if (!is_one_directive(line.get<std::string>())) std::abort();
    }
    for (const auto& note : report.at("notes")) {
      if (note.get<std::string>().find('\n') != std::string::npos) std::abort();
    }
  }
  return 0;
}

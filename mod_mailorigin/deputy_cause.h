// Which line of .htaccess may have made httpd connect somewhere. httpd keeps what directives mean,
// and not where they stand: they are looked for by what they say. Knows no httpd.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mailorigin::httpd {

// Files are read one after the other; the line that is likest counts: one that names host and
// port, else the host, else one by which httpd may connect to anything (a proxy as handler, the
// flag P, AuthLDAPURL). Two that are alike leave the line unknown, and in two files both.
class CauseSearch {
 public:
  // `host` as the destination has it, without brackets.
  CauseSearch(std::string_view host, std::uint16_t port);

  void read(std::string_view file, std::string_view text);

  [[nodiscard]] const std::string& file() const { return file_; }  // empty: unknown
  [[nodiscard]] std::uint64_t line() const { return line_; }       // 0: unknown

 private:
  enum class Likeness : std::uint8_t { none, connects, names_host, names_port };
  [[nodiscard]] Likeness likeness(std::string_view directive) const;

  const std::string host_;
  const std::string port_;
  Likeness best_ = Likeness::none;
  std::string file_;
  std::uint64_t line_ = 0;
};

}  // namespace mailorigin::httpd

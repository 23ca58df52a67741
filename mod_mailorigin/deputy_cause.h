// Which line of .htaccess may have made httpd connect somewhere. httpd keeps what directives mean,
// and not where they stand: they are looked for by what they say. Knows no httpd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailorigin::httpd {

// Files are read one after the other; the line that is likest counts: one by which httpd may
// connect (a proxy as handler, the flag P, AuthLDAPURL) and that names host and port, else any that
// names both, else one by which httpd may connect and that names the host, else one by which it may
// connect at all. Two that are alike leave the line unknown, and in two files both. Where there are
// several files, whose owners may differ, only the first kind counts: who hides where his own line
// leads must not have another's taken for it.
class CauseSearch {
 public:
  // `host` as the destination has it, without brackets.
  CauseSearch(std::string_view host, std::uint16_t port);

  void read(std::string_view file, std::string_view text);

  // Empty: unknown.
  [[nodiscard]] std::string_view file() const {
    return is_sure_enough() ? std::string_view(file_) : std::string_view();
  }
  // 0: unknown.
  [[nodiscard]] std::uint64_t line() const { return is_sure_enough() ? line_ : 0; }

 private:
  enum class Likeness : std::uint8_t {
    none,
    connects,
    connects_to_host,
    names_port,
    connects_to_port
  };
  [[nodiscard]] bool is_sure_enough() const {
    return files_ == 1 || best_ == Likeness::connects_to_port;
  }
  [[nodiscard]] Likeness likeness(std::string_view directive) const;

  const std::string host_;
  const std::string port_;
  std::size_t files_ = 0;
  Likeness best_ = Likeness::none;
  std::string file_;
  std::uint64_t line_ = 0;
};

}  // namespace mailorigin::httpd

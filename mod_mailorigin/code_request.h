// Which requests run code, and which script they run. Knows no httpd.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mailorigin::httpd {

enum class CodeRunner : std::uint8_t {
  none,     // a file, a directory, another web server
  backend,  // FastCGI, SCGI, uWSGI: the environment travels as parameters
  program,  // CGI, or FastCGI of mod_fcgid: the environment is the process's
  inside,   // PHP in httpd's own process: the environment is no way for a context
};

// Of httpd's handler and filename. A scheme of mod_proxy that is not known to
// lead to another web server counts as a backend: what could reach PHP must
// not be missed.
CodeRunner code_runner(std::string_view handler, std::string_view filename);

// Of a file's name: "index.php" and "old.phtml" do.
bool looks_like_php(std::string_view name);

// What there is at a path, for httpd.
enum class Found : std::uint8_t { nothing, directory, file };

// The script's path, without doubled slashes and "/./". mod_proxy's "proxy:fcgi://host:port" is
// taken off, and undone is its percent-encoding (`encoded`). `path_info` is taken off the end; what
// ProxyPassMatch leaves there is found by asking `look` for what leads up to each slash, as PHP
// does. Where nothing is a file for httpd, the first part that looks like a PHP script counts as
// it.
std::string entry_script(std::string_view filename, std::string_view path_info, bool encoded,
                         const std::function<Found(const std::string&)>& look);

// The method that the client asked for: httpd makes a GET of it before an ErrorDocument,
// and leaves the request line as it was. `method` is what httpd has now.
std::string method_of(std::string_view request_line, std::string_view method);

}  // namespace mailorigin::httpd

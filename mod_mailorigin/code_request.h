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

// The script's path. mod_proxy's "proxy:fcgi://host:port" is taken off, and
// undone is its percent-encoding (`encoded`). `path_info` is taken off the
// end; what ProxyPassMatch leaves there is found by asking `is_file` for the
// parts that look like a PHP script, as PHP does. Where nothing is a file for
// httpd, the first of these parts counts as the script.
std::string entry_script(std::string_view filename, std::string_view path_info, bool encoded,
                         const std::function<bool(const std::string&)>& is_file);

}  // namespace mailorigin::httpd

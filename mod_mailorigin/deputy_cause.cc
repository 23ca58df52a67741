#include "mod_mailorigin/deputy_cause.h"

#include <algorithm>
#include <cctype>

#include "core/text.h"

namespace mailorigin::httpd {

namespace {

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// Of a RewriteRule, in lower case: "[p,l]" or "[l, proxy]". What stands before may have brackets
// as well, and so may a flag's value.
bool has_proxy_flag(std::string_view directive) {
  std::string_view rest = directive.substr(0, directive.rfind(']'));
  while (!rest.empty()) {
    const std::size_t end = rest.find_last_of("[,");
    if (end == rest.npos) return false;
    std::string_view flag = rest.substr(end + 1);
    flag.remove_prefix(std::min(flag.find_first_not_of(" \t"), flag.size()));
    flag = flag.substr(0, flag.find_first_of(" \t"));
    if (flag == "p" || flag == "proxy") return true;
    rest = rest.substr(0, end);
  }
  return false;
}

bool is_part_of_name(char byte) {
  return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '.' || byte == '-';
}

}  // namespace

CauseSearch::CauseSearch(std::string_view host, std::uint16_t port)
    : host_(lower_case(host)), port_(':' + std::to_string(port)) {}

CauseSearch::Likeness CauseSearch::likeness(std::string_view directive) const {
  if (directive.starts_with('#')) return Likeness::none;
  const bool connects = contains(directive, "proxy:") || directive.starts_with("authldapurl") ||
                        (directive.starts_with("rewriterule") && has_proxy_flag(directive));
  Likeness found = connects ? Likeness::connects : Likeness::none;
  if (host_.empty()) return found;
  for (std::size_t at = directive.find(host_); at != directive.npos;
       at = directive.find(host_, at + 1)) {
    std::string_view after = directive.substr(at + host_.size());
    if (at > 0 && is_part_of_name(directive[at - 1])) continue;
    if (!after.empty() && is_part_of_name(after[0])) continue;
    if (after.starts_with(']')) after.remove_prefix(1);
    const bool has_port = after.starts_with(port_) &&
                          (after.size() == port_.size() ||
                           std::isdigit(static_cast<unsigned char>(after[port_.size()])) == 0);
    if (has_port) return connects ? Likeness::connects_to_port : Likeness::names_port;
    // An address alone may be a client's, say of "Require ip".
    if (connects) found = Likeness::connects_to_host;
  }
  return found;
}

void CauseSearch::read(std::string_view file, std::string_view text) {
  files_++;
  std::uint64_t number = 0;
  while (!text.empty()) {
    const std::uint64_t first = number + 1;
    std::string directive;
    // As httpd does, a line that ends in a backslash goes on in the next one.
    for (bool goes_on = true; goes_on && !text.empty();) {
      std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      number++;
      if (line.ends_with('\r')) line.remove_suffix(1);
      goes_on = line.ends_with('\\');
      if (goes_on) line.remove_suffix(1);
      directive += line;
    }
    directive.erase(0, directive.find_first_not_of(" \t"));
    const Likeness like = likeness(lower_case(directive));
    if (like == Likeness::none || like < best_) continue;
    if (like > best_) {
      file_ = file;
      line_ = first;
      best_ = like;
      continue;
    }
    line_ = 0;
    if (file_ != file) file_.clear();
  }
}

}  // namespace mailorigin::httpd

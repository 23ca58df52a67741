#include "investigating/package.h"

#include <unistd.h>

#include <algorithm>

#include "investigating/program.h"

namespace mailorigin::investigating {

namespace {

constexpr char dpkg_query[] = "/usr/bin/dpkg-query";
constexpr char dpkg[] = "/usr/bin/dpkg";
constexpr char rpm[] = "/usr/bin/rpm";

bool is_there(const char* program) { return access(program, X_OK) == 0; }

template <class Visit>
void each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Lines of `dpkg --verify` and `rpm --verify`: what differs, a letter for the kind of file, its
// path.
bool says_changed(std::string_view answer, std::string_view path) {
  bool changed = false;
  each_line(answer, [&](std::string_view line) {
    if (line.ends_with(path) && line.size() > path.size() &&
        line[line.size() - path.size() - 1] == ' ') {
      changed = true;
    }
  });
  return changed;
}

Result<Package> ask_dpkg(const std::string& path, const std::vector<std::string>& beside) {
  std::vector<std::string> command = {dpkg_query, "--search", "--", dpkg_pattern(path)};
  // Packages know /bin by its own name where it is a link to /usr/bin.
  const std::string merged = path.starts_with("/usr/") ? path.substr(4) : "";
  if (!merged.empty()) command.push_back(dpkg_pattern(merged));
  for (const std::string& each : beside) command.push_back(dpkg_pattern(each));
  const auto answer = output_of(command);
  if (!answer) return answer.error();
  Package package;
  package.name = package_in(*answer, path);
  std::string_view known_as = path;
  if (package.name.empty() && !merged.empty()) {
    package.name = package_in(*answer, merged);
    known_as = merged;
  }
  if (package.name.empty()) {
    for (const std::string& each : beside) {
      if (package.of_the_others.empty()) package.of_the_others = package_in(*answer, each);
    }
    return package;
  }
  const std::string first = package.name.substr(0, package.name.find(','));
  const auto verified = output_of({dpkg, "--verify", first});
  package.changed = verified && says_changed(*verified, known_as);
  return package;
}

Result<Package> ask_rpm(const std::string& path, const std::vector<std::string>& beside) {
  const auto owner = [](const std::string& each) {
    // Of what is of none it says so in a sentence.
    const auto answer = output_of({rpm, "--query", "--queryformat", "%{NAME}", "--file", each});
    return answer && answer->find(' ') == std::string::npos ? *answer : std::string();
  };
  Package package;
  package.name = owner(path);
  if (package.name.empty()) {
    for (const std::string& each : beside) {
      if (package.of_the_others.empty()) package.of_the_others = owner(each);
    }
    return package;
  }
  const auto verified = output_of({rpm, "--verify", "--noscripts", package.name});
  package.changed = verified && says_changed(*verified, path);
  return package;
}

}  // namespace

std::string dpkg_pattern(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string package_in(std::string_view answer, std::string_view path) {
  std::string found;
  each_line(answer, [&](std::string_view line) {
    if (!line.ends_with(path) || line.starts_with("diversion by ")) return;
    const std::string_view before = line.substr(0, line.size() - path.size());
    if (before.ends_with(": ")) found = before.substr(0, before.size() - 2);
  });
  return found;
}

Result<Package> package_of(const std::string& path, const std::vector<std::string>& beside) {
  if (path.find('\n') != std::string::npos) return Package();  // no package has such a file
  if (is_there(dpkg_query)) return ask_dpkg(path, beside);
  if (is_there(rpm)) return ask_rpm(path, beside);
  return Error{"neither dpkg nor rpm is here"};
}

}  // namespace mailorigin::investigating

#include "submit/settings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <utility>

#include "core/file.h"
#include "core/name_values.h"
#include "core/socket_paths.h"
#include "core/text.h"

namespace mailorigin::submit {

namespace {

constexpr std::size_t file_limit = 65'536;
constexpr std::uint64_t longest_timeout_ms = 60'000;
constexpr std::string_view option_prefix = "--mailorigin-";

// Debian's name for a program that another stands in for, then its own.
constexpr const char* usual_programs[] = {"/usr/sbin/sendmail.distrib", "/usr/sbin/sendmail"};

bool take_path(std::string_view value, std::string& setting, std::size_t limit) {
  setting = value;
  return value.starts_with('/') && value.size() < limit && value.find('\0') == value.npos;
}

bool take_allow_or_deny(std::string_view value, bool& allowed) {
  allowed = value == "allow";
  return allowed || value == "deny";
}

bool take_milliseconds(std::string_view value, std::chrono::milliseconds& setting) {
  const auto milliseconds = parse_number(value, longest_timeout_ms);
  setting = std::chrono::milliseconds(milliseconds.value_or(0));
  return setting.count() > 0;
}

struct Setting {
  std::string_view name;
  std::string_view accepted;
  bool (*take)(std::string_view value, Settings& settings);
};

// As PHP's mailorigin.* are called, and what they mean there.
constexpr Setting known_settings[] = {
    {"socket", "an absolute path of at most 107 bytes",
     [](std::string_view value, Settings& settings) {
       return take_path(value, settings.conduct.socket, sizeof(sockaddr_un::sun_path));
     }},
    {"real", "the absolute path of the mail server's sendmail",
     [](std::string_view value, Settings& settings) {
       return take_path(value, settings.real, PATH_MAX);
     }},
    {"on-failure", "allow or deny",
     [](std::string_view value, Settings& settings) {
       return take_allow_or_deny(value, settings.conduct.sends_without_daemon);
     }},
    {"timeout-ms", "milliseconds from 1 to 60000",
     [](std::string_view value, Settings& settings) {
       return take_milliseconds(value, settings.conduct.patience.absent);
     }},
    {"on-timeout", "allow or deny",
     [](std::string_view value, Settings& settings) {
       return take_allow_or_deny(value, settings.conduct.sends_when_late);
     }},
    {"patience-ms", "milliseconds from 1 to 60000",
     [](std::string_view value, Settings& settings) {
       return take_milliseconds(value, settings.conduct.patience.late);
     }},
};

// `where` is for the message: the option as it was given, or a file's line.
std::optional<Ending> take(std::string_view name, std::string_view value, const std::string& where,
                           int status, Settings& settings) {
  const auto* const setting = std::find_if(std::begin(known_settings), std::end(known_settings),
                                           [&](const Setting& each) { return each.name == name; });
  if (setting == std::end(known_settings)) {
    std::string names;
    for (const Setting& each : known_settings) {
      names += names.empty() ? "" : ", ";
      names += each.name;
    }
    return Ending{status, "MO0501: " + where + ": there is no such setting; there are " + names};
  }
  if (setting->take(value, settings)) return std::nullopt;
  return Ending{status, "MO0502: " + where + ": it takes " + std::string(setting->accepted)};
}

// "name = value" on each line; a # begins a comment.
std::optional<Ending> read_settings_file(const std::string& path, Settings& settings) {
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
  const auto text = read_file(path, file_limit);
  if (!text) return Ending{EX_CONFIG, "MO0503: " + text.error().message};
  std::size_t number = 0;
  for (std::string_view rest(*text); !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trimmed(rest.substr(0, std::min(end, rest.find('#'))));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    number++;
    if (line.empty()) continue;
    const std::size_t equals = std::min(line.find('='), line.size());
    const std::string_view value =
        equals == line.size() ? std::string_view() : trimmed(line.substr(equals + 1));
    auto wrong = take(trimmed(line.substr(0, equals)), value, path + ":" + std::to_string(number),
                      EX_CONFIG, settings);
    if (wrong) return wrong;
  }
  return std::nullopt;
}

// Whoever writes the command writes them first. What comes behind the mail server's may be
// a script's: the fifth argument of mail() stands at the end of sendmail_path.
std::size_t end_of_own_options(const std::vector<std::string>& words) {
  std::size_t end = 1;
  while (end < words.size() && words[end].starts_with(option_prefix)) end++;
  return end;
}

bool is_this_program(const std::string& path) {
  struct stat own {};
  struct stat other {};
  return stat("/proc/self/exe", &own) == 0 && stat(path.c_str(), &other) == 0 &&
         own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

// Why there is no real program that can be started.
std::optional<Ending> find_real_program(Settings& settings) {
  const bool given = !settings.real.empty();
  if (!given) {
    for (const char* path : usual_programs) {
      if (access(path, F_OK) != 0 || is_this_program(path)) continue;
      settings.real = path;
      break;
    }
  }
  if (settings.real.empty()) {
    return Ending{EX_UNAVAILABLE,
                  std::string("MO0504: there is no mail server's sendmail: neither ") +
                      usual_programs[0] + " nor another " + usual_programs[1] +
                      "; name it as `real` in " + "its file, or by --mailorigin-real="};
  }
  if (given && is_this_program(settings.real)) {
    return Ending{EX_CONFIG, "MO0505: " + settings.real +
                                 " is mailorigin-sendmail itself, which `real` must not be"};
  }
  if (faccessat(AT_FDCWD, settings.real.c_str(), X_OK, AT_EACCESS) != 0) {
    return Ending{EX_UNAVAILABLE, "MO0506: " + system_error(settings.real, errno).message};
  }
  return std::nullopt;
}

}  // namespace

std::variant<Settings, Ending> read_settings(std::vector<std::string> words,
                                             const std::string& file, bool privileged) {
  Settings settings;
  settings.conduct.program = program_name;
  settings.conduct.socket = default_question_socket;
  settings.conduct.patience = {.absent = std::chrono::milliseconds(250),
                               .late = std::chrono::milliseconds(5000)};
  if (auto wrong = read_settings_file(file, settings)) return *wrong;

  const std::size_t end = end_of_own_options(words);
  for (std::size_t at = 1; at < end; at++) {
    const std::string& word = words[at];
    if (privileged) {
      return Ending{EX_USAGE, "MO0507: " + word +
                                  ": it runs with more rights than who started it, and takes no "
                                  "options of its own then; write them into " +
                                  file};
    }
    const std::string_view option = std::string_view(word).substr(option_prefix.size());
    const std::size_t equals = std::min(option.find('='), option.size());
    const std::string_view value = option.substr(std::min(equals + 1, option.size()));
    if (auto wrong = take(option.substr(0, equals), value, word, EX_USAGE, settings)) return *wrong;
  }
  if (words.empty()) words.emplace_back(program_name);
  words.erase(words.begin() + 1, words.begin() + static_cast<std::ptrdiff_t>(end));
  settings.words = std::move(words);
  if (auto wrong = find_real_program(settings)) return *wrong;
  return settings;
}

}  // namespace mailorigin::submit

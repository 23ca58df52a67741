// mailorigin-sendmail: stands in for the mail server's sendmail, and asks mailorigind
// before the real one gets a message.
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/mail/sendmail_options.h"
#include "submit/real_program.h"
#include "submit/sending.h"
#include "submit/settings.h"
#include "submit/streams.h"
#include "submit/task.h"

namespace mailorigin::submit {

namespace {

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Under a name that another program has, the real one might do what is not asked about.
void keep_to_known_names(std::string& name) {
  if (base_name(name) != "sendmail" && !is_other_name(base_name(name))) name = "sendmail";
}

Ending run(std::vector<std::string> words) {
  const bool privileged = getauxval(AT_SECURE) != 0;
  auto read = read_settings(std::move(words), MAILORIGIN_SENDMAIL_CONF, privileged);
  if (auto* const wrong = std::get_if<Ending>(&read)) return *wrong;
  Settings& settings = std::get<Settings>(read);
  if (passes() >= passes_limit) {
    return {EX_CONFIG, "MO0514: not sent: " + settings.real + " starts this program again"};
  }
  keep_to_known_names(settings.words.front());
  const std::vector<std::string> arguments(settings.words.begin() + 1, settings.words.end());
  switch (task_of(base_name(settings.words.front()), read_sendmail_options(arguments))) {
    case Task::message:
      return send_message(settings);
    case Task::dialogue:
      return carry_dialogue(settings, false);
    case Task::batch:
      return carry_dialogue(settings, true);
    case Task::probe:
      return send_probe(settings);
    case Task::none:
      // nullmailer takes some of these for a message, and its header for the recipients.
      return become_reading({settings.real, settings.words}, {});
    case Task::test:
      return become({settings.real, settings.words});
    case Task::unclear:
      break;
  }
  return {EX_USAGE,
          "MO0508: not sent: what -b asks for depends on the mail server; give it once, "
          "with its letter in the same word, and no option without its value before it"};
}

}  // namespace

}  // namespace mailorigin::submit

int main(int argc, char** argv) {
  using namespace mailorigin::submit;
  if (!open_standard_streams()) return EX_OSERR;
  const Ending ending = run({argv, argv + argc});
  if (!ending.text.empty()) {
    std::fprintf(stderr, "%s: %s\n", program_name, ending.text.c_str());
  }
  return ending.status;
}

#include "submit/task.h"

namespace mailorigin::submit {

bool is_other_name(std::string_view name) { return name == "mailq" || name == "newaliases"; }

Task task_of(std::string_view name, const SendmailOptions& options) {
  if (!options.mode_is_sure) return Task::unclear;
  char mode = options.mode.value_or('m');
  if (!options.mode && is_other_name(name)) mode = name == "mailq" ? 'p' : 'i';
  switch (mode) {
    case 'm':
    case 'n':  // Exim's -bnq is -bm
      return Task::message;
    case 's':
      return Task::dialogue;
    case 'S':
      return Task::batch;
    case 'v':
      return Task::probe;
    case 'a':  // of Sendmail 5: replies of another protocol
      return Task::unclear;
    default:
      break;
  }
  const bool nobody = options.recipients.empty() && !options.recipients_from_header;
  if (!nobody) return Task::message;
  return std::string_view("pqidD").find(mode) != std::string_view::npos ? Task::none : Task::test;
}

}  // namespace mailorigin::submit

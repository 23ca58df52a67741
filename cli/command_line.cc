#include "cli/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace mailorigin::cli {

namespace {

constexpr std::size_t name_width = 21;
constexpr std::size_t usage_width = 40;  // beside the rest of the line

// "--runtime-dir DIR", "VHOST".
std::string name_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true);
  const bool takes_value = option.get_items_expected_max() > 0;
  return "--" + option.get_lnames().front() + (takes_value ? ' ' + option.get_type_name() : "");
}

std::string entry(const std::string& name, const std::string& description) {
  std::string out = "  " + name;
  if (description.empty()) return out + '\n';
  out.append(name.size() < name_width ? name_width - name.size() : 0, ' ');
  return out + ' ' + description + '\n';
}

// All but --help and --version.
std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  return app.get_options([&](const CLI::Option* option) {
    return option != app.get_help_ptr() && option != app.get_version_ptr();
  });
}

std::string options_help(const CLI::App& app) {
  std::string out;
  for (const CLI::Option* option : options_of(app)) {
    out += entry(name_of(*option), option->get_description());
  }
  return out;
}

// " [VHOST]", " PATH", " [--remove]": what belongs to this command alone; where that takes more
// than `room`, what has no dashes: the rest is listed under the command's own --help.
std::string own_arguments(const CLI::App& app, std::size_t room) {
  std::string all;
  std::string without_dashes;
  for (const CLI::Option* option : options_of(app)) {
    const std::string name = name_of(*option);
    const std::string each = option->get_required() ? ' ' + name : " [" + name + ']';
    all += each;
    if (option->get_positional()) without_dashes += each;
  }
  return all.size() <= room ? all : without_dashes;
}

std::string example(const char* line) { return std::string("\nExample:\n  ") + line + '\n'; }

std::string help_of(const CLI::App& program, const CLI::App& app, const Command& command) {
  return std::string("usage: mailorigin ") + command.name + own_arguments(app, usage_width) +
         " [options]\n\n  " + command.description + "\n\n" + options_help(app) +
         options_help(program) + example(command.example);
}

std::string help_of_all(const CLI::App& program, std::span<const Command* const> commands) {
  std::string out = "usage: mailorigin [options] COMMAND\n\n";
  for (const Command* command : commands) {
    // In the column of the names, so that the descriptions are in one, too.
    const std::size_t room = name_width - std::min(name_width, std::strlen(command->name) + 2);
    out += entry(command->name + own_arguments(*program.get_subcommand(command->name), room),
                 command->description);
  }
  out += '\n' + options_help(program) + entry("--version", "") +
         entry("COMMAND --help", "more of each") +
         "\nExit status: 0 all is well, or found; 1 something is to be done, or not found;\n"
         "2 usage.\n";
  return out + (commands.empty() ? "" : example(commands[0]->example));
}

std::string names_of(std::span<const Command* const> commands) {
  std::string out;
  for (const Command* command : commands)
    out += (out.empty() ? "" : ", ") + std::string(command->name);
  return out;
}

// `word` is nothing that was expected where it stands; `command` may be null.
std::string unexpected(const std::string& word, const CLI::App& program, const CLI::App* command,
                       std::span<const Command* const> commands) {
  const bool is_option = word.size() > 1 && word[0] == '-';
  if (is_option) {
    for (const Command* other : commands) {
      const bool known = program.get_subcommand(other->name)->get_option_no_throw(word) != nullptr;
      if (known) return word + " belongs to " + other->name;
    }
    return '\'' + word + "' is not an option";
  }
  if (command == nullptr) return '\'' + word + "' is none of " + names_of(commands);
  return '\'' + word + "' is one argument too many";
}

}  // namespace

CommandLine parse_command_line(std::span<const Command* const> commands, int count,
                               const char* const arguments[]) {
  CommandLine line;
  CLI::App program;
  program.set_help_flag("--help");
  program.add_flag("--json", line.common.json, "the same facts as JSON")->disable_flag_override();
  program
      .add_option("--runtime-dir", line.common.runtime_directory,
                  "MailOriginRuntimeDir (" + line.common.runtime_directory + ')')
      ->type_name("DIR")
      ->take_last()
      ->check([](const std::string& path) {
        return path.starts_with('/') ? "" : "must be an absolute path";
      });
  program.set_version_flag("--version", "mailorigin " MAILORIGIN_VERSION "\n");
  // What is left over is told in words of ours.
  program.allow_extras();
  program.require_subcommand(0, 1);
  std::vector<Run> runs;
  for (const Command* command : commands) {
    CLI::App* const app = program.add_subcommand(command->name, command->description);
    app->set_help_flag("--help");
    app->allow_extras();
    app->fallthrough();
    runs.push_back(command->add_options(*app));
  }

  const auto chosen = [&]() -> const CLI::App* {
    const auto parsed =
        std::as_const(program).get_subcommands([](const CLI::App* app) { return app->parsed(); });
    return parsed.empty() ? nullptr : parsed[0];
  };
  const auto index_of = [&](const CLI::App* app) {
    std::size_t i = 0;
    while (app->get_name() != commands[i]->name) i++;
    return i;
  };
  const auto usage = [&] {
    const CLI::App* const app = chosen();
    return app == nullptr ? help_of_all(program, commands)
                          : help_of(program, *app, *commands[index_of(app)]);
  };
  try {
    program.parse(count, arguments);
    const CLI::App* const app = chosen();
    const auto left = program.remaining(true);
    if (!left.empty()) {
      line.error = unexpected(left[0], program, app, commands);
    } else if (app == nullptr) {
      line.error = "a command is missing: " + names_of(commands);
    } else {
      line.run = runs[index_of(app)];
    }
  } catch (const CLI::CallForHelp&) {
    line.text = usage();
  } catch (const CLI::CallForVersion& version) {
    line.text = version.what();
  } catch (const CLI::ParseError& error) {
    line.error = error.what();
  }
  if (!line.error.empty()) line.text = usage();
  return line;
}

}  // namespace mailorigin::cli

#include "mod_mailorigin/php_values.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "core/text.h"

namespace mailorigin::httpd {

namespace {

enum class Form { name_then_value, names, assignments, flags };

struct Directive {
  std::string_view name;
  Form form;
  std::size_t skipped;  // arguments ahead of those that count
};

constexpr Directive directives[] = {
    {"SetEnv", Form::name_then_value, 0},         {"PassEnv", Form::names, 0},
    {"SetEnvIf", Form::assignments, 2},           {"SetEnvIfNoCase", Form::assignments, 2},
    {"SetEnvIfExpr", Form::assignments, 1},       {"BrowserMatch", Form::assignments, 1},
    {"BrowserMatchNoCase", Form::assignments, 1}, {"RewriteRule", Form::flags, 2},
};

const Directive* find(std::string_view name) {
  const auto* const found = std::find_if(
      std::begin(directives), std::end(directives),
      [&](const Directive& directive) { return equal_ignoring_case(directive.name, name); });
  return found == std::end(directives) ? nullptr : found;
}

void add(std::vector<PhpValue>& values, std::string_view name, std::string_view value) {
  for (const std::string_view known : php_value_names) {
    if (equal_ignoring_case(name, known)) values.emplace_back(known, value);
  }
}

// `text` is NAME, a separator and a value.
void add_assignment(std::vector<PhpValue>& values, std::string_view text, char separator,
                    std::string_view references) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return;
  const std::string_view value = text.substr(at + 1);
  if (value.find_first_of(references) == std::string_view::npos) {
    add(values, text.substr(0, at), value);
  }
}

// "[L,E=NAME:value,QSA]"
void add_flags(std::vector<PhpValue>& values, std::string_view flags) {
  if (!flags.starts_with('[') || !flags.ends_with(']')) return;
  flags = flags.substr(1, flags.size() - 2);
  while (!flags.empty()) {
    std::string_view flag = flags.substr(0, flags.find(','));
    flags.remove_prefix(std::min(flag.size() + 1, flags.size()));
    flag.remove_prefix(std::min(flag.find_first_not_of(" \t"), flag.size()));
    const auto equals = flag.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = flag.substr(0, equals);
    if (equal_ignoring_case(name, "E") || equal_ignoring_case(name, "env")) {
      add_assignment(values, flag.substr(equals + 1), ':', "$%");
    }
  }
}

}  // namespace

bool may_set_php_values(std::string_view directive) { return find(directive) != nullptr; }

std::vector<PhpValue> php_values_of(std::string_view directive,
                                    const std::vector<std::string>& arguments) {
  std::vector<PhpValue> values;
  const Directive* const known = find(directive);
  if (known == nullptr || arguments.size() <= known->skipped) return values;
  switch (known->form) {
    case Form::name_then_value:
      add(values, arguments[0], arguments.size() > 1 ? arguments[1] : "");
      break;
    case Form::names:
      for (const std::string& name : arguments) {
        if (const char* value = std::getenv(name.c_str())) add(values, name, value);
      }
      break;
    case Form::assignments:
      for (std::size_t i = known->skipped; i < arguments.size(); i++) {
        add_assignment(values, arguments[i], '=', "$");
      }
      break;
    case Form::flags:
      add_flags(values, arguments[known->skipped]);
      break;
  }
  return values;
}

}  // namespace mailorigin::httpd

#include "mod_mailorigin/general_directives.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "core/format.h"
#include "mod_mailorigin/directive.h"

namespace mailorigin::httpd {

namespace {

constexpr const char* default_header_format = "%{id}";

const char* set_switch(cmd_parms* cmd, std::optional<bool>& field, const char* argument) {
  const auto value = parse_switch(argument);
  if (!value) return wrong(cmd, value.error().message);
  field = *value;
  return nullptr;
}

const char* add_header_rule(const cmd_parms* cmd, const char* name, const char* format) {
  auto& headers = ensure(cmd, target_of(cmd).headers);
  const auto other = std::find_if(headers.begin(), headers.end(), [&](const HeaderRule& rule) {
    return strcasecmp(rule.name.c_str(), name) == 0;
  });
  if (other == headers.end()) {
    headers.push_back({name, format});
  } else if (other->format != format) {  // the same may be in mailorigin.conf and in another file
    return wrong(cmd, "'" + std::string(name) + "' is given twice, first as \"" + other->format +
                          "\"; each line needs a name of its own");
  }
  return nullptr;
}

}  // namespace

// MailOrigin
const char* set_enabled(cmd_parms* cmd, const char* argument) {
  return set_switch(cmd, target_of(cmd).enabled, argument);
}

// MailOriginStrict
const char* set_strict(cmd_parms* cmd, const char* argument) {
  return set_switch(cmd, target_of(cmd).strict, argument);
}

// MailOriginRunAs
const char* set_run_as(cmd_parms* cmd, const char* argument) {
  Users& users = users_of(cmd->pool);
  const bool is_owner = strcasecmp(argument, "owner") == 0;
  RunAs run_as{is_owner, {}, apr_pstrdup(cmd->pool, argument), place_of(cmd)};
  // A customer's account that is gone must not take all the others' hosts with it.
  if (!is_owner && (!could_be_user(argument) || users.uid_of(argument))) {
    const auto uid = parse_user(argument, users);
    if (!uid) return wrong(cmd, uid.error().message);
    run_as.uid = *uid;
  }
  target_of(cmd).run_as = run_as;
  return nullptr;
}

// MailOriginHeader
const char* add_header(cmd_parms* cmd, const char* name, const char* format) {
  if (format == nullptr) {
    if (strcasecmp(name, "on") == 0) {
      return add_header_rule(cmd, default_header_name, default_header_format);
    }
    if (strcasecmp(name, "off") == 0 || strcasecmp(name, "none") == 0) {
      ensure(cmd, target_of(cmd).headers).clear();
      return nullptr;
    }
    return wrong(cmd, "'" + std::string(name) +
                          "' is neither On, Off nor none, nor a header's "
                          "name followed by its \"format\"");
  }
  for (const char* word : {"on", "off", "none"}) {
    if (strcasecmp(name, word) == 0) {
      return wrong(cmd, "'" + std::string(name) +
                            "' takes no format; a header's name stands before one, such as "
                            "X-Mail-Origin");
    }
  }
  if (const Status checked = check_header_name(name); !checked) {
    return wrong(cmd, checked.error().message);
  }
  if (const auto parsed = Format::parse(format); !parsed) {
    return wrong(cmd, parsed.error().message);
  }
  return add_header_rule(cmd, name, format);
}

}  // namespace mailorigin::httpd

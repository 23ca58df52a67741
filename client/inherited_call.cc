#include "client/inherited_call.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/base64url.h"
#include "core/name_values.h"

namespace mailorigin::client {

namespace {

constexpr Field call_fields[] = {
    Field::function, Field::entry, Field::file, Field::line, Field::caller,
    Field::stack,    Field::eval,  Field::sapi, Field::pool,
};

constexpr std::string_view script_name = "script";
constexpr std::string_view cut_name = "scripts_cut";

}  // namespace

std::string encode_call(const Question& question) {
  Event call;
  for (const Field field : call_fields) call.set(field, question.claims.get(field));
  std::string pairs;
  append_event(pairs, call);
  NameValueWriter writer(pairs);
  for (const std::string& script : question.scripts) writer.add(script_name, script);
  if (question.scripts_cut) writer.add(cut_name, std::uint64_t{1});
  return base64url_encode(pairs);
}

void decode_call(std::string_view text, Question& question) {
  if (text.empty() || text.size() > call_text_limit) return;
  const auto pairs = base64url_decode(text);
  if (!pairs) return;
  Question called;
  std::size_t room = scripts_limit;
  const Status read = each_pair("call", *pairs, [&](std::string_view name, std::string_view value) {
    if (name == cut_name) return called.scripts_cut = value == "1";
    if (name == script_name) {
      called.scripts.emplace_back(value);
      room -= std::min(room, value.size());
      return room > 0;
    }
    const auto field = field_named(name);
    if (!field || std::find(std::begin(call_fields), std::end(call_fields), *field) ==
                      std::end(call_fields)) {
      return false;
    }
    called.claims.set(*field, value);
    return true;
  });
  if (!read) return;
  for (const Field field : call_fields) question.claims.set(field, called.claims.get(field));
  question.scripts = std::move(called.scripts);
  question.scripts_cut = called.scripts_cut;
}

}  // namespace mailorigin::client

#include "core/event.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "core/name_values.h"

namespace mailorigin {
namespace {

TEST(Event, FindsEveryFieldByItsName) {
  for (std::size_t i = 0; i < field_count; i++) {
    const auto field = static_cast<Field>(i);
    EXPECT_EQ(field_named(info(field).name), field);
  }
  EXPECT_FALSE(field_named(""));
  EXPECT_FALSE(field_named("password"));
  EXPECT_EQ(info(Field::detached).name, "detached");
  EXPECT_EQ(info(Field::uri).name, "uri");
}

TEST(Event, CutsLongTextAndMarksIt) {
  Event event;
  event.set(Field::subject, std::string(100'000, 's'));
  EXPECT_EQ(event.get(Field::subject).size(), info(Field::subject).limit);
  EXPECT_EQ(event.get(Field::truncated), "true");
}

TEST(Event, DropsNumbersAndBooleansThatAreNone) {
  Event event;
  event.set(Field::line, "12; DROP");
  event.set(Field::eval, "maybe");
  EXPECT_FALSE(event.has(Field::line));
  EXPECT_FALSE(event.has(Field::eval));
  event.set(Field::line, "12");
  event.set(Field::eval, "true");
  EXPECT_EQ(event.get(Field::line), "12");
  EXPECT_TRUE(event.has(Field::eval));
}

TEST(Event, SurvivesItsEncoding) {
  Event event;
  for (std::size_t i = 0; i < field_count; i++) {
    const auto field = static_cast<Field>(i);
    if (info(field).type == FieldType::text) event.set(field, std::string("v\0\n", 3));
    if (info(field).type == FieldType::number) event.set(field, std::uint64_t{i});
    if (info(field).type == FieldType::boolean) event.set(field, true);
  }
  std::string bytes;
  append_event(bytes, event);
  Event read;
  NameValueReader reader(bytes);
  while (const auto pair = reader.next()) read.set(*field_named(pair->name), pair->value);
  EXPECT_EQ(read, event);
}

TEST(Rfc3339, HasMilliseconds) {
  EXPECT_EQ(rfc3339(1'795'262'400'123), "2026-11-21T12:00:00.123Z");
  EXPECT_EQ(parse_rfc3339("2026-11-21T12:00:00.123Z"), 1'795'262'400'123U);
  for (const char* text : {"", "2026-11-21T12:00:00Z", "2026-11-21 12:00:00.123Z",
                           "2026-11-21T12:00:00.123+", "20x6-11-21T12:00:00.123Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

}  // namespace
}  // namespace mailorigin

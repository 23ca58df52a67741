#include "client/header_fields.h"

#include <gtest/gtest.h>

#include <string>

namespace mailorigin::client {
namespace {

TEST(UsableFields, HaveNamesAndOneLineOfValue) {
  const HeaderFields given = {{"X-Mail-Origin", "01\r\nBcc: a@x.test"},
                              {"Bad Name", "1"},
                              {"Bad:Name", "1"},
                              {"", "1"},
                              {std::string(77, 'n'), "1"},
                              {"X-\xc3\xa9", "1"}};
  const HeaderFields expected = {{"X-Mail-Origin", "01  Bcc: a@x.test"}};
  EXPECT_EQ(usable_fields(given), expected);
}

TEST(UsableFields, ComeOnceAndAreNotTheMailsOwn) {
  const HeaderFields given = {{"X-A", "1"}, {"x-a", "2"}, {"to", "a@x.test"}, {"SUBJECT", "s"}};
  const HeaderFields expected = {{"X-A", "1"}};
  EXPECT_EQ(usable_fields(given), expected);
}

TEST(WithFieldsInFront, ReplacesTheMailsOwnCopies) {
  EXPECT_EQ(
      with_fields_in_front({{"X-Mail-Origin", "01"}},
                           "From: a@x.test\nx-mail-origin : forged\n folded\nCc: b@x.test", "\n"),
      "X-Mail-Origin: 01\nFrom: a@x.test\nCc: b@x.test");
}

TEST(WithFieldsInFront, LeavesNoLineEndWhereACopyStoodLast) {
  EXPECT_EQ(with_fields_in_front({{"X-A", "1"}}, "From: a@x.test\r\nX-A: forged", "\r\n"),
            "X-A: 1\r\nFrom: a@x.test");
  EXPECT_EQ(with_fields_in_front({{"X-A", "1"}}, "X-A: forged", "\r\n"), "X-A: 1");
}

TEST(WithFieldsInFront, IsNotContinuedByTheMailsFirstLine) {
  EXPECT_EQ(with_fields_in_front({{"X-A", "1"}}, " \t forged\nB: 2", "\n"), "X-A: 1\nforged\nB: 2");
  EXPECT_EQ(with_fields_in_front({{"X-A", "1"}, {"X-B", "2"}}, "", "\n"), "X-A: 1\nX-B: 2");
}

}  // namespace
}  // namespace mailorigin::client

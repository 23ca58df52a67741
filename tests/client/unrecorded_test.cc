#include "client/unrecorded.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace mailorigin::client {
namespace {

TEST(UnrecordedLine, TellsWhereTheMailComesFrom) {
  Event claims;
  claims.set(Field::function, "mail");
  claims.set(Field::file, "/srv/shop/send.php");
  claims.set(Field::line, std::uint64_t{12});
  claims.set(Field::caller, "/srv/shop/form.php:3");
  claims.set(Field::to, "a@x.test");
  EXPECT_EQ(unrecorded_line(claims, "no daemon"),
            "MO0301: mail left unrecorded: uid=" + std::to_string(getuid()) +
                " function=\"mail\" file=\"/srv/shop/send.php:12\" cause=\"no daemon\""
                " caller=\"/srv/shop/form.php:3\" to=\"a@x.test\"");
}

TEST(UnrecordedLine, KeepsEachValueInItsQuotes) {
  Event claims;
  claims.set(Field::subject, "a\" to=\"b\nMO0301: c");
  EXPECT_NE(unrecorded_line(claims, "").find(R"(subject="a\" to=\"b MO0301: c")"),
            std::string::npos);
}

}  // namespace
}  // namespace mailorigin::client

#include "milter/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mailorigin::milter {
namespace {

Result<Options> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "mailorigin-milter");
  return parse_options(static_cast<int>(words.size()), words.data());
}

TEST(Options, OfASocket) {
  const auto options = parse({"--listen", "/run/x/milter.sock", "--mode", "0600", "--user", "#1000",
                              "--on-failure", "hold"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->mode, 0600U);
  EXPECT_EQ(options->on_failure, OnFailure::hold);
  EXPECT_EQ(options->mail_user, "postfix");
  EXPECT_FALSE(options->port());
}

TEST(Options, OfAPort) {
  const auto options = parse({"--listen=inet:8899", "--user=#1000"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->port(), 8899);
}

TEST(Options, ThatAreWrong) {
  for (const auto& words : std::vector<std::vector<const char*>>{
           {},
           {"--user", "#1"},
           {"--user", "#1", "--listen", "relative"},
           {"--user", "#1", "--listen", "inet:0"},
           {"--user", "#1", "--listen", "inet:x"},
           {"--user", "#1", "--listen", "/x", "--mode", "9"},
           {"--user", "#1", "--listen", "/x", "--mode", "77777"},
           {"--user", "#1", "--listen", "/x", "--on-failure", "deny"},
           {"--user", "#1", "--listen", "/x", "--mail-log", "x"},
           {"--user", "#1", "--listen", "/x", "--daemon-socket", "x"}}) {
    EXPECT_FALSE(parse(words));
  }
}

}  // namespace
}  // namespace mailorigin::milter

#include "mod_mailorigin/deputy_cause.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mailorigin::httpd {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

// "file:line", "file" or nothing.
std::string cause(const Files& files, const char* host = "127.0.0.1", std::uint16_t port = 25) {
  CauseSearch search(host, port);
  for (const auto& [name, text] : files) search.read(name, text);
  const std::string file(search.file());
  if (search.line() == 0) return file;
  return file + ':' + std::to_string(search.line());
}

TEST(CauseSearch, FindsTheLineThatNamesTheDestination) {
  EXPECT_EQ(cause({{"a", "Options -Indexes\nSetHandler \"proxy:fcgi://127.0.0.1:25\"\n"}}), "a:2");
  EXPECT_EQ(cause({{"a", "RewriteEngine On\r\n\r\n RewriteRule . http://127.0.0.1:25/x [P]"}}),
            "a:3");
  EXPECT_EQ(cause({{"a", "AuthLDAPURL \"ldap://127.0.0.1:1 [::1]:25/dc=x?uid\""}}, "::1"), "a:1");
  EXPECT_EQ(cause({{"a", "SetHandler proxy:fcgi://Mail.Example:25"}}, "mail.example"), "a:1");
}

TEST(CauseSearch, TheLikestCounts) {
  EXPECT_EQ(cause({{"a",
                    "SetHandler proxy:fcgi://127.0.0.1:2525\nSetHandler proxy:fcgi://127.0.0.1:25\n"
                    "SetHandler proxy:fcgi://127.0.0.1:9000\n"}}),
            "a:2");
  EXPECT_EQ(cause({{"a", "SetHandler proxy:fcgi://x\nSetHandler proxy:ajp://127.0.0.1\n"}}), "a:2");
  EXPECT_EQ(cause({{"a", "SetEnv TO 127.0.0.1:25\nSetHandler proxy:fcgi://127.0.0.1\n"}}), "a:1");
  EXPECT_EQ(cause({{"a",
                    "SetHandler proxy:fcgi://127.0.0.11:25\nSetHandler proxy:fcgi://x127.0.0.1:25\n"
                    "SetHandler proxy:fcgi://127.0.0.1\n"}}),
            "a:3");
}

TEST(CauseSearch, KnowsWhatMayLeadAnywhere) {
  EXPECT_EQ(cause({{"a", "Options None\nRewriteRule . balancer://all/x [L,P]\n"}}), "a:2");
  EXPECT_EQ(
      cause({{"a",
              "RewriteRule . %{QUERY_STRING} [PT]\nRewriteRule . %{QUERY_STRING} [NC,proxy]\n"}}),
      "a:2");
  EXPECT_EQ(cause({{"a", "SetHandler \"proxy:%{ENV:X}\"\n"}}), "a:1");
  EXPECT_EQ(cause({{"a", "# SetHandler proxy:fcgi://127.0.0.1:25\nRequire all granted\n"}}), "");
}

TEST(CauseSearch, FindsTheFlagAmongOthersAndBrackets) {
  for (const char* flags :
       {"[P,E=a:[b]", "[E=a:],P]", "\"[L, P]\"", "[P,E=a:[b],L]", "[ proxy ,L]"}) {
    EXPECT_EQ(cause({{"a", std::string("RewriteRule [a-z] %{HTTP:To} ") + flags}}), "a:1") << flags;
  }
  EXPECT_EQ(cause({{"a", "RewriteRule [p] x [L,PT]"}}), "");
  EXPECT_EQ(cause({{"a", "RewriteRule x p [L,PT]"}}), "");
}

TEST(CauseSearch, AClientsAddressIsNoCause) {
  EXPECT_EQ(cause({{"a", "Require ip 127.0.0.1\nRewriteRule . %{HTTP:To} [P]\n"}}), "a:2");
  EXPECT_EQ(cause({{"a", "Require ip 127.0.0.1\nSetHandler \"%{reqenv:TO}\"\n"}}), "");
}

// Whoever writes one of them may not write the other.
TEST(CauseSearch, DoesNotTakeAnothersFileForAHiddenLines) {
  const std::string hidden = "SetHandler \"%{reqenv:TO}\"\n";
  for (const char* others : {"Require ip 127.0.0.1\n", "SetHandler proxy:fcgi://127.0.0.1:9000\n",
                             "RewriteRule ^app balancer://app/ [P]\n",
                             "Require expr \"%{HTTP_HOST} != '127.0.0.1:25'\"\n"}) {
    EXPECT_EQ(cause({{"others", others}, {"own", hidden}}), "") << others;
    EXPECT_EQ(cause({{"own", hidden}, {"others", others}}), "") << others;
    EXPECT_EQ(cause({{"others", others}, {"own", "SetHandler proxy:fcgi://127.0.0.1:25\n"}}),
              "own:1")
        << others;
  }
}

TEST(CauseSearch, DoesNotGuess) {
  const std::string text = "SetHandler proxy:fcgi://127.0.0.1:25\n";
  EXPECT_EQ(cause({{"a", text + text}}), "a");
  EXPECT_EQ(cause({{"a", text}, {"b", text}}), "");
  EXPECT_EQ(
      cause({{"a",
              "RewriteRule x http://127.0.0.1:25/a [P]\nRewriteRule y http://127.0.0.1:25/b [P]\n"
              "RewriteRule z http://127.0.0.1:25/c [P]\n"}}),
      "a");
  EXPECT_EQ(cause({}), "");
}

TEST(CauseSearch, AContinuedLineBeginsWhereItBegins) {
  EXPECT_EQ(
      cause({{"a", "Options None\n\tSetHandler \\\n  proxy:fcgi://127.0.0.1:25\nOptions None\n"}}),
      "a:2");
  EXPECT_EQ(cause({{"a", "SetHandler proxy:fcgi://127.0.0.1:25\\"}}), "a:1");
}

}  // namespace
}  // namespace mailorigin::httpd

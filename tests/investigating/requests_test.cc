// The requests for a file in access logs.
#include "investigating/requests.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailorigin::investigating {

namespace {

Requests found(const std::string& lines, std::vector<std::string> paths = {"/up/x.php"}) {
  RequestSearch search(std::move(paths));
  search.add(lines);
  return search.take();
}

std::string line(const std::string& request, const std::string& rest = "\"-\" \"Agent\"") {
  return "192.0.2.7 - - [21/Nov/2026:12:00:00 +0000] \"" + request + "\" 200 5 " + rest + '\n';
}

TEST(RequestSearch, FindsAPathHoweverItIsWritten) {
  for (const char* request :
       {"GET /up/x.php HTTP/1.1", "POST /up/x.php?a=/b HTTP/1.1", "GET //up/./x.php HTTP/1.1",
        "GET /a/../up/x.php HTTP/1.1", "GET /up/x.php/more?b HTTP/1.1", "GET /up/%78.php HTTP/1.1",
        "GET /%75p/x.php HTTP/1.1", "GET /up/x%2ephp HTTP/1.1", "GET /up/x.php",
        "GET http://shop.example/up/x.php HTTP/1.1"}) {
    EXPECT_EQ(found(line(request)).count, 1U) << request;
  }
  // With a format of its own.
  EXPECT_EQ(found("01KBA1C2D3E4F5G6H7J8K9MNPQ 192.0.2.7 200 \"GET /up/x.php HTTP/1.1\"\n").count,
            1U);
  EXPECT_EQ(found("192.0.2.7 /up/x.php 200\n").count, 1U);
  EXPECT_EQ(found("192.0.2.7 /up/x.php").count, 1U);
}

TEST(RequestSearch, FindsNothingElse) {
  for (const std::string& other :
       {line("GET /x.php HTTP/1.1"), line("GET /up/xx.php HTTP/1.1"),
        line("GET /up/x.phpx HTTP/1.1"), line("GET /other/up/x.php HTTP/1.1"),
        line("GET /?f=/up/x.php HTTP/1.1"), line("GET /up/../x.php HTTP/1.1"),
        line("GET / HTTP/1.1", "\"http://shop.example/up/x.php\" \"A\""),
        line("GET / HTTP/1.1", "\"-\" \"GET /up/x.php HTTP/1.1\""),
        line("GET / HTTP/1.1", "\"-\" \"/up/x.php /up/%78.php\""), line("GET /%78%78%78 HTTP/1.1"),
        std::string("/up/x.ph\n"), std::string("%7\n%\n"), std::string("\n\n")}) {
    EXPECT_EQ(found(other).count, 0U) << other;
  }
}

TEST(RequestSearch, FindsNamesThatAreEscaped) {
  EXPECT_EQ(found(line("GET /a%20b.php HTTP/1.1"), {"/a b.php"}).count, 1U);
  EXPECT_EQ(found(line("GET /%C3%A4.php HTTP/1.1"), {"/\xc3\xa4.php"}).count, 1U);
  EXPECT_EQ(found(line("GET /\\xc3\\xa4.php HTTP/1.1"), {"/\xc3\xa4.php"}).count, 1U);
  EXPECT_EQ(found(line("GET /a\\\"b.php HTTP/1.1"), {"/a\"b.php"}).count, 1U);
  EXPECT_EQ(found(line("GET /a%0Ab.php HTTP/1.1"), {"/a\nb.php"}).count, 1U);
}

TEST(RequestSearch, TellsFirstLastAndClients) {
  const std::string lines =
      "192.0.2.8 - - [21/Nov/2026:12:00:01 +0000] \"GET /up/x.php HTTP/1.1\" 200 5\n"
      "2001:db8::1 - - [21/Nov/2026:13:59:59 +0200] \"GET /up/x.php HTTP/1.1\" 200 5\n"
      "192.0.2.8 - - [21/Nov/2026:12:00:09 +0000] \"GET /up/%78.php HTTP/1.1\" 200 5\n"
      "192.0.2.9 - - [21/Nov/2026:12:00:09 +0000] \"GET /y.php HTTP/1.1\" 200 5\n";
  const Requests requests = found(lines);
  EXPECT_EQ(requests.count, 3U);
  EXPECT_EQ(requests.first.substr(0, 11), "2001:db8::1");
  EXPECT_NE(requests.last.find("/up/%78.php"), std::string::npos) << requests.last;
  ASSERT_EQ(requests.clients.size(), 2U);
  EXPECT_EQ(requests.clients[0].first, "192.0.2.8");
  EXPECT_EQ(requests.clients[0].second, 2U);
}

TEST(RequestSearch, KnowsAClientBehindAName) {
  const std::string request = "- - [21/Nov/2026:12:00:00 +0000] \"GET /up/x.php HTTP/1.1\" 200 5\n";
  const Requests requests = found("shop.example " + request + "shop.example 192.0.2.7 " + request +
                                  "192.0.2.7 " + request);
  ASSERT_EQ(requests.clients.size(), 2U);
  EXPECT_EQ(requests.clients[0], std::pair(std::string("192.0.2.7"), std::uint64_t{2}));
  EXPECT_EQ(requests.clients[1], std::pair(std::string("shop.example"), std::uint64_t{1}));
}

TEST(RequestSearch, CountsALineOnce) {
  const std::vector<std::string> paths = {"/up/x.php", "/up/y.php"};
  EXPECT_EQ(
      found(line("GET /up/x.php HTTP/1.1", "\"http://a/up/y.php\" \"/up/%78.php\""), paths).count,
      1U);
  EXPECT_EQ(found(line("GET /up/x.php?/up/y.php&/up/x.php&%78 HTTP/1.1"), paths).count, 1U);
}

TEST(RequestSearch, HoldsAgainstAnything) {
  EXPECT_EQ(found(std::string(100'000, '%')).count, 0U);
  EXPECT_EQ(found(std::string(100'000, '/') + "x.php").count, 0U);
  std::string dots = "GET ";
  for (int i = 0; i < 100'000; i++) dots += "/..";
  EXPECT_EQ(found(line(dots + "/x.php")).count, 0U);
  EXPECT_EQ(found("", {}).count, 0U);
  EXPECT_EQ(found(line("GET / HTTP/1.1"), {"/"}).count, 0U);
}

TEST(PlainPath, IsHttpds) {
  EXPECT_EQ(plain_path("/a//b/./c/../d?e#f"), "/a/b/d");
  EXPECT_EQ(plain_path("/a/"), "/a/");
  EXPECT_EQ(plain_path("/../.."), "/");
  EXPECT_EQ(plain_path("/%61%zz%4"), "/a%zz%4");
}

TEST(ClientOf, IsAnAddressOrTheFirstWord) {
  EXPECT_EQ(client_of("shop.example:80 192.0.2.7 - -"), "192.0.2.7");
  EXPECT_EQ(client_of("2001:db8::1 - -"), "2001:db8::1");
  EXPECT_EQ(client_of("host.example - -"), "host.example");
  EXPECT_EQ(client_of(""), "");
}

}  // namespace

}  // namespace mailorigin::investigating

#include "mod_mailorigin/code_request.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <tuple>

namespace mailorigin::httpd {
namespace {

TEST(CodeRunner, KnowsWhereCodeRuns) {
  const std::tuple<const char*, const char*, CodeRunner> cases[] = {
      {"", "/srv/a.html", CodeRunner::none},
      {"default-handler", "/srv/a.html", CodeRunner::none},
      {"proxy:unix:/run/p.sock|fcgi://localhost/", "/srv/a.php", CodeRunner::backend},
      {"proxy:fcgi://127.0.0.1:9000", "/srv/a.php", CodeRunner::backend},
      {"proxy-server", "proxy:fcgi://127.0.0.1:9000/srv/a.php", CodeRunner::backend},
      {"proxy-server", "proxy:uwsgi://127.0.0.1:9000/a", CodeRunner::backend},
      {"proxy-server", "proxy:balancer://pool/srv/a.php", CodeRunner::backend},
      {"proxy-server", "proxy:HTTP://other.example/", CodeRunner::none},
      {"proxy-server", "proxy:unix:/run/h.sock|http://localhost/", CodeRunner::none},
      {"proxy-server", "proxy:https://other.example/", CodeRunner::none},
      {"cgi-script", "/srv/a.cgi", CodeRunner::program},
      {"fcgid-script", "/srv/a.php", CodeRunner::program},
      {"application/x-httpd-php", "/srv/a.php", CodeRunner::inside},
  };
  for (const auto& [handler, filename, runner] : cases) {
    EXPECT_EQ(code_runner(handler, filename), runner) << handler << ' ' << filename;
  }
}

std::string entry(std::string_view filename, std::string_view path_info = "", bool encoded = false,
                  const std::string& file = "") {
  return entry_script(filename, path_info, encoded, [&](const std::string& path) {
    if (path == file) return Found::file;
    return file.starts_with(path + '/') ? Found::directory : Found::nothing;
  });
}

TEST(EntryScript, IsThePathThatPhpRuns) {
  EXPECT_EQ(entry("/srv/a.php"), "/srv/a.php");
  EXPECT_EQ(entry("proxy:fcgi://localhost//srv/a.php"), "/srv/a.php");
  EXPECT_EQ(entry("proxy:unix:/run/p.sock|fcgi://localhost/srv/a.php"), "/srv/a.php");
  EXPECT_EQ(entry("proxy:fcgi://h:9000/srv/a.php/more", "/more"), "/srv/a.php");
  EXPECT_EQ(entry("proxy:fcgi://h:9000/srv/a%20b.php", "", true), "/srv/a b.php");
  EXPECT_EQ(entry("proxy:fcgi://h:9000/srv/a%20b.php", "", false), "/srv/a%20b.php");
  EXPECT_EQ(entry("proxy:fcgi://h:9000/srv/a%2", "", true), "/srv/a%2");
}

TEST(EntryScript, IsTheSameForEveryPathInfoWhereHttpdSeesNoFile) {
  EXPECT_EQ(entry("proxy:fcgi://h/www/a.php"), "/www/a.php");
  EXPECT_EQ(entry("proxy:fcgi://h/www/a.php/1"), "/www/a.php");
  EXPECT_EQ(entry("proxy:fcgi://h/www/a.php/2/b.php/3"), "/www/a.php");
  EXPECT_EQ(entry("proxy:fcgi://h/www/a.b/c.phtml/d"), "/www/a.b/c.phtml");
  EXPECT_EQ(entry("proxy:fcgi://h/www/nothing/like/it"), "/www/nothing/like/it");
}

TEST(EntryScript, FindsWhereProxyPassMatchLeftPathInfo) {
  EXPECT_EQ(entry("proxy:fcgi://h:9000/srv/a.php/x/y", "", true, "/srv/a.php"), "/srv/a.php");
  EXPECT_EQ(entry("proxy:fcgi://h:9000/srv/x.php/a.php/y", "", true, "/srv/x.php/a.php"),
            "/srv/x.php/a.php");
  EXPECT_EQ(entry("proxy:fcgi://h:9000/srv/a.html/1", "", true, "/srv/a.html"), "/srv/a.html");
  EXPECT_EQ(entry("proxy:fcgi://h:9000/srv/shop/1", "", true, "/srv/shop"), "/srv/shop");
}

TEST(EntryScript, LooksAtWhatIsThereAlone) {
  unsigned looked = 0;
  const auto look = [&](const std::string&) {
    looked++;
    return Found::nothing;
  };
  std::string url = "proxy:fcgi://h/www";
  for (int i = 0; i < 1000; i++) url += "/x";
  EXPECT_EQ(entry_script(url, "", true, look).size(), url.size() - 14);
  EXPECT_EQ(looked, 2U);
}

TEST(EntryScript, IsOneNameHoweverManySlashesLeadToIt) {
  EXPECT_EQ(entry("/srv//www///a.php"), "/srv/www/a.php");
  EXPECT_EQ(entry("/srv/./www/././a.php"), "/srv/www/a.php");
  EXPECT_EQ(entry("/srv/.www/..a/a.php"), "/srv/.www/..a/a.php");
  EXPECT_EQ(entry("proxy:fcgi://localhost///srv//www//a.php//more", "//more"), "/srv/www/a.php");
  EXPECT_EQ(entry("proxy:fcgi://h/srv//www//a.php//x", "", true, "/srv/www/a.php"),
            "/srv/www/a.php");
}

TEST(MethodOf, IsTheRequestLines) {
  EXPECT_EQ(method_of("POST /a HTTP/1.1", "GET"), "POST");
  EXPECT_EQ(method_of("GET", "POST"), "GET");
  EXPECT_EQ(method_of("", "HEAD"), "HEAD");
}

}  // namespace
}  // namespace mailorigin::httpd

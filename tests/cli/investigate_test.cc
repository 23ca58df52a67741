// What investigate prints, whatever its report has.
#include "cli/investigate.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/output.h"
#include "cli/progress.h"

namespace mailorigin::cli {
namespace {

using nlohmann::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(InvestigateText, OfAFileThatIsGone) {
  const json report = {
      {"found", true},
      {"file", {{"path", "/srv/shop/x.php"}, {"vhost", "shop.example:443"}}},
      {"mail",
       {{"events", 5}, {"recipients", 7}, {"denied", 1}, {"claimed", 9}, {"first", "2026"}}},
      {"requests", {{"count", 0}}},
      {"advice", {"MailOriginSend deny"}}};
  const std::string text = investigate_text(report, Style(false));
  for (const char* part : {"is not there (any more)", "5 to 7 recipients, 1 of them refused",
                           "left out: 9 mails", "none in the access logs",
                           "<VirtualHost> of shop.example:443", "    MailOriginSend deny\n"}) {
    EXPECT_TRUE(has(text, part)) << part << " in\n" << text;
  }
  EXPECT_FALSE(has(text, "Logins"));
}

TEST(InvestigateText, OfAReportWithoutSense) {
  for (const json& report :
       {json::object(), json(nullptr), json{{"file", 7}, {"signs", {1, "none", nullptr}}},
        json{{"file", {{"path", "\033[2J"}, {"size", -1}}},
             {"logins", {1, {{"log", 5}}}},
             {"neighbours", {nullptr, "\n"}},
             {"unread", {{{"log", "\a"}}}},
             {"clamd", "yes"},
             {"requests", {{"count", 1}, {"clients", {7, {{"address", "\r"}}}}}}}}) {
    const std::string text = investigate_text(report, Style(false));
    EXPECT_FALSE(has(text, "\033") || has(text, "\a") || has(text, "\r")) << text;
  }
}

TEST(ProgressLine, FitsIntoTheColumns) {
  EXPECT_EQ(progress_line("a.log", 1, 2, 80), "[##########          ]  50% a.log");
  EXPECT_EQ(progress_line("a\033[2J", 3, 2, 80), "[####################] 100% a\\x1b[2J");
  EXPECT_EQ(progress_line("a.log", 0, 0, 10), "[########");
  EXPECT_EQ(progress_line("a.log", 0, 1, 0), "");
}

}  // namespace
}  // namespace mailorigin::cli

// What would stop a mail, as it is to be pasted.
#include <gtest/gtest.h>

#include <string>

#include "cli/report.h"

namespace mailorigin::cli {
namespace {

using nlohmann::json;

const json directives = {R"(MailOriginDenyScript "/old/")", R"(MailOriginDenyScript "^/srv/x$")",
                         "MailOriginSend hold", "MailOriginSend deny"};

TEST(AdviceText, GoesIntoTheVirtualHost) {
  const json report = {{"advice", directives},
                       {"place", {{"site", "shop.example"}, {"section", false}}}};
  EXPECT_EQ(advice_text(report, "shop.example:443", Style(false)),
            "\nTo stop it\n"
            "  for good, one of these in the <VirtualHost> of shop.example:443, then `apachectl "
            "graceful`:\n"
            "    MailOriginDenyScript \"/old/\"\n"
            "    MailOriginDenyScript \"^/srv/x$\"\n"
            "    MailOriginSend hold\n"
            "    MailOriginSend deny\n");
}

TEST(AdviceText, GoesIntoASectionWhereAPanelWritesTheVirtualHost) {
  const json report = {{"advice", directives},
                       {"place",
                        {{"site", "shop.example"},
                         {"section", true},
                         {"own", "/etc/httpd/conf.d"},
                         {"why", "Plesk writes it anew"}}}};
  EXPECT_EQ(advice_text(report, "shop.example:443", Style(false)),
            "\nTo stop it\n"
            "  for good, this in /etc/httpd/conf.d, since Plesk writes it anew; then `apachectl "
            "graceful`:\n"
            "    <MailOriginSite shop.example>\n"
            "        MailOriginDenyScript \"/old/\"\n"
            "        MailOriginDenyScript \"^/srv/x$\"\n"
            "        # or: MailOriginSend hold\n"
            "        # or: MailOriginSend deny\n"
            "    </MailOriginSite>\n");
}

TEST(AdviceText, WhatIsTheServersStandsInNoSection) {
  const json report = {
      {"advice", {"MailOriginFirewall On"}},
      {"place", {{"site", "shop.example"}, {"section", true}, {"why", "Plesk writes it anew"}}}};
  EXPECT_NE(advice_text(report, "shop.example:443", Style(false)).find("outside of any"),
            std::string::npos);
}

}  // namespace
}  // namespace mailorigin::cli

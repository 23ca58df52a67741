#include "reports/advice_place.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace mailorigin::reports {
namespace {

TEST(AdvicePlace, KnowsAPanelByWhereItsFilesAre) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"/etc/apache2/sites-enabled/100-shop.example.vhost:7", "ISPConfig"},
      {"/home/alice/conf/web/shop.example/apache2.conf:12", "HestiaCP"},
      {"/etc/apache2/conf/httpd.conf:900", "cPanel"},
      {"/var/www/vhosts/system/shop.example/conf/httpd.conf:1", "Plesk"},
      {"/etc/apache2/plesk.conf.d/vhosts/shop.example.conf:1", "Plesk"},
      {"/usr/local/directadmin/data/users/alice/httpd.conf", "DirectAdmin"},
      {"/etc/apache2/sites-enabled/shop.conf:1", ""},
      {"/home/alice/conf.d/shop.conf:1", ""},
      {"/srv/.vhost:1", ""},
      {"/", ""},
      {"", ""},
  };
  for (const auto& [file, panel] : cases) EXPECT_EQ(panel_of(file), panel) << file;
}

TEST(AdvicePlace, IsASectionWhereTheVirtualHostIsNotTheLastWord) {
  Policy policy;
  VhostPolicy& vhost = policy.vhosts.emplace_back();
  vhost.name = "shop.example:443";
  vhost.site = "shop.example";
  EXPECT_EQ(advice_place(&policy, "shop.example:443")["section"], false);
  EXPECT_FALSE(advice_place(&policy, "shop.example:443").contains("file"));
  vhost.place = "/etc/apache2/sites-enabled/shop.conf:3";
  EXPECT_EQ(advice_place(&policy, "shop.example:443")["file"], vhost.place);
  EXPECT_FALSE(advice_place(&policy, "shop.example:443").contains("why"));
  vhost.sections = {"<MailOriginSite shop.example> (/etc/apache2/conf-enabled/sites.conf:3)"};
  const auto place = advice_place(&policy, "shop.example:443");
  EXPECT_EQ(place["section"], true);
  EXPECT_EQ(place["own"], "/etc/apache2/conf-enabled/sites.conf");
  EXPECT_NE(place["why"].get<std::string>().find("sites.conf:3"), std::string::npos);
  vhost.sections.clear();
  vhost.place = "/var/www/vhosts/system/shop.example/conf/httpd.conf:3";
  EXPECT_EQ(advice_place(&policy, "shop.example:443")["section"], true);
  EXPECT_EQ(advice_place(&policy, "shop.example:443")["own"],
            "a file of your own in /etc/apache2/conf-available (a2enconf) or /etc/httpd/conf.d");
  EXPECT_TRUE(advice_place(&policy, "").is_null());
  EXPECT_TRUE(advice_place(&policy, "other.example:80").is_null());
  EXPECT_TRUE(advice_place(nullptr, "shop.example:443").is_null());
}

}  // namespace
}  // namespace mailorigin::reports

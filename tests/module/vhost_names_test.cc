#include "mod_mailorigin/vhost_names.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

#include "core/context.h"

namespace mailorigin::httpd {
namespace {

std::function<std::string()> at(std::string address) {
  return [address = std::move(address)] { return address; };
}

TEST(VhostNames, AreServerNameAndPort) {
  VhostNames names;
  const VhostName name = names.choose("shop.example", 443, at("192.0.2.1:443"), {"a.conf", 3});
  EXPECT_EQ(name.name, "shop.example:443");
  EXPECT_EQ(name.id, vhost_id("shop.example:443"));
  EXPECT_EQ(name.warning, "");
}

TEST(VhostNames, OfDuplicatesGetTheirAddressAndAWarning) {
  VhostNames names;
  (void)names.choose("shop.example", 80, at("192.0.2.1:80"), {"a.conf", 3});
  const VhostName second = names.choose("shop.example", 80, at("192.0.2.2:80"), {"b.conf", 9});
  EXPECT_EQ(second.name, "shop.example:80@192.0.2.2:80");
  EXPECT_NE(second.warning.find("a.conf:3"), std::string::npos) << second.warning;
  EXPECT_NE(second.warning.find("b.conf:9"), std::string::npos) << second.warning;
  const VhostName third = names.choose("shop.example", 80, at("192.0.2.2:80"), {"c.conf", 1});
  EXPECT_EQ(third.name, "shop.example:80@192.0.2.2:80#2");
  EXPECT_NE(third.id, second.id);
}

TEST(VhostNames, FitIntoAContext) {
  VhostNames names;
  const auto address = at(std::string(50, '1'));
  (void)names.choose(std::string(5000, 'n'), 65535, address, {});
  const VhostName second = names.choose(std::string(5000, 'n'), 65535, address, {});
  EXPECT_LE(second.name.size(), context_name_limit);
}

}  // namespace
}  // namespace mailorigin::httpd

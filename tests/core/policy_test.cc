#include "core/policy.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/name_values.h"

namespace mailorigin {
namespace {

Policy example() {
  Policy policy;
  policy.unverified = Rule::deny;
  policy.store = {true, "pgsql", "host=/run/db dbname=mail", 7};
  policy.instance = "/run/apache2/apache2.pid";
  policy.targets = {{LogTarget::Kind::file, "/var/log/mail.log"},
                    {LogTarget::Kind::pipe, "|rotatelogs x"},
                    {LogTarget::Kind::syslog, "mail"}};
  policy.server.name = "main:80";
  policy.server.logs = {{2, {}}};
  VhostPolicy shop;
  shop.id = vhost_id("shop.example:443");
  shop.name = "shop.example:443";
  shop.docroot = "/srv/shop";
  shop.run_as = 1001;
  shop.user = "shop";
  shop.logs = {{0, {true, "json"}}, {1, {false, "%{id} %{to}"}}};
  shop.access_logs = {"/var/log/shop-access.log", "/var/log/all.log"};
  shop.headers = {{"X-Mail-Origin", "%{id}"}, {"X-Script", "%{entry}"}};
  shop.send = Rule::observe;
  shop.denied_scripts = {{"/uploads/"}, {"^eval$", Rule::observe}, {"/tmp/", Rule::hold}};
  shop.limits = {{{100, 3600'000'000'000, 20},
                  LimitRule::Per::script,
                  LimitRule::Count::recipients,
                  Rule::observe,
                  "/etc/httpd.conf:7"},
                 {}};
  shop.max_recipients = {50, Rule::observe};
  shop.sender = {{"shop.example", "www.shop.example"}, Rule::hold};
  VhostPolicy blog = shop;
  blog.id = vhost_id("blog.example:443");
  blog.name = "blog.example:443";
  blog.run_as = 1002;
  blog.enabled = false;
  blog.strict = false;
  VhostPolicy wiki = blog;
  wiki.id = vhost_id("wiki.example:443");
  wiki.name = "wiki.example:443";
  policy.vhosts = {shop, blog, wiki};
  policy.queue.exim = true;
  policy.index();
  return policy;
}

TEST(Policy, SurvivesItsEncoding) {
  const Policy policy = example();
  const auto read = Policy::decode(policy.encode());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->encode(), policy.encode());
  EXPECT_EQ(read->instance, policy.instance);
  ASSERT_EQ(read->vhosts.size(), 3U);
  EXPECT_EQ(read->vhosts[0].logs[1].format, (FormatChoice{false, "%{id} %{to}"}));
  EXPECT_FALSE(read->vhosts[1].enabled);
  EXPECT_FALSE(read->vhosts[1].strict);
  EXPECT_EQ(read->targets[1].kind, LogTarget::Kind::pipe);
  EXPECT_EQ(read->unverified, Rule::deny);
  EXPECT_EQ(read->queue, policy.queue);
  ASSERT_EQ(read->that_may_hold().size(), 3U);
  EXPECT_EQ(read->that_may_hold()[0], &read->vhosts[0]);
  const VhostPolicy& shop = read->vhosts[0];
  EXPECT_EQ(shop.send, Rule::observe);
  EXPECT_EQ(shop.denied_scripts, policy.vhosts[0].denied_scripts);
  ASSERT_EQ(shop.limits.size(), 2U);
  EXPECT_EQ(shop.limits[0].rate.units, 100U);
  EXPECT_EQ(shop.limits[0].rate.period_ns, 3600'000'000'000U);
  EXPECT_EQ(shop.limits[0].rate.burst, 20U);
  EXPECT_EQ(shop.limits[0].per, LimitRule::Per::script);
  EXPECT_EQ(shop.limits[0].count, LimitRule::Count::recipients);
  EXPECT_EQ(shop.limits[0].action, Rule::observe);
  EXPECT_EQ(shop.limits[0].place, "/etc/httpd.conf:7");
  EXPECT_EQ(shop.max_recipients, policy.vhosts[0].max_recipients);
  EXPECT_EQ(shop.sender, policy.vhosts[0].sender);
  EXPECT_FALSE(read->server.max_recipients);
}

// One user with two sites, one of which has two ports.
Policy hosting_account() {
  Policy policy;
  const auto add = [&](const char* name, const char* site, const char* docroot, std::uint32_t uid) {
    VhostPolicy vhost;
    vhost.id = vhost_id(name);
    vhost.name = name;
    vhost.site = site;
    vhost.docroot = docroot;
    vhost.run_as = uid;
    policy.vhosts.push_back(vhost);
  };
  add("shop.example:80", "shop.example", "/home/ann/shop", 1001);
  add("shop.example:443", "shop.example", "/home/ann/shop", 1001);
  add("blog.example:443", "blog.example", "/home/ann/shop/blog/", 1001);
  add("wiki.example:443", "wiki.example", "/home/bob/wiki", 1002);
  policy.index();
  return policy;
}

TEST(Policy, ASiteIsCalledByItsServerNameFirst) {
  Policy policy = hosting_account();
  policy.server.name = "host.example:80";
  policy.server.site = "host.example";
  policy.vhosts[2].aliases = {"shop.example", "*.shop.example"};
  policy.vhosts[3].aliases = {"www.shop.example", "wiki.*.example"};
  const auto read = Policy::decode(policy.encode());
  ASSERT_TRUE(read) << read.error().message;
  const auto site = [&](std::string_view name) {
    const VhostPolicy* const found = read->called(name);
    return found != nullptr ? found->site : "nobody's";
  };
  EXPECT_EQ(site("Shop.example"), "shop.example");
  EXPECT_EQ(read->called("shop.example:443"), &read->vhosts[1]);
  EXPECT_EQ(site("www.SHOP.example"), "wiki.example");
  EXPECT_EQ(site("a.shop.example"), "blog.example");
  EXPECT_EQ(site("wiki.old.example"), "wiki.example");
  EXPECT_EQ(site("host.example"), "host.example");
  for (const char* none : {"", "*", "shop.example:80:", "xshop.example", "[a-z]hop.example"}) {
    EXPECT_EQ(site(none), "nobody's") << none;
  }
}

TEST(Policy, TakesWhatAnEarlierVersionKept) {
  std::string vhost;
  NameValueWriter writer(vhost);
  writer.add("id", std::uint64_t{7});
  writer.add("denied_script", "/uploads/");
  writer.add("max_recipients", std::uint64_t{50});
  writer.add("sender_domain", "shop.example");
  std::string kept;
  NameValueWriter(kept).add("vhost", vhost);
  const auto read = Policy::decode(kept);
  ASSERT_TRUE(read) << read.error().message;
  const VhostPolicy& shop = read->vhosts.at(0);
  EXPECT_EQ(shop.denied_scripts, (std::vector<ScriptRule>{{"/uploads/", Rule::deny}}));
  EXPECT_EQ(shop.max_recipients, (RecipientsRule{50, Rule::deny}));
  EXPECT_EQ(shop.sender, (SenderRule{{"shop.example"}, Rule::deny}));
}

TEST(Policy, OfAnEarlierVersionHasASiteForEachVhost) {
  Policy kept = hosting_account();
  for (VhostPolicy& vhost : kept.vhosts) vhost.site.clear();
  const auto read = Policy::decode(kept.encode());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->vhosts[0].site, "shop.example:80");
  EXPECT_TRUE(read->other_ports(read->vhosts[0]).empty());
}

TEST(Policy, FindsVhostsById) {
  const Policy policy = example();
  EXPECT_EQ(policy.by_id(vhost_id("blog.example:443"))->name, "blog.example:443");
  EXPECT_EQ(policy.by_id(0), &policy.server);
  EXPECT_EQ(policy.by_id(12345), nullptr);
}

TEST(Policy, AProcessBelongsToTheSiteThatHoldsItsScript) {
  const Policy policy = hosting_account();
  const auto owner = [&](std::uint32_t uid, std::string_view path) -> std::string {
    const VhostPolicy* const found = policy.owner(uid, path);
    return found != nullptr ? found->name : "";
  };
  EXPECT_EQ(owner(1001, "/home/ann/shop/cron.php"), "shop.example:80");
  EXPECT_EQ(owner(1001, "/home/ann/shop/blog/wp/cron.php"), "blog.example:443");
  EXPECT_EQ(owner(1001, "/home/ann/shop/blog"), "blog.example:443");
  EXPECT_EQ(owner(1001, "/home/ann/shop/blogging/x.php"), "shop.example:80");
  for (const char* elsewhere : {"", "/", "cron.php", "/home/bob/wiki/x.php", "//", "/home/ann"}) {
    EXPECT_EQ(owner(1001, elsewhere), "shop.example:80") << elsewhere;
  }
  EXPECT_EQ(owner(1002, "/home/ann/shop/cron.php"), "wiki.example:443");
  EXPECT_EQ(owner(1003, "/home/ann/shop/cron.php"), "");
}

TEST(Policy, ADocumentRootThatIsALinkHoldsWhatIsWhereItLeads) {
  Policy pushed = hosting_account();
  pushed.vhosts[2].docroot = "/home/ann/blog/current";
  pushed.vhosts[2].real_docroot = "/home/ann/blog/releases/17";
  const auto policy = Policy::decode(pushed.encode());
  ASSERT_TRUE(policy) << policy.error().message;
  for (const char* path : {"/home/ann/blog/current/cron.php", "/home/ann/blog/releases/17/cron.php",
                           "/home/ann/blog/releases/17"}) {
    EXPECT_EQ(policy->owner(1001, path)->name, "blog.example:443") << path;
  }
  EXPECT_EQ(policy->owner(1001, "/home/ann/blog/releases/16/cron.php")->name, "shop.example:80");
}

TEST(Policy, ASiteIsAllItsPorts) {
  Policy policy = hosting_account();
  const auto others = policy.other_ports(policy.vhosts[0]);
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(others[0]->name, "shop.example:443");
  EXPECT_TRUE(policy.other_ports(policy.vhosts[2]).empty());
  EXPECT_TRUE(policy.other_ports(policy.server).empty());
  policy.vhosts[1].run_as = 1002;  // somebody else's is another site
  policy.index();
  EXPECT_TRUE(policy.other_ports(policy.vhosts[0]).empty());
}

TEST(Policy, RefusesWhatItCannotUse) {
  Policy policy = example();
  policy.vhosts[0].logs[0].target = 3;
  EXPECT_NE(Policy::decode(policy.encode()).error().message.find("shop.example:443"),
            std::string::npos);
  policy = example();
  policy.vhosts[1].headers[0].format = "%{nosuch}";
  EXPECT_NE(Policy::decode(policy.encode()).error().message.find("blog.example:443"),
            std::string::npos);
  policy = example();
  policy.server.logs[0].format = {true, "common"};
  EXPECT_FALSE(Policy::decode(policy.encode()));

  policy = example();
  policy.vhosts[0].limits[0].rate.units = 0;
  EXPECT_FALSE(Policy::decode(policy.encode()));
  policy = example();
  policy.vhosts[0].denied_scripts[0].expression = "(";
  EXPECT_FALSE(Policy::decode(policy.encode()));

  policy = example();
  policy.unverified = Rule::hold;  // of mail alone
  EXPECT_FALSE(Policy::decode(policy.encode()));
  policy = example();
  policy.vhosts[0].smtp.local = Rule::hold;
  EXPECT_FALSE(Policy::decode(policy.encode()));
  policy = example();
  policy.vhosts[0].sender.action = Rule::allow;  // a rule that does nothing
  EXPECT_FALSE(Policy::decode(policy.encode()));

  std::string unknown;
  NameValueWriter(unknown).add("nosuch", "1");
  EXPECT_FALSE(Policy::decode(unknown));
  const std::string whole = example().encode();
  EXPECT_FALSE(Policy::decode(whole.substr(0, whole.size() - 1)));
}

TEST(VhostId, DependsOnTheNameAlone) {
  EXPECT_EQ(vhost_id("a:80"), vhost_id("a:80"));
  EXPECT_NE(vhost_id("a:80"), vhost_id("a:81"));
  EXPECT_NE(vhost_id(""), 0U);
}

}  // namespace
}  // namespace mailorigin

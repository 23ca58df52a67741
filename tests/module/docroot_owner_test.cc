#include "mod_mailorigin/docroot_owner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace mailorigin::httpd {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

// As linux/posix_acl.h of the kernel has them.
enum AclTag : std::uint16_t {
  ACL_USER_OBJ = 1,
  ACL_USER = 2,
  ACL_GROUP_OBJ = 4,
  ACL_MASK = 16,
  ACL_OTHER = 32
};

constexpr uid_t shop = 61001, blog = 61002, httpd = 61033, nobody = 65534;

// Below a directory of root's alone, as a panel makes it: home/shop/web.
class ADocroot : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "whose directories these are is the question: run as root";
    char name[] = "/run/mailorigin-docroots-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    chmod(name, 0755);
    directory("home", 0);
    directory("home/shop", shop);
    shop_ = directory("home/shop/web", shop);
    directory("home/blog", blog);
    blog_ = directory("home/blog/web", blog);
  }
  void TearDown() override {
    if (!root_.empty()) fs::remove_all(root_);
  }

  std::string directory(const std::string& name, uid_t uid, mode_t mode = 0755) {
    const std::string path = root_ + '/' + name;
    mkdir(path.c_str(), mode);
    EXPECT_EQ(chown(path.c_str(), uid, uid), 0);
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }

  std::string link(const std::string& target, const std::string& name, uid_t uid) {
    const std::string path = root_ + '/' + name;
    fs::create_symlink(target, path);
    EXPECT_EQ(lchown(path.c_str(), uid, uid), 0);
    return path;
  }

  // "uid 61001", or what is wrong.
  static std::string owner(const std::string& path) {
    DocrootOwners owners(httpd);
    return owner(path, owners);
  }
  static std::string owner(const std::string& path, DocrootOwners& owners) {
    const auto found = owners.of(path);
    return found ? "uid " + std::to_string(*found) : found.error().message;
  }

  std::string root_;
  std::string shop_;
  std::string blog_;
};

TEST_F(ADocroot, BelongsToItsOwner) {
  EXPECT_EQ(owner(shop_), "uid 61001");
  EXPECT_EQ(owner(blog_ + '/'), "uid 61002");
  EXPECT_EQ(owner(root_ + "/home/./shop//web/../web"), "uid 61001");
  // ISPConfig's: root's down to the last.
  directory("clients", 0);
  EXPECT_EQ(owner(directory("clients/web1", shop, 0710)), "uid 61001");
  // What others may write into it does not make it theirs.
  EXPECT_EQ(owner(directory("home/shop/open", shop, 01777)), "uid 61001");
}

TEST_F(ADocroot, IsTheSameWhateverWasAskedBefore) {
  link(root_ + "/home/blog", "home/shop/to-blog", shop);
  link("../blog/web", "home/shop/up", shop);
  link(root_ + "/home", "all", 0);
  directory("home/open", 0, 0777);
  directory("home/open/web", shop);
  directory("home/blog/open", blog, 0777);
  directory("home/blog/open/web", blog);
  directory("home/blog/web/deep", blog);
  directory("home/blog/shops", shop);
  directory("home/blog/shops/web", blog);
  directory("home/blog/roots", 0);
  directory("home/blog/roots/web", blog);
  const std::string ways[] = {"/home/shop/web",         "/home/shop",
                              "/home/blog/web",         "/home/blog/web/deep",
                              "/home/blog//web",        "/home/blog/web/",
                              "/home/blog/open",        "/home/blog/open/web",
                              "/home/blog/shops",       "/home/blog/shops/web",
                              "/home/blog/roots",       "/home/blog/roots/web",
                              "/home/shop/to-blog/web", "/home/shop/up",
                              "/all/shop/web",          "/home/open/web",
                              "/home/shop/web/gone/x",  "/home",
                              "/home/shop/../blog/web", "/home/shop/to-blog"};
  DocrootOwners owners(httpd);
  for (const std::string& before : ways) {
    for (const std::string& way : ways) {
      (void)owners.of(root_ + before);
      EXPECT_EQ(owner(root_ + way, owners), owner(root_ + way)) << before << ", then " << way;
    }
  }
}

TEST_F(ADocroot, IsNobodysWhereItSaysNobody) {
  EXPECT_EQ(owner(""), "there is no DocumentRoot");
  EXPECT_THAT(owner("relative"), HasSubstr("must be an absolute path"));
  EXPECT_THAT(owner(root_ + "/home/gone/web"), HasSubstr("/home/gone: No such file"));
  EXPECT_THAT(owner(root_ + "/home/shop/gone"), HasSubstr("/home/shop/gone: No such file"));
  std::ofstream(root_ + "/file") << "";
  EXPECT_THAT(owner(root_ + "/file"), HasSubstr("/file: Not a directory"));
  EXPECT_THAT(owner(directory("roots", 0)), HasSubstr("/roots: belongs to root"));
  EXPECT_THAT(owner(directory("home/shop/roots", 0)),
              HasSubstr("/home/shop/roots: belongs to root"));
  EXPECT_THAT(owner(directory("www", httpd)), HasSubstr("/www: belongs to httpd's own User"));
  EXPECT_THAT(owner(directory("nobody", nobody)), HasSubstr("belongs to uid 65534"));
}

TEST_F(ADocroot, IsNotANeighboursThroughALink) {
  EXPECT_THAT(owner(link(blog_, "home/shop/link", shop)),
              HasSubstr("/home/blog: belongs to uid 61002, and " + root_ +
                        "/home/shop on the way there to uid 61001"));
  // Where the link's directory is root's, whose the link is counts by itself.
  EXPECT_THAT(owner(link(blog_, "home/link", shop)), HasSubstr("/home/link on the way there"));
  link("../blog", "home/shop/up", shop);
  EXPECT_THAT(owner(root_ + "/home/shop/up/web"), HasSubstr("/shop/../blog: belongs to uid 61002"));
  // Nor is what root owns the tenant's, that leads there.
  EXPECT_THAT(owner(link("/usr", "home/shop/usr", shop)), HasSubstr("/usr: belongs to root"));
  EXPECT_THAT(owner(link("loop", "home/shop/loop", shop)), HasSubstr("Too many levels"));
  EXPECT_THAT(owner(link("/proc/self/fd/0", "home/shop/proc", shop)),
              ::testing::Not(HasSubstr("uid 61002")));
}

TEST_F(ADocroot, MayBeReachedThroughLinksOfRootAndOfItsOwner) {
  EXPECT_EQ(owner(link("home/shop", "shop.example", 0) + "/web"), "uid 61001");
  EXPECT_EQ(owner(link("web", "home/shop/current", shop)), "uid 61001");
  EXPECT_EQ(owner(link(root_ + "/home/blog/web", "blog.example", blog)), "uid 61002");
}

TEST_F(ADocroot, IsNotBelowWhatOthersMayWriteTo) {
  directory("tmp", 0, 01777);
  EXPECT_THAT(owner(directory("tmp/shop", shop)), HasSubstr("/tmp: others than its owner may"));
  directory("shared", 0, 0775);
  EXPECT_THAT(owner(directory("shared/shop", shop)), HasSubstr("/shared: others than its owner"));
  chmod((root_ + "/home/shop").c_str(), 0775);
  EXPECT_THAT(owner(shop_), HasSubstr("/home/shop: others than its owner may write there"));
}

// By an ACL alone: its mask shows in the group's bits.
TEST_F(ADocroot, IsNotBelowWhatAnAclLetsOthersWriteTo) {
  struct Entry {
    std::uint16_t tag, permissions;
    std::uint32_t id;
  };
  const struct {
    std::uint32_t version;
    Entry entries[5];
  } acl = {2,
           {{ACL_USER_OBJ, 7, UINT32_MAX},
            {ACL_USER, 7, blog},
            {ACL_GROUP_OBJ, 5, UINT32_MAX},
            {ACL_MASK, 7, UINT32_MAX},
            {ACL_OTHER, 5, UINT32_MAX}}};
  ASSERT_EQ(
      setxattr((root_ + "/home/shop").c_str(), "system.posix_acl_access", &acl, sizeof acl, 0), 0);
  EXPECT_THAT(owner(shop_), HasSubstr("/home/shop: others than its owner may write there"));
}

// A neighbour's directory that was moved or mounted there.
TEST_F(ADocroot, IsNotANeighboursInsideATenantsDirectory) {
  EXPECT_THAT(owner(directory("home/shop/theirs", blog)),
              HasSubstr("/home/shop/theirs: belongs to uid 61002, and " + root_ + "/home/shop"));
  EXPECT_THAT(owner(directory("home/shop/uploads", httpd)), HasSubstr("belongs to uid 61033"));
  const std::string place = directory("home/shop/mount", shop);
  if (mount(blog_.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    GTEST_SKIP() << "no mounts here";
  }
  EXPECT_THAT(owner(place), HasSubstr("/mount: belongs to uid 61002"));
  umount2(place.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace mailorigin::httpd

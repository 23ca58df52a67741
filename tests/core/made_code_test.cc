#include "core/made_code.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace mailorigin {
namespace {

using Makers = std::vector<std::string_view>;

TEST(MadeCode, IsOfTheFileThatMadeItOrOfOneThatIsCalledLikeIt) {
  EXPECT_EQ(makers_of("/srv/x.php(12) : eval()'d code"),
            (Makers{"/srv/x.php", "/srv/x.php(12) : eval()'d code"}));
  EXPECT_EQ(makers_of("/srv/x.php(12) : y.php(3) : eval()'d code"),
            (Makers{"/srv/x.php", "/srv/x.php(12) : y.php",
                    "/srv/x.php(12) : y.php(3) : eval()'d code"}));
  EXPECT_EQ(makers_of("/srv/x.php(2) : runtime-created function").front(), "/srv/x.php");
  EXPECT_EQ(makers_of("/srv/a(b).php(2) : eval()'d code").front(), "/srv/a(b).php");
}

TEST(MadeCode, IsNoneOfOtherNames) {
  for (const char* name : {"", "/srv/x.php", "/srv/x.php(a) : b", "/srv/x.php() : b", "/(1) : b",
                           "/srv/a(1) : b/x.php", "(1) : b"}) {
    EXPECT_EQ(makers_of(name), Makers{name});
  }
}

TEST(MadeCode, MayBeOfAFileInADirectoryThatIsCalledLikeIt) {
  EXPECT_EQ(makers_of("/srv/a(1) : b/x.php(7) : eval()'d code").front(), "/srv/a(1) : b/x.php");
}

}  // namespace
}  // namespace mailorigin

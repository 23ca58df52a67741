#include "core/made_code.h"

#include <gtest/gtest.h>

namespace mailorigin {
namespace {

TEST(MadeCode, IsOfTheFileThatMadeIt) {
  EXPECT_EQ(maker_of("/srv/x.php(12) : eval()'d code"), "/srv/x.php");
  EXPECT_EQ(maker_of("/srv/x.php(12) : eval()'d code(3) : eval()'d code"), "/srv/x.php");
  EXPECT_EQ(maker_of("/srv/x.php(2) : runtime-created function"), "/srv/x.php");
  EXPECT_EQ(maker_of("/srv/a(b).php(2) : eval()'d code"), "/srv/a(b).php");
}

TEST(MadeCode, IsNoneOfOtherNames) {
  for (const char* name : {"", "/srv/x.php", "/srv/x.php(a) : b", "/srv/x.php() : b", "/(1) : b",
                           "/srv/a(1) : b/x.php", "(1) : b"}) {
    EXPECT_EQ(maker_of(name), name);
  }
}

TEST(MadeCode, MayBeOfAFileInADirectoryThatIsCalledLikeIt) {
  EXPECT_EQ(maker_of("/srv/a(1) : b/x.php(7) : eval()'d code"), "/srv/a(1) : b/x.php");
}

}  // namespace
}  // namespace mailorigin

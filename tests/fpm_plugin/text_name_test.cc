#include "fpm_plugin/text_name.h"

#include <gtest/gtest.h>

namespace mailorigin::php {
namespace {

TEST(TextName, IsThatOfCodeWithoutAFile) {
  for (const char* name :
       {"/srv/a.php(4) : eval()'d code", "/srv/a.php(4) : eval()'d code(1) : eval()'d code",
        "/srv/a.php(12) : runtime-created function", "/srv/a.php(1) : assert code",
        "/srv/a (b) : c.php(7) : mbregex replace"}) {
    EXPECT_TRUE(is_name_of_text(name)) << name;
  }
}

TEST(TextName, IsNoFiles) {
  for (const char* name : {"", "/srv/a.php", "/srv/a.php(4)", "/srv/a() : b.php", ") : ", "1) : ",
                           "/srv/a (b) : c.php", "Command line code", "/srv/a(4): b.php"}) {
    EXPECT_FALSE(is_name_of_text(name)) << name;
  }
}

}  // namespace
}  // namespace mailorigin::php

#include "core/base64url.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace mailorigin {
namespace {

using namespace std::string_literals;

TEST(Base64url, MatchesTheVectorsOfRfc4648WithoutPadding) {
  const std::pair<std::string, std::string> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64url_encode(bytes), text);
    EXPECT_EQ(base64url_decode(text), bytes);
  }
}

TEST(Base64url, RefusesWhatIsNotItsAlphabetOrHasASecondSpelling) {
  for (const auto& text : {"Zg=="s, "Z"s, "Zm9vY"s, "Zm 9"s, "Zm+v"s, "Zm/v"s, "Zh"s, "Zm9\0"s}) {
    EXPECT_FALSE(base64url_decode(text)) << text;
  }
}

}  // namespace
}  // namespace mailorigin

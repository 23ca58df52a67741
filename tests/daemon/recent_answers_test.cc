#include "mailorigind/asking/recent_answers.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {
namespace {

RecentAnswers::Key key(std::uint32_t number, std::uint32_t uid = 1) {
  RecentAnswers::Key key{uid, {}};
  for (std::size_t i = 0; i < 4; i++) key.nonce[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return key;
}

TEST(RecentAnswers, KnowAConnectionsLastQuestionOnly) {
  RecentAnswers answers;
  answers.remember(std::nullopt, key(1), 100);
  EXPECT_EQ(answers.find(key(1)), 100u);
  EXPECT_EQ(answers.find(key(1, 2)), std::nullopt) << "another uid's nonce";
  answers.remember(key(1), key(2), 200);
  EXPECT_EQ(answers.find(key(1)), std::nullopt);
  EXPECT_EQ(answers.find(key(2)), 200u);
  EXPECT_EQ(answers.size(), 1u);
}

TEST(RecentAnswers, KeepThemForAMinuteAfterTheConnectionHasGone) {
  RecentAnswers answers;
  answers.remember(std::nullopt, key(1), 100);
  answers.release(key(1), 1000);
  answers.expire(1000 + nonce_memory_ms);
  EXPECT_EQ(answers.find(key(1)), 100u);
  answers.expire(1001 + nonce_memory_ms);
  EXPECT_EQ(answers.find(key(1)), std::nullopt);
}

TEST(RecentAnswers, ANonceThatIsUsedAgainIsAsNew) {
  RecentAnswers answers;
  answers.remember(std::nullopt, key(1), 100);
  answers.release(key(1), 1000);
  answers.remember(std::nullopt, key(1), 300);  // another question under it
  answers.expire(1001 + nonce_memory_ms);
  EXPECT_EQ(answers.find(key(1)), 300u);
  answers.remember(key(1), key(1), 400);
  EXPECT_EQ(answers.find(key(1)), 400u);
  EXPECT_EQ(answers.size(), 1u);
}

TEST(RecentAnswers, AreBounded) {
  RecentAnswers answers;
  for (std::uint32_t i = 0; i < nonces_remembered + 100; i++) answers.recover(key(i), i, 5000);
  EXPECT_LE(answers.size(), nonces_remembered);
  EXPECT_EQ(answers.find(key(0)), std::nullopt);
  EXPECT_TRUE(answers.find(key(nonces_remembered)));
  for (std::uint32_t i = 0; i < nonces_remembered + 100; i++) {
    answers.remember(std::nullopt, key(i, 7), i);
    answers.release(key(i, 7), 6000);
  }
  answers.expire(6000);
  EXPECT_LE(answers.size(), nonces_remembered);
}

}  // namespace
}  // namespace mailorigin::daemon

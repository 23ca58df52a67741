#include "submit/task.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::submit {
namespace {

using Words = std::vector<std::string>;

Task task(const Words& words, std::string_view name = "sendmail") {
  return task_of(name, read_sendmail_options(words));
}

TEST(Task, IsAMessageUnlessItIsSaid) {
  for (const Words& words : {Words{}, Words{"-t"}, Words{"-oi", "a@b"}, Words{"-bm"},
                             Words{"-bnq", "a@b"}, Words{"--unknown"}}) {
    EXPECT_EQ(task(words), Task::message) << testing::PrintToString(words);
  }
}

TEST(Task, IsWhatBSays) {
  EXPECT_EQ(task({"-bs"}), Task::dialogue);
  EXPECT_EQ(task({"-t", "-bs"}), Task::dialogue);
  EXPECT_EQ(task({"-bS"}), Task::batch);
  EXPECT_EQ(task({"-bv", "a@b"}), Task::probe);
  for (const Words& words : {Words{"-bp"}, Words{"-bi"}, Words{"-bd", "-q30m"}, Words{"-q"},
                             Words{"-I"}, Words{"-q5m"}}) {
    EXPECT_EQ(task(words), Task::none) << testing::PrintToString(words);
  }
  for (const Words& words : {Words{"-bt"}, Words{"-be"}, Words{"-bP"}}) {
    EXPECT_EQ(task(words), Task::test) << testing::PrintToString(words);
  }
}

TEST(Task, IsWhatTheNameSays) {
  EXPECT_EQ(task({}, "mailq"), Task::none);
  EXPECT_EQ(task({"-v"}, "mailq"), Task::none);
  EXPECT_EQ(task({}, "newaliases"), Task::none);
  EXPECT_EQ(task({"-bm"}, "mailq"), Task::message);
}

// A program that does not know the mode sends all the same.
TEST(Task, IsAMessageWhereSomebodyCouldGetIt) {
  EXPECT_EQ(task({"-bp", "a@b"}), Task::message);
  EXPECT_EQ(task({"-bp", "-t"}), Task::message);
  EXPECT_EQ(task({"-t"}, "mailq"), Task::message);
  EXPECT_EQ(task({"-q", "-t"}), Task::message);
}

TEST(Task, IsUnclearWhereServersDiffer) {
  for (const Words& words : {Words{"-C", "-bs"}, Words{"-bp", "-bm"}, Words{"-b", "s"},
                             Words{"-ba"}, Words{"a@b", "-bs"}}) {
    EXPECT_EQ(task(words), Task::unclear) << testing::PrintToString(words);
  }
}

}  // namespace
}  // namespace mailorigin::submit

#include "cli/options.h"

#include <gtest/gtest.h>

#include <vector>

namespace mailorigin {
namespace {

Result<Options> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "mailorigin");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return parse_options(static_cast<int>(words.size()), arguments.data());
}

TEST(CliOptions, CommandsAndOptionsInAnyOrder) {
  const auto plain = parse({"status"});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->command, Command::status);
  EXPECT_EQ(plain->runtime_directory, "/run/mailorigin");
  EXPECT_FALSE(plain->json);

  for (const auto& words :
       {std::vector<std::string>{"--json", "--runtime-dir", "/run/mo", "policy", "shop"},
        std::vector<std::string>{"policy", "shop", "--runtime-dir=/run/mo", "--json"}}) {
    const auto options = parse(words);
    ASSERT_TRUE(options);
    EXPECT_EQ(options->command, Command::policy);
    EXPECT_EQ(options->vhost, "shop");
    EXPECT_EQ(options->runtime_directory, "/run/mo");
    EXPECT_TRUE(options->json);
  }
  EXPECT_TRUE(parse({"firewall", "--remove"})->remove);
  EXPECT_EQ(parse({"--help"})->command, Command::help);
  EXPECT_EQ(parse({"status", "--version"})->command, Command::version);
}

TEST(CliOptions, WhatIsWrongIsNamed) {
  const struct {
    std::vector<std::string> words;
    std::string part;
  } wrong[] = {{{}, "a command is missing"},
               {{"stat"}, "'stat'"},
               {{"status", "more"}, "'more'"},
               {{"policy", "a", "b"}, "'b'"},
               {{"policy", ""}, "VHOST is empty"},
               {{"--colour", "status"}, "'--colour'"},
               {{"status", "--colour"}, "'--colour'"},
               {{"-x", "status"}, "'-x'"},
               {{"--json=yes", "status"}, "'--json=yes'"},
               {{"status", "--runtime-dir"}, "--runtime-dir needs a value"},
               {{"--runtime-dir", "run", "status"}, "absolute"},
               {{"status", "--remove"}, "--remove belongs to firewall"},
               {{"firewall", "--remove", "--json"}, "--remove has no JSON"}};
  for (const auto& each : wrong) {
    const auto options = parse(each.words);
    ASSERT_FALSE(options) << each.part;
    EXPECT_NE(options.error().message.find(each.part), std::string::npos)
        << options.error().message;
  }
}

}  // namespace
}  // namespace mailorigin

#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <CLI/App.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mailorigin::cli {
namespace {

CommandLine parse(std::vector<const char*> words,
                  std::span<const Command* const> known = commands()) {
  words.insert(words.begin(), "mailorigin");
  return parse_command_line(known, static_cast<int>(words.size()), words.data());
}

// `count THING [--twice]`: returns the length of THING, once or twice.
const Command count = {"count", "counts", "mailorigin count abc", [](CLI::App& app) {
                         const auto thing = std::make_shared<std::string>();
                         const auto twice = std::make_shared<bool>(false);
                         app.add_option("THING", *thing, "what to count");
                         app.add_flag("--twice", *twice, "again");
                         return Run([thing, twice](const Common&) {
                           return static_cast<int>(thing->size()) * (*twice ? 2 : 1);
                         });
                       }};
const Command one = {"one", "is one", "mailorigin one",
                     [](CLI::App&) { return Run([](const Common&) { return 1; }); }};
constexpr const Command* two_commands[] = {&one, &count};

TEST(CommandLine, CommandsAndOptionsInAnyOrder) {
  const CommandLine plain = parse({"one"}, two_commands);
  EXPECT_EQ(plain.error, "");
  EXPECT_EQ(plain.common.runtime_directory, "/run/mailorigin");
  EXPECT_FALSE(plain.common.json);
  EXPECT_EQ(plain.run(plain.common), 1);

  for (const auto& words : {
           std::vector<const char*>{"--json", "--runtime-dir", "/run/mo", "count", "--twice",
                                    "one"},
           std::vector<const char*>{"count", "one", "--runtime-dir=/run/mo", "--json", "--twice"},
       }) {
    const CommandLine line = parse(words, two_commands);
    EXPECT_EQ(line.error, "");
    EXPECT_EQ(line.common.runtime_directory, "/run/mo");
    EXPECT_TRUE(line.common.json);
    EXPECT_EQ(line.run(line.common), 6) << "a command's name can be an argument";
  }
  EXPECT_EQ(parse({"--runtime-dir", "/a", "one", "--runtime-dir", "/b"}, two_commands)
                .common.runtime_directory,
            "/b");
}

TEST(CommandLine, Help) {
  const CommandLine help = parse({"--help"}, two_commands);
  EXPECT_EQ(help.error, "");
  EXPECT_FALSE(help.run);
  for (const char* part : {"usage: mailorigin [options] COMMAND\n", "  one   ", " is one\n",
                           "  count [THING]         counts\n", "  --runtime-dir DIR ", "  --json ",
                           "  --version\n", "\nExample:\n  mailorigin one\n"}) {
    EXPECT_NE(help.text.find(part), std::string::npos) << part << " in\n" << help.text;
  }
  for (const auto& words :
       {std::vector<const char*>{"count", "--help"}, std::vector<const char*>{"--help", "count"}}) {
    const CommandLine of_count = parse(words, two_commands);
    EXPECT_FALSE(of_count.run);
    for (const char* part :
         {"usage: mailorigin count [THING] [--twice] [options]\n", "  counts\n", "what to count\n",
          "  --twice   ", "  --json ", "\nExample:\n  mailorigin count abc\n"}) {
      EXPECT_NE(of_count.text.find(part), std::string::npos) << part << " in\n" << of_count.text;
    }
  }
  EXPECT_EQ(parse({"status", "--version"}).text, "mailorigin " MAILORIGIN_VERSION "\n");
}

TEST(CommandLine, HelpFitsATerminal) {
  std::vector<std::string> texts = {parse({"--help"}).text};
  for (const Command* command : commands()) texts.push_back(parse({command->name, "--help"}).text);
  for (const std::string& text : texts) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      EXPECT_LE(end - begin, 80U) << text.substr(begin, end - begin);
      begin = end + 1;
    }
  }
}

TEST(CommandLine, WhatIsWrongIsNamed) {
  const struct {
    std::vector<const char*> words;
    std::string part;
  } wrong[] = {{{}, "a command is missing: status, policy, firewall"},
               {{"stat"}, "'stat' is none of status, policy, firewall"},
               {{"status", "more"}, "'more' is one argument too many"},
               {{"policy", "a", "b"}, "'b' is one argument too many"},
               {{"policy", ""}, "VHOST is empty"},
               {{"--colour", "status"}, "'--colour' is not an option"},
               {{"status", "--colour"}, "'--colour' is not an option"},
               {{"-x", "status"}, "'-x' is not an option"},
               {{"--json=yes", "status"}, "json was given a disallowed"},
               {{"status", "--runtime-dir"}, "--runtime-dir"},
               {{"--runtime-dir", "run", "status"}, "--runtime-dir: must be an absolute path"},
               {{"status", "--remove"}, "--remove belongs to firewall"},
               {{"firewall", "--remove", "--json"}, "--remove has no JSON"},
               {{"firewall", "--remove", "--suggest"}, "--remove excludes --suggest"},
               {{"firewall", "--since", "7d"}, "--since requires --suggest"},
               {{"firewall", "--suggest", "--since", "7"}, "is no span"}};
  for (const auto& each : wrong) {
    const CommandLine line = parse(each.words);
    EXPECT_NE(line.error.find(each.part), std::string::npos) << each.part << " in: " << line.error;
    EXPECT_FALSE(line.run);
    EXPECT_TRUE(line.text.starts_with("usage: mailorigin ")) << line.text;
  }
}

}  // namespace
}  // namespace mailorigin::cli

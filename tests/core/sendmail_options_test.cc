#include "core/mail/sendmail_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mailorigin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

SendmailOptions read(const Words& words, std::size_t administrators = 0) {
  static Words kept;  // the result points into the words
  kept = words;
  return read_sendmail_options(kept, administrators);
}

TEST(SendmailOptions, FindsTheSenderInEveryForm) {
  const Words forms[] = {{"-fme@x"},
                         {"-f", "me@x"},
                         {"-rme@x"},
                         {"-r", "me@x"},
                         {"-t", "-i", "-fme@x"},
                         {"-ti", "-f", "me@x"},
                         {"-tif", "me@x"},
                         {"-tifme@x"},
                         {"-N", "never", "-fme@x"},
                         {"-odb", "-oi", "-F", "Me", "-f", "me@x"},
                         {"-O", "DeliveryMode=b", "-fme@x"},
                         {"-bm", "-em", "-fme@x"},
                         {"--from=me@x"},
                         {"--from", "me@x"}};
  for (const Words& form : forms) {
    const SendmailOptions found = read(form);
    EXPECT_THAT(found.senders, ElementsAre("me@x")) << testing::PrintToString(form);
    EXPECT_THAT(found.recipients, IsEmpty()) << testing::PrintToString(form);
    EXPECT_THAT(found.not_understood, IsEmpty()) << testing::PrintToString(form);
  }
}

TEST(SendmailOptions, HidesNoSenderBehindAnother) {
  EXPECT_THAT(read({"-fevil@x", "-fgood@x"}).senders, ElementsAre("evil@x", "good@x"));
  EXPECT_THAT(read({"-f", ""}).senders, ElementsAre(""));
}

// Exim's -N has no value, its -oMr has one in the next word, its -U and -G take
// whatever follows in the same one; dma's -D has none.
TEST(SendmailOptions, ASenderForOneProgramIsOne) {
  const Words forms[] = {{"-N", "-fme@x"}, {"-oMr", "-fme@x"},  {"-L", "-fme@x"},  {"-X", "-fme@x"},
                         {"-F", "-fme@x"}, {"-Uf", "me@x"},     {"-Gfme@x"},       {"-vxnfme@x"},
                         {"-Dfme@x"},      {"-qfme@x"},         {"a@b", "-fme@x"}, {"--", "-fme@x"},
                         {"-", "-fme@x"},  {"--", "-f", "me@x"}};
  for (const Words& form : forms) {
    EXPECT_THAT(read(form).senders, ElementsAre("me@x")) << testing::PrintToString(form);
  }
}

TEST(SendmailOptions, ARecipientForOneProgramIsOne) {
  EXPECT_THAT(read({"a@b", "c@d"}).recipients, ElementsAre("a@b", "c@d"));
  EXPECT_THAT(read({"-t", "--", "-a@b"}).recipients, ElementsAre("-a@b"));
  EXPECT_THAT(read({"-oi", "a@b"}).recipients, ElementsAre("a@b"));
  EXPECT_THAT(read({"-o", "a@b"}).recipients, ElementsAre("a@b"));
  // Postfix stops at the first word that is no option.
  EXPECT_THAT(read({"a@b", "-f", "c@d", "-fe@f", "-v", "g@h"}).recipients,
              ElementsAre("a@b", "c@d", "-fe@f", "g@h"));
  // What is a value for one program is an option with a value for another.
  EXPECT_THAT(read({"-Gf", "-r", "a@b"}).recipients, ElementsAre("a@b"));
  // And what is no option for one, behind a letter that takes the rest for nothing, has no value.
  EXPECT_THAT(read({"-Gf", "a@b", "-r", "c@d"}).recipients, ElementsAre("a@b", "c@d"));
  EXPECT_THAT(read({"-znF", "a@b"}).recipients, ElementsAre("a@b"));
  EXPECT_THAT(read({"-if", "a@b"}).recipients, IsEmpty());
  EXPECT_THAT(read({"-O", "-B", "a@b"}).recipients, ElementsAre("a@b"));
  EXPECT_THAT(read({"-oMr", "-F", "a@b"}).recipients, ElementsAre("a@b"));
  EXPECT_THAT(read({"-e", "-h", "a@b"}).recipients, ElementsAre("a@b"));
  EXPECT_THAT(read({"-d", "-F", "a@b"}).recipients, ElementsAre("a@b"));
  EXPECT_THAT(read({"-t", "--", "-a", "-b"}).recipients, ElementsAre("-a", "-b"));
}

TEST(SendmailOptions, NamesWhatItDoesNotUnderstand) {
  EXPECT_THAT(read({"--fro=me@x"}).not_understood, ElementsAre("--fro"));
  EXPECT_THAT(read({"--f", "me@x"}).not_understood, ElementsAre("--f"));
  EXPECT_THAT(read({"--x <me@x>"}).not_understood, ElementsAre("--x"));
  EXPECT_THAT(read({"--account=other"}).not_understood, ElementsAre("--account"));
  EXPECT_THAT(read({"-a", "other"}).not_understood, ElementsAre("-a"));
  EXPECT_THAT(read({"-C", "/tmp/rc"}).not_understood, ElementsAre("-C"));
  EXPECT_THAT(read({"-\xff"}).not_understood, ElementsAre("-?"));
  EXPECT_THAT(read({"-oMfme@x"}).not_understood, ElementsAre("-oM"));
  EXPECT_THAT(read({"-bv"}).not_understood, ElementsAre("-b"));
  EXPECT_THAT(read({"-F", "x\" <me@x> \""}).not_understood, ElementsAre("-F"));
}

TEST(SendmailOptions, SeesThatFromNamesTheSender) {
  EXPECT_TRUE(read({"-t", "--read-envelope-from"}).sender_from_header);
  EXPECT_TRUE(read({"msmtp", "--read-env", "-t"}, 3).sender_from_header);
  EXPECT_FALSE(read({"--read-recipients"}).sender_from_header);
}

TEST(SendmailOptions, SeesAnSmtpDialogue) {
  for (const Words& form : {Words{"-bs"}, Words{"-bS"}, Words{"-tbs"}, Words{"-b", "s"}}) {
    EXPECT_TRUE(read(form).smtp_dialogue) << testing::PrintToString(form);
  }
  EXPECT_FALSE(read({"-bm", "-s"}).smtp_dialogue);
}

TEST(SendmailOptions, SeesThatTheHeaderNamesRecipients) {
  for (const Words& form :
       {Words{"-t"}, Words{"-it"}, Words{"-Zt"}, Words{"-C", "-t"}, Words{"--read-recipients"}}) {
    EXPECT_TRUE(read(form).recipients_from_header) << testing::PrintToString(form);
  }
  EXPECT_FALSE(read({"-i", "-ft@x", "a@b"}).recipients_from_header);
}

TEST(SendmailOptions, SaysWhatTheProgramIsToDo) {
  EXPECT_EQ(read({"-t", "-i"}).mode, std::nullopt);
  const std::pair<Words, char> forms[] = {
      {{"-bm", "-t"}, 'm'},    {{"-bs"}, 's'},       {{"-oi", "-bS"}, 'S'}, {{"-bp"}, 'p'},
      {{"-bd", "-q30m"}, 'd'}, {{"-q"}, 'q'},        {{"-q", "-bm"}, 'm'},  {{"-I"}, 'i'},
      {{"-C", "-bm"}, 'm'},    {{"-bs", "-bs"}, 's'}};
  for (const auto& [words, mode] : forms) {
    EXPECT_EQ(read(words).mode, mode) << testing::PrintToString(words);
    EXPECT_TRUE(read(words).mode_is_sure) << testing::PrintToString(words);
  }
}

// One program would read a message where another speaks SMTP.
TEST(SendmailOptions, IsNotSureOfAModeThatDependsOnTheProgram) {
  for (const Words& form :
       {Words{"-C", "-bs"}, Words{"-bs", "-bm"}, Words{"-bp", "-bm"}, Words{"-b", "s"},
        Words{"-Gbs"}, Words{"-Z", "-bp"}, Words{"a@b", "-bp"}, Words{"--", "-bp"}}) {
    EXPECT_FALSE(read(form).mode_is_sure) << testing::PrintToString(form);
  }
}

TEST(SendmailOptions, TakesOnlySendersFromTheAdministrator) {
  const SendmailOptions found =
      read({"/usr/bin/env", "X=1", "msmtp", "-C", "/etc/rc", "--tls=on", "-f", "a@b", "-t"}, 9);
  EXPECT_THAT(found.senders, ElementsAre("a@b"));
  EXPECT_THAT(found.recipients, IsEmpty());
  EXPECT_THAT(found.not_understood, IsEmpty());
  EXPECT_THAT(read({"msmtp", "-amyfriend", "-t"}, 3).senders, IsEmpty());
  // Whose last option may take a word of the script's.
  EXPECT_THAT(read({"sendmail", "-t", "-f", "a@b", "c@d"}, 3).senders, ElementsAre("a@b"));
  EXPECT_THAT(read({"sendmail", "-t", "-f", "a@b", "c@d"}, 3).recipients, ElementsAre("c@d"));
  EXPECT_THAT(read({"sendmail", "-t", "--", "-fa@b"}, 3).recipients, ElementsAre("-fa@b"));
}

}  // namespace
}  // namespace mailorigin

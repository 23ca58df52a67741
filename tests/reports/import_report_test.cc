#include "reports/import_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mailorigin::reports {
namespace {

using Lines = std::vector<std::string>;

bool has_all(const std::string&) { return true; }

Lines directives(Product product, const std::string& text) {
  return import_report(product, text, has_all)["directives"].get<Lines>();
}

Lines notes(Product product, const std::string& text) {
  return import_report(product, text, has_all)["notes"].get<Lines>();
}

TEST(ImportReport, ReadsWhatCsfSaysOfMail) {
  const std::string text =
      "# SECTION:SMTP Settings\r\nTESTING = \"0\"\nSMTP_BLOCK = \"1\"\n"
      "SMTP_ALLOWLOCAL = \"1\"\nSMTP_REDIRECT = \"0\"\nSMTP_PORTS = \"25,465, 587\"\n"
      "SMTP_ALLOWUSER = \"cpanel,exim\"\nSMTP_ALLOWGROUP = \"mail,mailman\"\n"
      "SMTPAUTH_RESTRICT = \"0\"\nLF_SCRIPT_ALERT = \"1\"\nLF_SCRIPT_LIMIT = \"100\"\n"
      "LF_SCRIPT_PERM = \"0\"\nRT_RELAY_ALERT = \"1\"\n";
  EXPECT_EQ(directives(Product::csf, text),
            (Lines{"MailOriginFirewall On", "MailOriginSmtpPorts 25 465 587",
                   "MailOriginSmtpUsers cpanel exim @mail @mailman", "MailOriginSmtpLocal allow",
                   "MailOriginLimit 100/hour per=script action=observe"}));
  EXPECT_EQ(notes(Product::csf, text), (Lines{"RT_RELAY_ALERT: no directive does this",
                                              "SMTPAUTH_RESTRICT: no directive does this",
                                              "1 other setting is not about outgoing mail"}));
  EXPECT_EQ(
      directives(Product::csf, "SMTP_BLOCK=0\nSMTP_ALLOWLOCAL=0\nSMTP_REDIRECT='1' # relay\n"),
      (Lines{"MailOriginFirewall Off", "MailOriginSmtpLocal deny",
             "MailOriginSmtp redirect 127.0.0.1:25"}));
  EXPECT_EQ(directives(Product::csf,
                       "LF_SCRIPT_ALERT=1\nLF_SCRIPT_LIMIT=9\nLF_SCRIPT_PERM=1\nLF_SCRIPT_LIMIT=8"),
            Lines{"MailOriginLimit 8/hour per=script"});
}

TEST(ImportReport, ReadsWhatAslSaysOfMail) {
  EXPECT_EQ(directives(Product::asl, "FW_OUTPUT_MTA=\"yes\"\nFW_INBOUND=\"no\"\n"),
            Lines{"MailOriginFirewall On"});
  EXPECT_EQ(directives(Product::asl, "# who may\npostfix\n@mail\n#1001\n"),
            Lines{"MailOriginSmtpUsers postfix @mail"});
  EXPECT_EQ(directives(Product::asl, "FW_OUTPUT_MTA=no"), Lines{"MailOriginFirewall Off"});
}

TEST(ImportReport, NamesNoAccountThatThisMachineDoesNotHave) {
  const auto has = [](const std::string& account) {
    return account == "root" || account == "@mail";
  };
  const auto report = import_report(
      Product::csf, "SMTP_ALLOWUSER=cpanel,root\nSMTP_ALLOWGROUP=mail,mailman\n", has);
  EXPECT_EQ(report["directives"].get<Lines>(), Lines{"MailOriginSmtpUsers root @mail"});
  EXPECT_EQ(report["notes"].get<Lines>(),
            (Lines{"MailOriginSmtpUsers: left out, for this machine does not have it: cpanel",
                   "MailOriginSmtpUsers: left out, for this machine does not have it: @mailman"}));
  EXPECT_TRUE(account_is_there("root") && account_is_there("@root"));
  EXPECT_FALSE(account_is_there("no-such-user-here") || account_is_there("@no-such-group-here"));
}

TEST(ImportReport, LetsNoOtherTextIntoADirective) {
  const std::string text =
      "SMTP_PORTS = \"0,65536,-1,25\\nMailOriginFirewall Off,26\"\n"
      "SMTP_ALLOWUSER = \"a b,-x,;reboot,@@g,#x,\xff,ok\"\nLF_SCRIPT_ALERT = \"1\"\n"
      "LF_SCRIPT_LIMIT = \"100/hour action=observe\"\n";
  EXPECT_EQ(directives(Product::csf, text),
            (Lines{"MailOriginSmtpPorts 26", "MailOriginSmtpUsers ok"}));
  EXPECT_EQ(notes(Product::csf, text).size(), 11U);
}

TEST(ImportReport, SaysThatThereIsNothing) {
  for (const char* text : {"", "\n\n", "# nothing", "=", "==\n=\"", "SMTP_PORTS = \"", "\"\n'"}) {
    EXPECT_TRUE(directives(Product::csf, text).empty()) << text;
    EXPECT_EQ(notes(Product::csf, text).back(), "nothing about outgoing mail is set in this file");
  }
}

}  // namespace
}  // namespace mailorigin::reports

// What MailOrigin reads in a mail, for tests that compare it with a mail server.
//
//   mail_reading DOMAIN...
//
// Each line of its input is a mail in hexadecimal: headers, message and sendmail's
// arguments, separated by spaces; "-" is an empty one. Its answer is a line: how many
// recipients, and whether From and the envelope sender belong to the domains.
#include <iostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "core/mail/facts.h"
#include "mailorigind/judging/senders.h"

namespace {

std::string bytes(const std::string& hexadecimal) {
  std::string out;
  if (hexadecimal == "-") return out;
  for (std::size_t i = 0; i + 1 < hexadecimal.size(); i += 2) {
    out += static_cast<char>(std::stoi(hexadecimal.substr(i, 2), nullptr, 16));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace mailorigin;
  const std::vector<std::string> domains(argv + 1, argv + argc);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream parts(line);
    std::vector<std::string> words;
    for (std::string part; parts >> part;) words.push_back(bytes(part));
    if (words.size() < 2) return 1;
    MailText mail;
    mail.headers = words[0];
    mail.message = words[1];
    const MailFacts facts = examine_mail(mail, std::span(words).subspan(2));
    std::cout << facts.recipients << ' ' << daemon::from_belongs_to(facts.from, domains) << ' '
              << daemon::envelope_belongs_to(facts.envelope_from, domains) << '\n';
  }
  return 0;
}

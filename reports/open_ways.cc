#include "reports/open_ways.h"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "core/file.h"
#include "core/mail/main_cf.h"

namespace mailorigin::reports {

namespace {

constexpr const char* ours = "mailorigin-sendmail";
// The names that programs know sendmail by, and the way from each to where ours lies.
struct SendmailName {
  const char* way;
  std::string path;
  std::string to_ours;
};
const SendmailName sendmail_names[] = {
    {"sendmail", "/usr/sbin/sendmail", ""},
    // Of Exim, msmtp and dma, it leads to the program itself.
    {"lib-sendmail", "/usr/lib/sendmail", "../sbin/"},
};
constexpr const char* diverted = "/usr/sbin/sendmail.distrib";
constexpr const char* postdrop = "/usr/sbin/postdrop";
constexpr const char* nullmailer_queue = "/usr/sbin/nullmailer-queue";

bool is_there(const std::string& path) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0;
}

bool others_may_execute(const std::string& path) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0 && (about.st_mode & S_IXOTH) != 0;
}

bool leads_to_ours(const std::string& path) {
  std::error_code none;
  return std::filesystem::canonical(path, none).filename() == ours;
}

// The line that leaves a program to the group mailsubmit, and its other rights as they are.
// Debian's Exim, msmtp and dma have a link in sendmail's place: it is about where that leads.
std::string left_to_group(const std::string& root, const std::string& path,
                          const std::string& owner) {
  std::error_code none;
  const std::filesystem::path file = std::filesystem::canonical(root + path, none);
  const std::string name = "/" + file.lexically_relative(root.empty() ? "/" : root).string();
  struct stat about {};
  (void)stat(file.c_str(), &about);
  if ((about.st_mode & S_ISGID) != 0) return "setfacl -m g:mailsubmit:x,o::- " + name;
  const std::string mode = (about.st_mode & S_ISUID) != 0 ? "4750 " : "0750 ";
  return "dpkg-statoverride --update --add " + owner + " mailsubmit " + mode + name;
}

// Postfix delivers to mailboxes here, and reads what their owners have in .forward.
bool forwards_for_users(const std::string& root) {
  const auto text = read_file(root + main_cf_path, main_cf_limit);
  return text && main_cf_setting(*text, "mydestination") != "" &&
         main_cf_setting(*text, "forward_path") != "";
}

// The mail server's programs, which whoever executes them goes around mailorigin-sendmail by.
void find_programs(bool seen_in_queue, const std::string& root, std::vector<OpenWay>& ways) {
  const std::string seen =
      seen_in_queue ? "; the milter sees it in the queue, as unrecorded" : "; nobody sees it";
  const auto remedy = [&](const std::string& lines) {
    return seen_in_queue ? "MailOriginUnrecorded hold; or " + lines : lines;
  };
  for (const SendmailName& name : sendmail_names) {
    if (!is_there(root + name.path) || leads_to_ours(root + name.path)) continue;
    ways.push_back(
        {name.way,
         name.path +
             " is the mail server's own: what a script or a shell hands to it is not asked "
             "about, but by mail() and where sendmail_path names mailorigin-sendmail" +
             seen,
         remedy("dpkg-divert --local --rename --divert " + name.path + ".distrib --add " +
                name.path + "; ln -s " + name.to_ours + ours + " " + name.path)});
  }
  const std::string group =
      "addgroup --system mailsubmit; dpkg-statoverride --update --add root mailsubmit 2755 "
      "/usr/sbin/mailorigin-sendmail; ";
  if (others_may_execute(root + diverted)) {
    ways.push_back(
        {"real-sendmail",
         std::string(diverted) + " can be started by every user, around mailorigin-sendmail" + seen,
         remedy(group + left_to_group(root, diverted, "root"))});
  }
  if (others_may_execute(root + nullmailer_queue)) {
    ways.push_back(
        {"nullmailer-queue",
         std::string(nullmailer_queue) + " takes mail from every user, and nobody sees it",
         group + left_to_group(root, nullmailer_queue, "mail")});
  }
  if (others_may_execute(root + postdrop)) {
    ways.push_back(
        {"postdrop", std::string(postdrop) + " takes mail from every user" + seen,
         remedy("nothing for users who send mail; authorized_submit_users in main.cf for others")});
  }
}

}  // namespace

std::vector<OpenWay> find_open_ways(FirewallMode firewall, const AskedAbout& asked_about,
                                    const std::string& root) {
  std::vector<OpenWay> ways;
  if (!asked_about.by_exim && !(asked_about.by_milter && asked_about.unrecorded_is_held)) {
    find_programs(asked_about.by_milter, root, ways);
  }
  if (forwards_for_users(root)) {
    ways.push_back({"forward",
                    "a user with a mailbox here lists others in ~/.forward: one mail to oneself "
                    "leaves for all of them",
                    "forward_path = (empty) in main.cf, or mydestination = where nobody reads "
                    "mail here"});
  }
  if (firewall != FirewallMode::on) {
    ways.push_back(
        {"smtp", "every process can open a connection to an SMTP port", "MailOriginFirewall On"});
  }
  return ways;
}

}  // namespace mailorigin::reports

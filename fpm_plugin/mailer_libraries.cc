#include "fpm_plugin/mailer_libraries.h"

#include <algorithm>
#include <string_view>

namespace mailorigin::php {

namespace {

struct Library {
  // A namespace, or the beginning of a class's name, where it ends in \ or _; a
  // function's name where it ends in (); else a class.
  std::string_view code;
  // A part of its file's path, where the name alone could be anybody's. Empty: the file
  // is called after the class.
  std::string_view file{};
};

constexpr Library libraries[] = {
    // PHPMailer 6, and the single files of 5.x that thousands of sites still carry.
    {R"(PHPMailer\PHPMailer\)"},
    {"PHPMailer"},
    {"SMTP", "/class.smtp.php"},
    {"SMTP", "/class-smtp.php"},
    // Symfony's Mailer and Mime, and what carries a message between them.
    {R"(Symfony\Component\Mailer\)"},
    {R"(Symfony\Component\Mime\)"},
    {R"(Symfony\Component\Messenger\)"},
    {R"(Symfony\Component\Notifier\)"},
    {R"(Symfony\Bridge\Twig\Mime\)"},
    // Laravel's mailer, which wraps Symfony's (earlier SwiftMailer).
    {R"(Illuminate\Mail\)"},
    {R"(Illuminate\Notifications\)"},
    {R"(Illuminate\Support\Facades\)"},
    // SwiftMailer.
    {"Swift_"},
    // Laminas Mail, and Zend Framework 2 and 1 before it.
    {R"(Laminas\Mail\)"},
    {R"(Zend\Mail\)"},
    {"Zend_Mail"},
    {"Zend_Mail_"},
    // Nette.
    {R"(Nette\Mail\)"},
    // PEAR's Mail with its drivers, and Horde's.
    {"Mail", "/php/Mail.php"},
    {"Mail", "/pear/Mail.php"},
    {"Mail", "/pear/mail/Mail.php"},
    {"Mail_mail"},
    {"Mail_sendmail"},
    {"Mail_smtp"},
    {"Mail_smtpmx"},
    {"Net_SMTP"},
    {"Horde_Mail_"},
    {"Horde_Mime_Mail"},
    {"Horde_Smtp"},
    // Monolog, whose handlers mail what an application logs.
    {R"(Monolog\)"},
    {R"(Illuminate\Log\)"},
    // WordPress: wp_mail() itself, its PHPMailer, and plugins in its place.
    {"wp_mail()", "/wp-includes/pluggable.php"},
    {"WP_PHPMailer"},
    {R"(WPMailSMTP\)"},
    // CakePHP 3 and later, and CakePHP 2.
    {R"(Cake\Mailer\)"},
    {"CakeEmail", "/Network/Email/"},
    {"MailTransport", "/Network/Email/"},
    // CodeIgniter 4 and 3.
    {R"(CodeIgniter\Email\)"},
    {"CI_Email"},
    // Yii 2 with its mailer extensions, and Yii 3.
    {R"(yii\mail\)"},
    {R"(yii\swiftmailer\)"},
    {R"(yii\symfonymailer\)"},
    {R"(Yiisoft\Mailer\)"},
    // Joomla 3 and later, and earlier.
    {R"(Joomla\CMS\Mail\)"},
    {"JMail", "/joomla/mail/mail.php"},
    // Drupal 8 and later, and Drupal 7.
    {R"(Drupal\Core\Mail\)"},
    {R"(Drupal\Core\Render\Renderer)"},
    {"DefaultMailSystem", "/modules/system/system.mail.inc"},
    {"drupal_mail()", "/includes/mail.inc"},
    // DokuWiki, MediaWiki, DAViCal's AWL, TYPO3, Nextcloud, Moodle, phpBB.
    {"Mailer", "/inc/Mailer.class.php"},
    {"UserMailer"},
    {R"(MediaWiki\Mail\)"},
    {"EMail", "/inc/EMail.php"},
    {R"(TYPO3\CMS\Core\Mail\)"},
    {R"(OC\Mail\)"},
    {"email_to_user()", "/lib/moodlelib.php"},
    {"messenger", "/includes/functions_messenger.php"},
    {"phpbb_mail()", "/includes/functions_messenger.php"},
};

std::string_view view(const zend_string* text) {
  return text ? std::string_view(ZSTR_VAL(text), ZSTR_LEN(text)) : std::string_view();
}

// What a frame runs: the name as Library::code has it, and the file that it should be
// in, which for a method of a trait is not the frame's.
struct Code {
  std::string_view name;  // without () for a function; empty for a file's own code
  bool is_function = false;
  std::string_view file;
};

Code code_of(const zend_op_array& code) {
  const zend_class_entry* const scope = code.scope;
  if (scope && scope->type == ZEND_USER_CLASS) {
    return {view(scope->name), false, view(scope->info.user.filename)};
  }
  return {view(code.function_name), true, view(code.filename)};
}

char folded(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
         : character == '-'                   ? '_'
                                              : character;
}

bool contains_folded(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) { return folded(a) == folded(b); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

std::string_view behind_last(std::string_view text, char separator) {
  return text.substr(text.rfind(separator) + 1);
}

// "PHPMailer.php", "class.phpmailer.php" and "class-wp-phpmailer.php"; Horde_Mail_Rfc822
// is in "Rfc822.php".
bool is_called_after(std::string_view file, std::string_view class_name) {
  const std::string_view base = behind_last(file, '/');
  const std::string_view name = behind_last(class_name, '\\');
  if (contains_folded(base, name)) return true;
  const std::string_view last_part = behind_last(name, '_');
  return last_part.size() < name.size() && base.substr(0, base.find('.')) == last_part;
}

// A library that was put into a namespace of somebody's own (PHP-Scoper) keeps its name
// behind that.
bool is_named(std::string_view name, std::string_view pattern) {
  const bool is_beginning = pattern.ends_with('\\') || pattern.ends_with('_');
  for (std::size_t at = name.find(pattern); at != name.npos; at = name.find(pattern, at + 1)) {
    if (at > 0 && name[at - 1] != '\\') continue;
    if (is_beginning || at + pattern.size() == name.size()) return true;
  }
  return false;
}

bool is_named(const Code& code, std::string_view pattern) {
  if (pattern.ends_with('\\')) return is_named(code.name, pattern);
  if (pattern.ends_with("()") != code.is_function) return false;
  if (code.is_function) pattern.remove_suffix(2);
  return is_named(code.name, pattern);
}

bool belongs_to(const Code& code, const Library& library) {
  if (!is_named(code, library.code)) return false;
  return library.file.empty() ? is_called_after(code.file, code.name)
                              : code.file.find(library.file) != code.file.npos;
}

}  // namespace

bool is_mailer_library(const zend_op_array& op_array, const std::vector<std::string>& more) {
  // mailorigin.mailers
  const Code code = code_of(op_array);
  for (const std::string& pattern : more) {
    const bool is_path = pattern.find('/') != pattern.npos;
    if (is_path ? view(op_array.filename).find(pattern) != std::string_view::npos
                : is_named(code, pattern)) {
      return true;
    }
  }
  return std::any_of(std::begin(libraries), std::end(libraries),
                     [&](const Library& library) { return belongs_to(code, library); });
}

}  // namespace mailorigin::php

#include "fpm_plugin/mailer_libraries.h"

#include <algorithm>
#include <array>

namespace mailorigin::php {

namespace {

// Parts of a path. They name a directory or file that the library itself chose;
// a directory where an application merely keeps libraries ("vendor") is not one.
constexpr std::string_view library_paths[] = {
    // PHPMailer: by Composer, as Debian packages it, unpacked from its archive
    // (6.x), and as the single files of 5.x that thousands of sites still carry.
    "/phpmailer/phpmailer/",
    "/libphp-phpmailer/",
    "/PHPMailer/src/",
    "/PHPMailer/PHPMailer.php",
    "/class.phpmailer.php",
    // Symfony's Mailer and Mime: by Composer as components and inside the framework.
    "/symfony/mailer/",
    "/symfony/mime/",
    "/Symfony/Component/Mailer/",
    "/Symfony/Component/Mime/",
    // Laravel's mailer, which wraps Symfony's (earlier SwiftMailer).
    "/Illuminate/Mail/",
    // SwiftMailer: by Composer, and its class tree copied into a project.
    "/swiftmailer/swiftmailer/",
    "/classes/Swift/",
    "/Swift/Transport/",
    "/Swift/Mailer.php",
    // Laminas Mail, and Zend Framework 2 and 1 before it.
    "/laminas/laminas-mail/",
    "/zendframework/zend-mail/",
    "/Zend/Mail/",
    "/Zend/Mail.php",
    // Nette Mail: by Composer, and inside the framework.
    "/nette/mail/",
    "/Nette/Mail/",
    // PEAR Mail: Debian's and PEAR's own directory, its drivers, Composer's copy.
    "/share/php/Mail.php",
    "/pear/Mail.php",
    "/Mail/mail.php",
    "/Mail/sendmail.php",
    "/pear/mail/",
    // WordPress: wp_mail() itself and the PHPMailer that it brings (5.5 and later, earlier).
    "/wp-includes/pluggable.php",
    "/wp-includes/PHPMailer/",
    "/wp-includes/class-phpmailer.php",
    "/wp-includes/class-wp-phpmailer.php",
    // CakePHP 3 and later, and CakePHP 2.
    "/cakephp/src/Mailer/",
    "/Cake/Mailer/",
    "/Cake/Network/Email/",
    // CodeIgniter 4 and 3.
    "/system/Email/Email.php",
    "/codeigniter4/framework/system/Email/",
    "/system/libraries/Email.php",
    // Yii 2 with its mailer extensions, and Yii 3.
    "/yiisoft/yii2/mail/",
    "/yiisoft/yii2-swiftmailer/",
    "/yiisoft/yii2-symfonymailer/",
    "/yiisoft/mailer",
    // Joomla 3 and later, and earlier.
    "/libraries/src/Mail/",
    "/libraries/joomla/mail/",
    // Drupal 8 and later, and Drupal 7.
    "/core/lib/Drupal/Core/Mail/",
    "/modules/system/system.mail.inc",
    "/includes/mail.inc",
};

}  // namespace

bool is_mailer_library(std::string_view file) {
  return std::any_of(std::begin(library_paths), std::end(library_paths),
                     [&](std::string_view part) { return file.find(part) != file.npos; });
}

}  // namespace mailorigin::php

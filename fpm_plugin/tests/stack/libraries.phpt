--TEST--
Which code counts as a mailer library: by its class, function and namespace, wherever it was put
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
$number = 0;
// Makes the file with the class or function that is named, and has it send.
function send_from(string $path, string $code): void
{
    global $number;
    $number++;
    $file = test_file("site$number/$path");
    @mkdir(dirname($file), 0777, true);
    [$namespace, $name] = str_contains($code, '\\') ? [preg_replace('/\\\\\w*(\(\))?$/', '', $code), preg_replace('/^.*\\\\/', '', $code)] : ['', $code];
    $body = "{ return mail('to@example.com', '" . addslashes("$code in $path") . "', 'Body'); }";
    $send = $code === '' ? "\$GLOBALS['sender'] = null; return mail('to@example.com', '(no function) in $path', 'Body');"
        : (str_ends_with($name, '()') ? "function $name $body \$GLOBALS['sender'] = __NAMESPACE__ . '\\" . substr($name, 0, -2) . "';"
        : "class $name { static function send() $body } \$GLOBALS['sender'] = [$name::class, 'send'];");
    file_put_contents($file, '<?php ' . ($namespace ? "namespace $namespace; " : '') . $send);
    require $file;
    if ($GLOBALS['sender']) {
        ($GLOBALS['sender'])();
    }
}
$libraries = [
    ['vendor/phpmailer/phpmailer/src/PHPMailer.php', 'PHPMailer\PHPMailer\PHPMailer'], ['PHPMailer-master/src/SMTP.php', 'PHPMailer\PHPMailer\SMTP'],
    ['PHPMailer-6.9.1/src/POP3.php', 'PHPMailer\PHPMailer\POP3'], ['lib/phpmailer/phpmailer.php', 'Acme\Scoped\PHPMailer\PHPMailer\PHPMailer'], ['lib/class.phpmailer.php', 'PHPMailer'],
    ['lib/class.smtp.php', 'SMTP'], ['vendor/symfony/mailer/Transport/SendmailTransport.php', 'Symfony\Component\Mailer\Transport\SendmailTransport'],
    ['vendor/symfony/mime/Email.php', 'Symfony\Component\Mime\Email'], ['vendor/swiftmailer/swiftmailer/lib/classes/Swift/Transport/MailTransport.php', 'Swift_Transport_MailTransport'],
    ['vendor/laminas/laminas-mail/src/Transport/Sendmail.php', 'Laminas\Mail\Transport\Sendmail'], ['library/Zend/Mail/Transport/Sendmail.php', 'Zend_Mail_Transport_Sendmail'],
    ['vendor/nette/mail/src/Mail/SendmailMailer.php', 'Nette\Mail\SendmailMailer'], ['share/php/Mail/mail.php', 'Mail_mail'], ['share/php/Mail.php', 'Mail'],
    ['share/php/Horde/Mail/Transport/Mail.php', 'Horde_Mail_Transport_Mail'], ['vendor/monolog/monolog/src/Monolog/Handler/NativeMailerHandler.php', 'Monolog\Handler\NativeMailerHandler'],
    ['wp-includes/pluggable.php', 'wp_mail()'], ['wp-includes/class-wp-phpmailer.php', 'WP_PHPMailer'], ['vendor/cakephp/cakephp/src/Mailer/Transport/MailTransport.php', 'Cake\Mailer\Transport\MailTransport'],
    ['system/Email/Email.php', 'CodeIgniter\Email\Email'], ['system/libraries/Email.php', 'CI_Email'], ['vendor/yiisoft/yii2-swiftmailer/src/Mailer.php', 'yii\swiftmailer\Mailer'],
    ['libraries/src/Mail/Mail.php', 'Joomla\CMS\Mail\Mail'], ['core/lib/Drupal/Core/Mail/Plugin/Mail/PhpMail.php', 'Drupal\Core\Mail\Plugin\Mail\PhpMail'],
    ['modules/system/system.mail.inc', 'DefaultMailSystem'], ['vendor/laravel/framework/src/Illuminate/Mail/Mailer.php', 'Illuminate\Mail\Mailer'],
    ['inc/Mailer.class.php', 'Mailer'], ['includes/mail/UserMailer.php', 'UserMailer'], ['awl/inc/EMail.php', 'EMail'],
];
$others = [
    ['wp-content/plugins/contact/send.php', 'contact_send()'], ['app/Mailer/OrderMailer.php', 'Acme\OrderMailer'], ['app/mail.php', 'Acme\Mail'], ['mail.php', ''],
    // Dropped by hand: without a class, with one of its own, with one that is called like the library's.
    ['vendor/phpmailer/phpmailer/src/x.php', ''], ['vendor/phpmailer/phpmailer/src/cache.php', 'dropped()'], ['vendor/symfony/mailer/Evil.php', 'Evil'],
    ['vendor/symfony/mailer/Transport/x.php', 'Symfony\Component\Mailer\Transport\NullTransport'], ['wp-includes/PHPMailer/mailer.php', 'wp_mailer()'], ['wp-includes/pluggable.php', 'other()'],
];
foreach ([...$libraries, ...$others] as [$path, $code]) {
    send_from($path, $code);
}
foreach (questions() as $question) {
    echo str_contains($question['caller'], 'libraries.php:') ? 'library ' : 'caller ', str_replace('\\\\', '\\', $question['subject']), "\n";
}
--EXPECT--
library PHPMailer\PHPMailer\PHPMailer in vendor/phpmailer/phpmailer/src/PHPMailer.php
library PHPMailer\PHPMailer\SMTP in PHPMailer-master/src/SMTP.php
library PHPMailer\PHPMailer\POP3 in PHPMailer-6.9.1/src/POP3.php
library Acme\Scoped\PHPMailer\PHPMailer\PHPMailer in lib/phpmailer/phpmailer.php
library PHPMailer in lib/class.phpmailer.php
library SMTP in lib/class.smtp.php
library Symfony\Component\Mailer\Transport\SendmailTransport in vendor/symfony/mailer/Transport/SendmailTransport.php
library Symfony\Component\Mime\Email in vendor/symfony/mime/Email.php
library Swift_Transport_MailTransport in vendor/swiftmailer/swiftmailer/lib/classes/Swift/Transport/MailTransport.php
library Laminas\Mail\Transport\Sendmail in vendor/laminas/laminas-mail/src/Transport/Sendmail.php
library Zend_Mail_Transport_Sendmail in library/Zend/Mail/Transport/Sendmail.php
library Nette\Mail\SendmailMailer in vendor/nette/mail/src/Mail/SendmailMailer.php
library Mail_mail in share/php/Mail/mail.php
library Mail in share/php/Mail.php
library Horde_Mail_Transport_Mail in share/php/Horde/Mail/Transport/Mail.php
library Monolog\Handler\NativeMailerHandler in vendor/monolog/monolog/src/Monolog/Handler/NativeMailerHandler.php
library wp_mail() in wp-includes/pluggable.php
library WP_PHPMailer in wp-includes/class-wp-phpmailer.php
library Cake\Mailer\Transport\MailTransport in vendor/cakephp/cakephp/src/Mailer/Transport/MailTransport.php
library CodeIgniter\Email\Email in system/Email/Email.php
library CI_Email in system/libraries/Email.php
library yii\swiftmailer\Mailer in vendor/yiisoft/yii2-swiftmailer/src/Mailer.php
library Joomla\CMS\Mail\Mail in libraries/src/Mail/Mail.php
library Drupal\Core\Mail\Plugin\Mail\PhpMail in core/lib/Drupal/Core/Mail/Plugin/Mail/PhpMail.php
library DefaultMailSystem in modules/system/system.mail.inc
library Illuminate\Mail\Mailer in vendor/laravel/framework/src/Illuminate/Mail/Mailer.php
library Mailer in inc/Mailer.class.php
library UserMailer in includes/mail/UserMailer.php
library EMail in awl/inc/EMail.php
caller contact_send() in wp-content/plugins/contact/send.php
caller Acme\OrderMailer in app/Mailer/OrderMailer.php
caller Acme\Mail in app/mail.php
caller (no function) in mail.php
caller (no function) in vendor/phpmailer/phpmailer/src/x.php
caller dropped() in vendor/phpmailer/phpmailer/src/cache.php
caller Evil in vendor/symfony/mailer/Evil.php
caller Symfony\Component\Mailer\Transport\NullTransport in vendor/symfony/mailer/Transport/x.php
caller wp_mailer() in wp-includes/PHPMailer/mailer.php
caller other() in wp-includes/pluggable.php

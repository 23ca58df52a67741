--TEST--
Which files count as a mailer library
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
$libraries = ['vendor/phpmailer/phpmailer/src/PHPMailer.php', 'PHPMailer/src/PHPMailer.php', 'lib/class.phpmailer.php',
    'vendor/symfony/mailer/Transport/SendmailTransport.php', 'vendor/symfony/mime/Email.php', 'vendor/swiftmailer/swiftmailer/lib/classes/Swift/Mailer.php',
    'vendor/laminas/laminas-mail/src/Transport/Sendmail.php', 'library/Zend/Mail/Transport/Sendmail.php', 'vendor/nette/mail/src/Mail/SendmailMailer.php',
    'share/php/Mail/mail.php', 'wp-includes/pluggable.php', 'wp-includes/PHPMailer/PHPMailer.php', 'vendor/cakephp/cakephp/src/Mailer/Transport/MailTransport.php',
    'system/Email/Email.php', 'system/libraries/Email.php', 'vendor/yiisoft/yii2-swiftmailer/src/Mailer.php', 'libraries/src/Mail/Mail.php',
    'core/lib/Drupal/Core/Mail/Plugin/Mail/PhpMail.php', 'modules/system/system.mail.inc', 'vendor/laravel/framework/src/Illuminate/Mail/Mailer.php'];
$others = ['wp-content/plugins/contact/send.php', 'vendor/acme/app/Mail.php', 'app/Mailer/OrderMailer.php', 'mail.php', 'vendor/autoload.php'];
foreach ([...$libraries, ...$others] as $number => $path) {
    $file = test_file("site/$path");
    @mkdir(dirname($file), 0777, true);
    file_put_contents($file, "<?php function send$number() { return mail('to@example.com', '$path', 'Body'); }");
    require $file;
    ("send$number")();
}
foreach (questions() as $question) {
    echo str_contains($question['caller'], 'libraries.php:') ? 'library ' : 'caller ', $question['subject'], "\n";
}
--EXPECT--
library vendor/phpmailer/phpmailer/src/PHPMailer.php
library PHPMailer/src/PHPMailer.php
library lib/class.phpmailer.php
library vendor/symfony/mailer/Transport/SendmailTransport.php
library vendor/symfony/mime/Email.php
library vendor/swiftmailer/swiftmailer/lib/classes/Swift/Mailer.php
library vendor/laminas/laminas-mail/src/Transport/Sendmail.php
library library/Zend/Mail/Transport/Sendmail.php
library vendor/nette/mail/src/Mail/SendmailMailer.php
library share/php/Mail/mail.php
library wp-includes/pluggable.php
library wp-includes/PHPMailer/PHPMailer.php
library vendor/cakephp/cakephp/src/Mailer/Transport/MailTransport.php
library system/Email/Email.php
library system/libraries/Email.php
library vendor/yiisoft/yii2-swiftmailer/src/Mailer.php
library libraries/src/Mail/Mail.php
library core/lib/Drupal/Core/Mail/Plugin/Mail/PhpMail.php
library modules/system/system.mail.inc
library vendor/laravel/framework/src/Illuminate/Mail/Mailer.php
caller wp-content/plugins/contact/send.php
caller vendor/acme/app/Mail.php
caller app/Mailer/OrderMailer.php
caller mail.php
caller vendor/autoload.php

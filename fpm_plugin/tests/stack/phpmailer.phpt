--TEST--
The caller is who uses PHPMailer
--EXTENSIONS--
ctype
--SKIPIF--
<?php
if (!file_exists('/usr/share/php/libphp-phpmailer/autoload.php')) die('skip needs libphp-phpmailer');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require '/usr/share/php/libphp-phpmailer/autoload.php';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
function send_order(): bool
{
    $mail = new PHPMailer\PHPMailer\PHPMailer(true);
    $mail->isMail();
    $mail->setFrom('shop@example.com', 'Shop');
    $mail->addAddress('to@example.com');
    $mail->addBCC('bcc@example.com');
    $mail->Subject = 'Order';
    $mail->Body = 'Thank you';
    return $mail->send();
}
var_dump(send_order());
$mail = take_mail();
echo preg_match('/^X-Mail-Origin: \w+/m', $mail, $header) ? $header[0] : 'no header', "\n";
show_questions('caller', 'file', 'entry', 'from', 'recipients');
echo preg_replace('~/usr/share/php/libphp-phpmailer/~', '(library)/', preg_replace('~:\d+~', ':N', questions()[0]['stack'])), "\n";
--EXPECTF--
bool(true)
X-Mail-Origin: 01TEST
caller=/stack/phpmailer.php:14
file=/usr/share/php/libphp-phpmailer/src/PHPMailer.php
entry=/stack/phpmailer.php
from=Shop <shop@example.com>
recipients=2
1 asked
(library)/src/PHPMailer.php:N < (library)/src/PHPMailer.php:N < (library)/src/PHPMailer.php:N < (library)/src/PHPMailer.php:N < %sphpmailer.php:N < %sphpmailer.php:N

<?php
// A page that sends through PHPMailer, and tries to pass off an origin of its own.
require '/usr/share/php/libphp-phpmailer/autoload.php';

use PHPMailer\PHPMailer\PHPMailer;

$mailer = new PHPMailer(true);
$mailer->isMail();
$mailer->setFrom('orders@shop.example', 'Shop');
$mailer->addAddress('ann@example.org', 'Ann');
$mailer->addBCC('books@shop.example');
$mailer->addCustomHeader('X-Mail-Origin', 'forged');
$mailer->Subject = 'Your order 17';
$mailer->Body = "Thank you.\n";
$mailer->send();
echo "sent\n";

<?php // PHPMailer | isSendmail() | submit
require 'libphp-phpmailer/autoload.php';
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->isSendmail();
$mail->setFrom('me@shop.example');
$mail->addAddress('to@example.org');
$mail->Subject = $_GET['mark'];
$mail->Body = 'body';
var_dump($mail->send()); # here

<?php // PHPMailer | isSMTP() | smtp
require 'libphp-phpmailer/autoload.php';
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->isSMTP();
$mail->Host = "127.0.0.1";
$mail->SMTPAutoTLS = false;
$mail->setFrom('me@shop.example');
$mail->addAddress('to@example.org');
$mail->Subject = $_GET['mark'];
$mail->Body = 'body';
var_dump($mail->send()); # here

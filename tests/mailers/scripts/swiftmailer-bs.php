<?php // SwiftMailer | sendmail -bs | submit
error_reporting(E_ALL & ~E_DEPRECATED);
require 'Egulias/EmailValidator/autoload.php';
require 'Swift/swift_required.php';
$mail = (new Swift_Message($_GET['mark']))->setFrom('me@shop.example')->setTo('to@example.org')->setBody('body');
var_dump((new Swift_Mailer(new Swift_SendmailTransport('/usr/sbin/sendmail -bs')))->send($mail) === 1); # here

<?php // DokuWiki | Mailer | mail
error_reporting(E_ALL & ~E_DEPRECATED);
define('NOSESSION', true);
require '/usr/share/dokuwiki/inc/init.php';
$mail = new Mailer();
$mail->to('to@example.org');
$mail->subject($_GET['mark']);
$mail->setBody('body');
var_dump($mail->send()); # here

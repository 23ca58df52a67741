<?php // Roundcube | SMTP, its only way | smtp
error_reporting(E_ALL & ~E_DEPRECATED);
define('INSTALL_PATH', '/var/lib/roundcube/');
require INSTALL_PATH . 'program/include/iniset.php';
$mail = new Mail_mime();
$mail->headers(['From' => 'me@shop.example', 'To' => 'to@example.org', 'Subject' => $_GET['mark']]);
$mail->setTXTBody('body');
rcube::get_instance()->set_user(new rcube_user(null, ['user_id' => 1, 'username' => 'me', 'preferences' => '']));
var_dump(rcube::get_instance()->deliver_message($mail, 'me@shop.example', 'to@example.org', $error) ?: $error); # here

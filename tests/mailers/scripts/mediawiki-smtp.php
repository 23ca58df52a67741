<?php // MediaWiki | smtp | smtp
error_reporting(E_ALL & ~E_DEPRECATED);
putenv('MW_INSTALL_PATH=/usr/share/mediawiki');
require '/usr/share/mediawiki/includes/WebStart.php';
$wgSMTP = ['host' => '127.0.0.1', 'IDHost' => 'shop.example', 'port' => 25, 'auth' => false];
$status = UserMailer::send(new MailAddress('to@example.org'), new MailAddress('me@shop.example'), $_GET['mark'], 'a body of some length'); # here
var_dump($status->isGood() ?: $status->getErrorsArray());

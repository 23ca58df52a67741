<?php // Symfony Mailer | sendmail://, -bs | submit
require 'Symfony/Component/Mailer/autoload.php';
$mail = (new Symfony\Component\Mime\Email())->from('me@shop.example')->to('to@example.org')->subject($_GET['mark'])->text('body');
(new Symfony\Component\Mailer\Mailer(Symfony\Component\Mailer\Transport::fromDsn('sendmail://default?command=/usr/sbin/sendmail%20-bs')))->send($mail); # here
var_dump(true);

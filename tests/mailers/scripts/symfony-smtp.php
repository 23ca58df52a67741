<?php // Symfony Mailer | smtp:// | smtp
require 'Symfony/Component/Mailer/autoload.php';
$mail = (new Symfony\Component\Mime\Email())->from('me@shop.example')->to('to@example.org')->subject($_GET['mark'])->text('body');
(new Symfony\Component\Mailer\Mailer(Symfony\Component\Mailer\Transport::fromDsn('smtp://127.0.0.1:25')))->send($mail); # here
var_dump(true);

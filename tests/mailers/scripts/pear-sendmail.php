<?php // PEAR Mail | sendmail | submit
require 'Mail.php';
$mailer = @Mail::factory('sendmail', []);
var_dump(@$mailer->send('to@example.org', ['From' => 'me@shop.example', 'To' => 'to@example.org', 'Subject' => $_GET['mark']], 'body')); # here

<?php // PEAR Mail | mail | mail
require 'Mail.php';
$mailer = @Mail::factory('mail', []);
var_dump(@$mailer->send('to@example.org', ['From' => 'me@shop.example', 'To' => 'to@example.org', 'Subject' => $_GET['mark']], 'body')); # here

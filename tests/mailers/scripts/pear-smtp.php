<?php // PEAR Mail | smtp | smtp
require 'Mail.php';
$mailer = @Mail::factory('smtp', ['host' => '127.0.0.1', 'auth' => false]);
var_dump(@$mailer->send('to@example.org', ['From' => 'me@shop.example', 'To' => 'to@example.org', 'Subject' => $_GET['mark']], 'body')); # here

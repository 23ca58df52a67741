<?php // Horde Mail | Mail | mail
error_reporting(E_ALL & ~E_DEPRECATED);
spl_autoload_register(fn($class) => (@include strtr($class, ['_' => '/', '\\' => '/']) . '.php'));
$mailer = new Horde_Mail_Transport_Mail([]);
$mailer->send('to@example.org', ['From' => 'me@shop.example', 'To' => 'to@example.org', 'Subject' => $_GET['mark']], 'body'); # here
var_dump(true);

--TEST--
A script cannot change the settings
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
foreach (['mailorigin.enabled' => '0', 'mailorigin.socket' => '/tmp/mine', 'mailorigin.on_failure' => 'deny', 'mailorigin.timeout_ms' => '1'] as $name => $value) {
    $before = ini_get($name);
    echo $name, ' ', json_encode([ini_set($name, $value), ini_get($name) === $before]), "\n";
    ini_restore($name);
}
mail('to@example.com', 'Subject', 'Body');
show_mail();
--EXPECT--
mailorigin.enabled [false,true]
mailorigin.socket [false,true]
mailorigin.on_failure [false,true]
mailorigin.timeout_ms [false,true]
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.

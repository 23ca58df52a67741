--TEST--
A script's name with line ends puts no field before ours through mail.add_x_header
--INI--
mail.add_x_header=1
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$script = test_file("a\r\nX-Mail-Origin: false\r\nB: b.php");
file_put_contents($script, '<?php
var_dump(mail("to@example.com", "Subject", "Body", "A: 1"), mail("to@example.com", "Subject", "Body"), error_log("Body", 1, "to@example.com"));');
require $script;
show_mail();
var_dump(mail('to@example.com', 'Subject', 'Body'));
echo preg_match('/^X-PHP-Originating-Script: \d+:script_name\.php\r?$/m', take_mail()), " with PHP's field\n";
--EXPECT--
bool(true)
bool(true)
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
A: 1

Body
.
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
arguments <>
context <>
To: to@example.com
Subject: PHP error_log message
X-Mail-Origin: 01TEST

Body
.
bool(true)
1 with PHP's field

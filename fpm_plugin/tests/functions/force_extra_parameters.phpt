--TEST--
mail.force_extra_parameters stands for the script's own, as PHP has it
--INI--
mail.force_extra_parameters=-fforced@example.com
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
mail('to@example.com', 'Subject', 'Body', '', '-fmine@example.com');
show_mail();
show_questions('envelope_from', 'recipients');
--EXPECT--
arguments <-fforced@example.com>
context <>
To: to@example.com
Subject: Subject

Body
.
envelope_from=forced@example.com
recipients=1
1 asked

--TEST--
A frame of eval()'d code is marked
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
eval('mail("direct@example.com", "Subject", "Body");');
eval('function made() { mail("made@example.com", "Subject", "Body"); }');
made();
function plain() { mail('plain@example.com', 'Subject', 'Body'); }
eval('plain();');
plain();
show_questions('to', 'eval', 'file', 'caller', 'stack');
--EXPECT--
to=direct@example.com
eval=true
file=/calls/eval.php(4) : eval()'d code
caller=/calls/eval.php(4) : eval()'d code:1
stack=/calls/eval.php(4) : eval()'d code:1 < /calls/eval.php:4
to=made@example.com
eval=true
file=/calls/eval.php(5) : eval()'d code
caller=/calls/eval.php(5) : eval()'d code:1
stack=/calls/eval.php(5) : eval()'d code:1 < /calls/eval.php:6
to=plain@example.com
eval=true
file=/calls/eval.php
caller=/calls/eval.php:7
stack=/calls/eval.php:7 < /calls/eval.php(8) : eval()'d code:1 < /calls/eval.php:8
to=plain@example.com
eval=(unknown)
file=/calls/eval.php
caller=/calls/eval.php:7
stack=/calls/eval.php:7 < /calls/eval.php:9
4 asked

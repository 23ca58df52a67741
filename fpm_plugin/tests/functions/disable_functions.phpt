--TEST--
disable_functions still works
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
--INI--
disable_functions=mail
--FILE--
<?php
var_dump(function_exists('mail'));
try {
    mail('to@example.com', 'Subject', 'Body');
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
--EXPECT--
bool(false)
Call to undefined function mail()

--TEST--
disable_functions still works
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

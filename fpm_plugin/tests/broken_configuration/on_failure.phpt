--TEST--
mailorigin.on_failure: what is not accepted is reported, the default used
--INI--
mailorigin.on_failure=perhaps
--FILE--
<?php
var_dump(ini_get('mailorigin.on_failure'));
--EXPECT--
Warning: MO0302: mailorigin.on_failure: "perhaps" is not accepted: it takes allow or deny; the default is used in Unknown on line 0
string(5) "allow"

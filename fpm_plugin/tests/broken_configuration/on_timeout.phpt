--TEST--
mailorigin.on_timeout: what is not accepted is reported, the default used
--INI--
mailorigin.on_timeout=perhaps
--FILE--
<?php
var_dump(ini_get('mailorigin.on_timeout'));
--EXPECT--
Warning: MO0302: mailorigin.on_timeout: "perhaps" is not accepted: it takes allow or deny; the default is used in Unknown on line 0
string(4) "deny"

--TEST--
mailorigin.enabled: what is not accepted is reported, the default used
--INI--
mailorigin.enabled=maybe
--FILE--
<?php
var_dump(ini_get('mailorigin.enabled'));
--EXPECT--
Warning: MO0302: mailorigin.enabled: "maybe" is not accepted: it takes 0 or 1; the default is used in Unknown on line 0
string(1) "1"

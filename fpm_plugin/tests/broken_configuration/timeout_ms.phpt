--TEST--
mailorigin.timeout_ms: what is not accepted is reported, the default used
--INI--
mailorigin.timeout_ms=0
--FILE--
<?php
var_dump(ini_get('mailorigin.timeout_ms'));
--EXPECT--
Warning: MO0302: mailorigin.timeout_ms: "0" is not accepted: it takes milliseconds from 1 to 60000; the default is used in Unknown on line 0
string(3) "250"

--TEST--
mailorigin.patience_ms: what is not accepted is reported, the default used
--INI--
mailorigin.patience_ms=60001
--FILE--
<?php
var_dump(ini_get('mailorigin.patience_ms'));
--EXPECT--
Warning: MO0302: mailorigin.patience_ms: "60001" is not accepted: it takes milliseconds from 1 to 60000; the default is used in Unknown on line 0
string(4) "5000"

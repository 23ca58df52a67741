--TEST--
mailorigin.socket: what is not accepted is reported, the default used
--INI--
mailorigin.socket=relative/path
--FILE--
<?php
var_dump(ini_get('mailorigin.socket'));
--EXPECT--
Warning: MO0302: mailorigin.socket: "relative/path" is not accepted: it takes an absolute path of at most 107 bytes; the default is used in Unknown on line 0
string(31) "/run/mailorigin/mailorigin.sock"

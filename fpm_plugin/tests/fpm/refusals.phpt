--TEST--
php-fpm: the reason of a refused mail reaches the server's log once, whatever the script does with the warning
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('--reason', 'limit', '--id', '01JDENIED', '--retry-after', '7', 'deny');
start_fpm(['one' => ''], ...plugin_options());
$ways = [
    'logged by PHP' => 'ini_set("log_errors", 1); mail("to@example.com", "Subject", "Body");',
    'not logged by PHP' => 'ini_set("log_errors", 0); mail("to@example.com", "Subject", "Body");',
    'suppressed' => 'ini_set("log_errors", 1); @mail("to@example.com", "Subject", "Body");',
    'swallowed' => 'ini_set("log_errors", 1); set_error_handler(fn() => true); mail("to@example.com", "Subject", "Body");',
    'thrown' => 'set_error_handler(function () { throw new Exception; }); try { mail("to@example.com", "Subject", "Body"); } catch (Exception $e) {}',
    'ended' => 'set_error_handler(function () { exit; }); mail("to@example.com", "Subject", "Body");',
    'logged elsewhere' => 'ini_set("log_errors", 1); ini_set("error_log", "/dev/null"); mail("to@example.com", "Subject", "Body");',
    'another text logged' => 'set_error_handler(function () { error_log("Refused by MailOrigin: nothing", 4); return true; }); mail("to@example.com", "Subject", "Body");',
    'refused again meanwhile' => 'set_error_handler(function () { @mail("to@example.com", "Subject", "Body"); return true; }); error_log("Body", 1, "to@example.com");',
    'twice' => '@mail("to@example.com", "Subject", "Body"); @error_log("Body", 1, "to@example.com");',
];
foreach ($ways as $name => $code) {
    $server_log = '';
    request('one', "<?php\nini_set('display_errors', 0); $code");
    echo "$name:\n", preg_replace('~ in /\S+~', ' in script.php', trim($server_log)), "\n";
}
--EXPECTF--
logged by PHP:
PHP message: PHP Warning:  mail(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2
not logged by PHP:
PHP message: MO0305: mail(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2
suppressed:
PHP message: MO0305: mail(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2
swallowed:
PHP message: MO0305: mail(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2
thrown:
PHP message: MO0305: mail(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2
ended:
PHP message: MO0305: mail(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2
logged elsewhere:
PHP message: MO0305: mail(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2
another text logged:
PHP message: Refused by MailOrigin: nothing%SPHP message: MO0305: mail(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2
refused again meanwhile:
PHP message: MO0305: mail(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2%SPHP message: MO0305: error_log(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2
twice:
PHP message: MO0305: mail(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2%SPHP message: MO0305: error_log(): Refused by MailOrigin: limit (event 01JDENIED), the next may leave in 7 s in script.php on line 2

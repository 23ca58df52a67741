--TEST--
Deprecations and warnings are the same, and said once
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$script = test_file('warnings.php');
file_put_contents($script, '<?php
var_dump(mail(null, null, null, null, ""));
var_dump(mail("to", "s", "b", 1.5, true));
var_dump(error_log("b", null));
var_dump(error_log("b", 1.5, "to"));
var_dump(error_log(null, 1, "to", null));
ini_set("mail.force_extra_parameters", "x");
');
foreach ([[], ['mail.log=/proc/nonexistent/log'], ['error_log=/dev/null']] as $options) {
    $without = run_php($script, false, ...$options);
    $with = run_php($script, true, ...$options);
    $without = preg_replace('/^Subject: .*\r?\n\K\r?\n/m', "\r\n", $without);
    echo $without === $with ? "equal\n" : "different\n$without\n\n$with\n";
    echo substr_count($with, 'Deprecated: '), " deprecations, ", substr_count($with, 'Warning: '), " warnings\n";
}
$failing = run_php($script, false, 'sendmail_path=/bin/false');
$with = run_php($script, true, 'sendmail_path=/bin/false');
echo $failing === $with ? "equal\n" : "different\n$failing\n\n$with\n";
--EXPECT--
equal
7 deprecations, 0 warnings
equal
7 deprecations, 4 warnings
equal
7 deprecations, 0 warnings
equal

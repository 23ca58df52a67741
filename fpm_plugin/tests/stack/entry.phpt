--TEST--
The entry script, however the command line gave it
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
$php = escapeshellarg(getenv('TEST_PHP_EXECUTABLE')) . ' -n -d extension=' . escapeshellarg(getenv('MAILORIGIN_EXTENSION'))
    . ' -d mailorigin.socket=' . escapeshellarg(ini_get('mailorigin.socket')) . ' -d sendmail_path=' . escapeshellarg(ini_get('sendmail_path'));
$code = 'mail("to@example.com", "Subject", "Body");';
file_put_contents(test_file('entry.php'), "<?php $code");
chdir(getenv('MAILORIGIN_TEST_DIR'));
shell_exec("$php entry.php");
shell_exec("$php ./entry.php");
shell_exec("$php -r " . escapeshellarg($code));
shell_exec("$php < entry.php");
shell_exec("$php -r " . escapeshellarg('register_shutdown_function("mail", "to@example.com", "Subject", "Body");'));
foreach (questions() as $question) {
    foreach (['entry', 'file', 'caller'] as $field) {
        echo $field === 'entry' ? '' : ' ', $field, '=', str_replace(getenv('MAILORIGIN_TEST_DIR'), '', $question[$field] ?? '');
    }
    echo "\n";
}
--EXPECT--
entry=/entry.php file=/entry.php caller=/entry.php:1
entry=/entry.php file=/entry.php caller=/entry.php:1
entry=Standard input code file=Command line code caller=Command line code:1
entry=Standard input code file=Standard input code caller=Standard input code:1
entry=Standard input code file=[no active file] caller=Standard input code

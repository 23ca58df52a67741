--TEST--
Calls without a frame of a script still name the entry script
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
file_put_contents(test_file('without_frame.php'), '<?php
class Last { public function __destruct() { mail("destructor@example.com", "Subject", "Body"); } }
$last = new Last;
register_shutdown_function("mail", "shutdown@example.com", "Subject", "Body");
register_shutdown_function(function () { mail("closure@example.com", "Subject", "Body"); });
header_register_callback(function () { mail("headers@example.com", "Subject", "Body"); });
ob_start(function ($text) { mail("output@example.com", "Subject", "Body"); return $text; });');
run_php(test_file('without_frame.php'), true);
foreach (questions() as $question) {
    foreach (['to', 'file', 'line', 'caller', 'stack', 'entry'] as $field) {
        echo $field, '=', str_replace(getenv('MAILORIGIN_TEST_DIR'), '', $question[$field] ?? '(unknown)'), "\n";
    }
}
--EXPECT--
to=shutdown@example.com
file=[no active file]
line=0
caller=/without_frame.php
stack=(unknown)
entry=/without_frame.php
to=closure@example.com
file=/without_frame.php
line=5
caller=/without_frame.php:5
stack=/without_frame.php:5
entry=/without_frame.php
to=destructor@example.com
file=/without_frame.php
line=2
caller=/without_frame.php:2
stack=/without_frame.php:2
entry=/without_frame.php
to=output@example.com
file=/without_frame.php
line=7
caller=/without_frame.php:7
stack=/without_frame.php:7
entry=/without_frame.php
to=headers@example.com
file=/without_frame.php
line=6
caller=/without_frame.php:6
stack=/without_frame.php:6
entry=/without_frame.php

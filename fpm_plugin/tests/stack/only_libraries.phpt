--TEST--
When every frame is a library's, the outermost is the caller
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
$directory = test_file('PHPMailer/src');
@mkdir($directory, 0777, true);
file_put_contents("$directory/PHPMailer.php", "<?php\nfunction send() {\n  return mail('to@example.com', 'Subject', 'Body');\n}\n");
file_put_contents("$directory/direct.php", "<?php\nrequire __DIR__ . '/PHPMailer.php';\n\nsend();\n");
run_php("$directory/direct.php", true);
foreach (questions() as $question) {
    foreach (['caller', 'file', 'line', 'stack', 'entry'] as $field) {
        echo $field, '=', str_replace(getenv('MAILORIGIN_TEST_DIR'), '', $question[$field]), "\n";
    }
}
--EXPECT--
caller=/PHPMailer/src/direct.php:4
file=/PHPMailer/src/PHPMailer.php
line=3
stack=/PHPMailer/src/PHPMailer.php:3 < /PHPMailer/src/direct.php:4
entry=/PHPMailer/src/direct.php

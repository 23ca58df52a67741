--TEST--
When every frame is a library's, the outermost is the caller
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
$directory = test_file('PHPMailer/src');
@mkdir($directory, 0777, true);
file_put_contents("$directory/PHPMailer.php", "<?php\nclass PHPMailer { static function send() {\n  return mail('to@example.com', 'Subject', 'Body');\n} }\n");
file_put_contents("$directory/SMTP.php", "<?php\nnamespace PHPMailer\PHPMailer;\nclass SMTP { function __destruct() { \\PHPMailer::send(); } }\n");
file_put_contents(test_file('direct.php'), "<?php\nrequire '$directory/PHPMailer.php';\nrequire '$directory/SMTP.php';\n\$last = new PHPMailer\PHPMailer\SMTP;\n");
run_php(test_file('direct.php'), true);
foreach (questions() as $question) {
    foreach (['caller', 'file', 'line', 'stack', 'entry'] as $field) {
        echo $field, '=', str_replace(getenv('MAILORIGIN_TEST_DIR'), '', $question[$field]), "\n";
    }
}
--EXPECT--
caller=/PHPMailer/src/SMTP.php:3
file=/PHPMailer/src/PHPMailer.php
line=3
stack=/PHPMailer/src/PHPMailer.php:3 < /PHPMailer/src/SMTP.php:3
entry=/direct.php

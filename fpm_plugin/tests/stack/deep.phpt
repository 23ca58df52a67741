--TEST--
The stack is bounded, the caller still found
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
function deep(int $depth): bool
{
    return $depth > 0 ? deep($depth - 1) : mail('to@example.com', 'Subject', 'Body');
}
deep(40000);
[$question] = questions();
echo substr_count($question['stack'], ' < ') + 1, " frames\n", strlen($question['stack']) <= 4096 ? "bounded\n" : "too long\n";
// frames below a library in a long recursion
$directory = test_file('PHPMailer/src');
@mkdir($directory, 0777, true);
file_put_contents("$directory/PHPMailer.php", "<?php\nclass PHPMailer { static function library(\$n) { return \$n > 0 ? self::library(\$n - 1) : mail('to@example.com', 'Subject', 'Body'); } }\n");
require "$directory/PHPMailer.php";
PHPMailer::library(1000);
echo basename(questions()[1]['caller']), "\n";
// long names
$long = test_file(str_repeat('d', 200) . '/' . str_repeat('e', 200));
@mkdir($long, 0777, true);
file_put_contents("$long/long.php", "<?php\nfunction long(\$n) { return \$n > 0 ? long(\$n - 1) : mail('to@example.com', 'Subject', 'Body'); }\n");
require "$long/long.php";
long(100);
echo strlen(questions()[2]['stack']) <= 4096 && strlen(questions()[2]['stack']) > 3500 ? "bounded\n" : "wrong\n", questions()[2]['truncated'] ?? 'whole', "\n";
--EXPECT--
32 frames
bounded
deep.php:16
bounded
true

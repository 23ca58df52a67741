<?php // hand-written | fsockopen(), SMTP | smtp
$server = fsockopen('127.0.0.1', 25); # here
$message = "Subject: $_GET[mark]\r\n\r\nbody\r\n.";
foreach (['EHLO shop.example', 'MAIL FROM:<me@shop.example>', 'RCPT TO:<to@example.org>', 'DATA', $message] as $line) {
    do $answer = fgets($server); while ($answer[3] === '-');
    fwrite($server, "$line\r\n");
}
do $answer = fgets($server); while ($answer && $answer[3] === '-');
var_dump(str_starts_with($answer, '250'));

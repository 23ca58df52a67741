<?php // Python | smtplib | smtp
$mark = $_GET['mark'];
$message = tempnam(sys_get_temp_dir(), 'message');
file_put_contents($message, "From: me@shop.example\nTo: to@example.org\nSubject: $mark\n\nbody\n");
$command = <<<COMMAND
python3 -c "import smtplib; smtplib.SMTP(\"127.0.0.1\").sendmail(\"me@shop.example\", \"to@example.org\", open(\"$message\").read())" 2>&1
COMMAND;
exec($command, $lines, $status); # here
unlink($message);
var_dump($status === 0 ?: implode("\n", $lines));

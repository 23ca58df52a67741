<?php // mail(1) of BSD | sendmail | submit
$mark = $_GET['mark'];
$message = tempnam(sys_get_temp_dir(), 'message');
file_put_contents($message, "From: me@shop.example\nTo: to@example.org\nSubject: $mark\n\nbody\n");
$command = <<<COMMAND
echo body | bsd-mailx -s $mark to@example.org 2>&1
COMMAND;
exec($command, $lines, $status); # here
unlink($message);
var_dump($status === 0 ?: implode("\n", $lines));

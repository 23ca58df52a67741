<?php // curl | smtp:// | smtp
$mark = $_GET['mark'];
$message = tempnam(sys_get_temp_dir(), 'message');
file_put_contents($message, "From: me@shop.example\nTo: to@example.org\nSubject: $mark\n\nbody\n");
$command = <<<COMMAND
curl -s smtp://127.0.0.1/shop.example --mail-from me@shop.example --mail-rcpt to@example.org -T $message 2>&1
COMMAND;
exec($command, $lines, $status); # here
unlink($message);
var_dump($status === 0 ?: implode("\n", $lines));

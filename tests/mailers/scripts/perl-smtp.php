<?php // Perl | Net::SMTP | smtp
$mark = $_GET['mark'];
$message = tempnam(sys_get_temp_dir(), 'message');
file_put_contents($message, "From: me@shop.example\nTo: to@example.org\nSubject: $mark\n\nbody\n");
$command = <<<COMMAND
perl -MNet::SMTP -e '\$s = Net::SMTP->new("127.0.0.1") or die; \$s->mail("me\@shop.example"); \$s->to("to\@example.org"); \$s->data("Subject: $mark\n\nbody\n") or die; \$s->quit' 2>&1
COMMAND;
exec($command, $lines, $status); # here
unlink($message);
var_dump($status === 0 ?: implode("\n", $lines));

<?php // hand-written | popen() | submit
$pipe = popen('/usr/sbin/sendmail -t -i', 'w'); # here
fwrite($pipe, "To: to@example.org\nSubject: $_GET[mark]\n\nbody\n");
var_dump(pclose($pipe) === 0);

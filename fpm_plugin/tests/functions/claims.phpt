--TEST--
What a question says about a mail
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
function notify(): void
{
    mail("One <one@example.com>, two@example.com \r\n", "A\tsubject\r\n over two lines ", 'Body of 16 bytes',
        "From: Shop <shop@example.com>\r\nCc: three@example.com\r\nBcc: four@example.com,\r\n five@example.com\r\nMessage-ID: <1@example.com>",
        '-f bounce@example.com six@example.com');
}
notify();
show_mail();
show_questions('function', 'entry', 'file', 'line', 'caller', 'stack', 'eval', 'sapi', 'pool', 'to', 'from',
    'envelope_from', 'recipients', 'subject', 'headers', 'message_id', 'size', 'truncated', 'uid');
--EXPECTF--
arguments <-f bounce@example.com six@example.com>
context <>
To: One <one@example.com>, two@example.com
Subject: A subject
 over two lines
From: Shop <shop@example.com>
Cc: three@example.com
Bcc: four@example.com,
 five@example.com
Message-ID: <1@example.com>

Body of 16 bytes
.
function=mail
entry=/functions/claims.php
file=/functions/claims.php
line=%d
caller=/functions/claims.php:%d
stack=/functions/claims.php:%d < /functions/claims.php:10
eval=(unknown)
sapi=cli
pool=(unknown)
to=One <one@example.com>, two@example.com
from=Shop <shop@example.com>
envelope_from=bounce@example.com
recipients=6
subject=A subject   over two lines
headers=From: Shop <shop@example.com>  Cc: three@example.com  Bcc: four@example.com,   five@example.com  Message-ID: <1@example.com>
message_id=<1@example.com>
size=16
truncated=(unknown)
uid=(unknown)
1 asked

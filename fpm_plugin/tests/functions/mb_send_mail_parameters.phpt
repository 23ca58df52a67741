--TEST--
mb_send_mail(): named arguments that skip the headers
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
if (PHP_VERSION_ID === 80600 && PHP_EXTRA_VERSION !== '') die('xfail it loses additional_params without the plugin, too');
--EXTENSIONS--
mbstring
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
mb_language('uni');
var_dump(mb_send_mail(to: 'to@example.com', subject: 'Subject', message: 'Body', additional_params: '-fbounce@example.com'));
show_mail();
show_questions('function', 'envelope_from', 'from', 'subject');
--EXPECT--
bool(true)
arguments <-fbounce@example.com>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: BASE64

Qm9keQ==
.
function=mb_send_mail
envelope_from=bounce@example.com
from=(unknown)
subject=Subject
1 asked

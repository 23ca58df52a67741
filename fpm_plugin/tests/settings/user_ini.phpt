--TEST--
Neither can .user.ini
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$site = test_file('user_ini_site');
@mkdir($site);
file_put_contents("$site/.user.ini", "mailorigin.enabled=0\nmailorigin.socket=/tmp/mine\nprecision=7\n");
file_put_contents("$site/index.php", '<?php echo ini_get("precision"), " ", ini_get("mailorigin.enabled"), "\n"; mail("to@example.com", "Subject", "Body");');
$command = [getenv('TEST_PHP_CGI_EXECUTABLE'), '-n', '-q', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'), '-d', 'user_ini.filename=.user.ini',
    '-d', 'sendmail_path=' . ini_get('sendmail_path'), '-d', 'mailorigin.socket=' . ini_get('mailorigin.socket')];
$process = proc_open($command, [1 => ['pipe', 'w']], $pipes, null, ['SCRIPT_FILENAME' => "$site/index.php", 'DOCUMENT_ROOT' => $site,
    'REDIRECT_STATUS' => '200', 'REQUEST_METHOD' => 'GET', 'MAILORIGIN_TEST_DIR' => getenv('MAILORIGIN_TEST_DIR')]);
echo stream_get_contents($pipes[1]);
show_mail();
--EXPECTF--
X-Powered-By: PHP/%d.%d.%s
Content-type: text/html; charset=UTF-8

7 1
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.

--TEST--
Mail of a session handler and of a stream that are closed at the request's end is asked about, after dl() too
--SKIPIF--
<?php
if (!is_executable(getenv('TEST_PHP_CGI_EXECUTABLE'))) die('skip needs php-cgi');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
file_put_contents(test_file('late.php'), '<?php
class Handler implements SessionHandlerInterface {
    function open($path, $name): bool { return true; }
    function close(): bool { return true; }
    function read($id): string { return ""; }
    function write($id, $data): bool { mail("session@example.com", "Subject", "Body"); return true; }
    function destroy($id): bool { return true; }
    function gc($lifetime): int { return 0; }
    function create_sid(): string { return "a"; }
    function validateId($id): bool { return true; }
}
class Stream {
    public $context;
    function stream_open() { return true; }
    function stream_flush() { return true; }
    function stream_close() { mail("stream@example.com", "Subject", "Body"); }
}
session_set_save_handler(new Handler, false);
session_start(["use_cookies" => 0]);
$_SESSION["kept"] = 1;
stream_wrapper_register("late", "Stream");
$GLOBALS["kept"] = fopen("late://", "w");
var_dump(dl("shmop.so"));');
$command = [getenv('TEST_PHP_CGI_EXECUTABLE'), '-n', '-T', '2', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'),
    '-d', 'sendmail_path=' . ini_get('sendmail_path'), '-d', 'mailorigin.socket=' . ini_get('mailorigin.socket'),
    '-d', 'session.save_path=' . getenv('MAILORIGIN_TEST_DIR'), test_file('late.php')];
$process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes, null, ['MAILORIGIN_TEST_DIR' => getenv('MAILORIGIN_TEST_DIR')]);
echo substr_count(stream_get_contents($pipes[1]), 'bool(true)'), " loaded\n";
foreach (questions() as $question) echo $question['to'], "\n";
echo substr_count(take_mail(), 'X-Mail-Origin: 01TEST'), " with our header\n";
--EXPECT--
2 loaded
session@example.com
stream@example.com
session@example.com
stream@example.com
4 with our header

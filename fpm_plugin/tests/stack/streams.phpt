--TEST--
Code of a stream that is called as the script says counts as eval()'d
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
class Stream {
    public $context;
    private $code = '<?php if (!function_exists("made")) { function made() { mail("function@example.com", "Subject", "Body"); } } mail("$to@example.com", "Subject", "Body");';
    function stream_open($path, $mode, $options, &$opened) {
        if ($GLOBALS['name']) $opened = $GLOBALS['name'];
        return true;
    }
    function stream_read($count) { [$read, $this->code] = [$this->code, '']; return $read; }
    function stream_eof() { return $this->code === ''; }
    function stream_stat() { return []; }
    function url_stat() { return []; }
    function stream_set_option() { return false; }
}
stream_wrapper_register('own', 'Stream');
$to = 'own-name';
$name = '';
include 'own://code';
$to = 'name-of-another';
$name = '/srv/www/index.php';
include 'own://code';
set_include_path('own://directory');
$to = 'include-path';
$name = '/srv/www/path.php';
include 'code';
set_include_path('.');
stream_wrapper_unregister('file');
stream_wrapper_register('file', 'Stream');
$to = 'file-wrapper';
$name = '';
include '/srv/www/replaced.php';
stream_wrapper_restore('file');
made();

file_put_contents(test_file('encoded'), base64_encode('<?php mail("filter@example.com", "Subject", "Body");'));
include 'php://filter/read=convert.base64-decode/resource=' . test_file('encoded');
file_put_contents(test_file('plain.php'), '<?php mail("plain@example.com", "Subject", "Body");');
include test_file('plain.php');
include 'file://' . test_file('plain.php');
if (class_exists('PharData')) {
    $archive = new PharData(test_file('archive.tar'));
    $archive['code.php'] = '<?php mail("archive@example.com", "Subject", "Body");';
    include 'phar://' . test_file('archive.tar') . '/code.php';
} else {
    mail('archive@example.com', 'Subject', 'Body');
}
foreach (questions() as $question) echo strtok($question['to'], '@'), ' ', $question['eval'] ?? 'false', "\n";
--EXPECT--
own-name true
name-of-another true
include-path true
file-wrapper true
function true
filter true
plain false
plain false
archive false

--TEST--
php-fpm: mail after fastcgi_finish_request(), at shutdown and from a destructor
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
start_fpm(['one' => ''], ...plugin_options());
echo request('one', '<?php
class Last { function __destruct() { mail("destructor@example.com", "Subject", "Body"); } }
$last = new Last;
register_shutdown_function("mail", "shutdown@example.com", "Subject", "Body");
echo "finished\n";
fastcgi_finish_request();
mail("late@example.com", "Subject", "Body");', ['SSL_MAILORIGIN_CONTEXT' => 'sealed']);
wait_until(fn() => substr_count((string) @file_get_contents(test_file('mail')), "\n.\n") >= 3);
foreach (questions() as $question) {
    echo $question['to'], ' ', $question['context'], ' ', basename($question['entry']) === basename(strtok($question['caller'], ':')) ? 'by the entry script' : 'by another', "\n";
}
echo substr_count(take_mail(), "context <sealed>"), " with the context\n";
--EXPECT--
finished
late@example.com sealed by the entry script
shutdown@example.com sealed by the entry script
destructor@example.com sealed by the entry script
3 with the context

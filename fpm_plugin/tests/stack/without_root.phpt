--TEST--
Where PHP itself makes the call, every file of the request counts as a script, and an eval() that has run
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.1');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
foreach (['app', 'uploads'] as $directory) {
    @mkdir(test_file("site/$directory"), 0777, true);
}
file_put_contents(test_file('site/app/mailer.php'), '<?php
function app_mail(...$any) { mail("to@example.com", "Subject", "Body"); return ""; }
function app_mails() { app_mail(); yield 1; }
class AppMailer
{
    public $mails = false;
    function __destruct() { if ($this->mails) app_mail(); }
    static function send(...$any) { return app_mail(); }
}');
file_put_contents(test_file('site/app/index.php'), '<?php
require __DIR__ . "/mailer.php";
$mails = [];
include __DIR__ . "/../uploads/evil.php";
foreach ($mails as $mail);');
file_put_contents(test_file('site/app/quiet.inc'), '<?php mail("to@example.com", "Subject", "Body");');
$arguments = '"to@example.com", "Subject", "Body"';
$ways = [
    'shutdown function' => "register_shutdown_function('mail', $arguments);",
    'array_map at shutdown' => 'register_shutdown_function("array_map", "mail", ["to@example.com"], ["Subject"], ["Body"]);',
    'call_user_func at shutdown' => "register_shutdown_function('call_user_func', 'mail', $arguments);",
    'Reflection at shutdown' => "register_shutdown_function([new ReflectionFunction('mail'), 'invoke'], $arguments);",
    'closure of mail()' => "register_shutdown_function(Closure::fromCallable('mail'), $arguments);",
    'a file that PHP loads at shutdown' => 'set_include_path(__DIR__ . "/../app"); register_shutdown_function("spl_autoload", "quiet");',
    'a file that array_map loads at shutdown' => 'set_include_path(__DIR__ . "/../app"); register_shutdown_function("array_map", "spl_autoload", ["quiet"]);',
    'Fiber at shutdown' => "register_shutdown_function([new Fiber('mail'), 'start'], $arguments);",
    'Fiber' => "(new Fiber('mail'))->start($arguments);",
    'Fiber of the application' => '(new Fiber("app_mail"))->start();',
    'Fiber within a Fiber' => '(new Fiber(fn() => (new Fiber("app_mail"))->start()))->start();',
    'the application at shutdown' => 'register_shutdown_function("app_mail");',
    'a method at shutdown' => 'register_shutdown_function(["AppMailer", "send"]);',
    'destructor at the end' => '$GLOBALS["keep"] = new AppMailer; $GLOBALS["keep"]->mails = true;',
    'output callback' => 'ob_start("app_mail");',
    'header callback' => 'header_register_callback("app_mail");',
    'exception handler' => 'set_exception_handler("app_mail"); throw new Exception;',
    'generator that delegates' => '$mails = (function () { yield from app_mails(); })();',
    'generator that delegates twice' => '$mails = (function () { yield from (fn() => yield from app_mails())(); })();',
    'session handler' => '@session_set_save_handler(...["open" => fn() => true, "close" => fn() => true, "read" => fn() => "",
        "write" => "app_mail", "destroy" => fn() => true, "gc" => fn() => 0]); session_start(["use_cookies" => 0, "cache_limiter" => ""]); $_SESSION["a"] = 1;',
    'eval() at shutdown' => 'eval(\'register_shutdown_function("app_mail");\');',
    'eval() within a function' => '(function () { eval(\'$GLOBALS["keep"] = new AppMailer; $GLOBALS["keep"]->mails = true;\'); })();',
    '(the application itself)' => 'app_mail();',
    '(the application, after an eval())' => 'eval("1;"); $mails = app_mails();',
];
foreach ($ways as $name => $code) {
    file_put_contents(test_file('site/uploads/evil.php'), "<?php\n$code");
    @unlink(test_file('questions'));
    stop_daemon();
    start_daemon('allow');
    run_php(test_file('site/app/index.php'), true);
    foreach (questions() as $question) {
        echo "$name: ", preg_match('~/uploads/evil\.php( |$)~', $question['scripts']) ? 'seen' : 'not seen', isset($question['eval']) && $question['eval'] ? ', eval' : '', "\n";
    }
}
--EXPECT--
shutdown function: seen
array_map at shutdown: seen
call_user_func at shutdown: seen
Reflection at shutdown: seen
closure of mail(): seen
a file that PHP loads at shutdown: seen
a file that array_map loads at shutdown: seen
Fiber at shutdown: seen
Fiber: seen
Fiber of the application: seen
Fiber within a Fiber: seen
the application at shutdown: seen
a method at shutdown: seen
destructor at the end: seen
output callback: seen
header callback: seen
exception handler: seen
generator that delegates: seen
generator that delegates twice: seen
session handler: seen
eval() at shutdown: seen, eval
eval() within a function: seen, eval
(the application itself): seen
(the application, after an eval()): not seen

--TEST--
mailorigin.mailers: the administrator's own mailer libraries
--INI--
mailorigin.mailers="/acme/mail/  Acme\Post\ Letter Shop_ post_all()"
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
$files = [
    'acme/mail/send.php' => 'return mail("to@example.com", "a path", "Body");',
    'a.php' => 'namespace Acme\Post; class Office { static function send() { return mail("to@example.com", "a namespace", "Body"); } } Office::send();',
    'b.php' => 'class Letter { static function send() { return mail("to@example.com", "a class", "Body"); } } Letter::send();',
    'c.php' => 'class Shop_Mail { static function send() { return mail("to@example.com", "a beginning", "Body"); } } Shop_Mail::send();',
    'd.php' => 'function post_all() { return mail("to@example.com", "a function", "Body"); } post_all();',
    'e.php' => 'class Letters { static function send() { return mail("to@example.com", "another class", "Body"); } } Letters::send();',
    'f.php' => 'namespace Acme\Posting; class Office { static function send() { return mail("to@example.com", "another namespace", "Body"); } } Office::send();',
];
foreach ($files as $name => $code) {
    @mkdir(dirname(test_file("more/$name")), 0777, true);
    file_put_contents(test_file("more/$name"), "<?php\n" . str_replace('} ', "}\n", $code));
    require test_file("more/$name");
}
foreach (questions() as $question) {
    echo $question['subject'], ': ', preg_replace('~^.*/~', '', $question['caller']), "\n";
}
--EXPECT--
a path: mailers.php:16
a namespace: a.php:4
a class: b.php:4
a beginning: c.php:4
a function: d.php:3
another class: e.php:2
another namespace: f.php:2

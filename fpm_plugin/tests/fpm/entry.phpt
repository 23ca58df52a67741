--TEST--
php-fpm: one script is one entry, whatever its request has behind and between its path's parts
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('allow');
start_fpm(['one' => 'security.limit_extensions = .php .html'], ...plugin_options());
$directory = test_file('site/pages');
@mkdir($directory, 0777, true);
file_put_contents("$directory/shop.html", '<?php mail("to@example.com", "Subject", "Body");');
$root = getenv('MAILORIGIN_TEST_DIR');
foreach (['/site/pages/shop.html', '//site///pages/shop.html', '/./site/././/pages/shop.html', '/site/pages/shop.html/one', '/site//pages/shop.html/two.php'] as $path) {
    request('one', '', ['SCRIPT_FILENAME' => $root . $path, 'DOCUMENT_ROOT' => $root]);
}
foreach (questions() as $question) {
    echo str_replace($root, '', $question['entry']), "\n";
}
--EXPECT--
/site/pages/shop.html
/site/pages/shop.html
/site/pages/shop.html
/site/pages/shop.html
/site/pages/shop.html

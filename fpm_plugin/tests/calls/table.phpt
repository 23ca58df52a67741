--TEST--
A table of calls that behave the same with the plugin as without: values, warnings, exceptions, mail
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
// PHP writes an empty additional_headers as one more empty line, where ours then stands.
function without_second_empty_line(string $text): string
{
    return preg_replace('/^Subject: .*\r?\n\K\r?\n(?=\r?\n)/m', '', $text);
}
foreach ([[], ['sendmail_path=/bin/false'], ['sendmail_path=/proc/nonexistent'], ['mail.log=/proc/nonexistent/log'], ['mail.add_x_header=1'],
          ['mail.force_extra_parameters=-oi'], ['zend.exception_ignore_args=1'], ['disable_functions=mail']] as $options) {
    array_push($options, 'extension=mbstring', 'extension=imap', 'error_reporting=-1');
    [$without, $with] = array_map(fn($plugin) => without_second_empty_line(run_php(__DIR__ . '/table.inc', $plugin, ...$options)), [false, true]);
    preg_match('/^(\d+) rows$/m', $with, $rows);
    if ($without !== $with) {
        [$one, $other] = [explode("\n", $without), explode("\n", $with)];
        for ($line = 0; ($one[$line] ?? '') === ($other[$line] ?? ''); $line++);
        echo "line $line of\n", $without, "and of\n", $with;
    }
    echo $options[0], ': ', $without === $with ? 'equal' : 'different', ', ', $rows[1], ' rows, ',
        substr_count($with, "bool(true)\n"), ' true, ', substr_count($with, "bool(false)\n"), ' false, ',
        preg_match_all('/^\w*Error: /m', $with), ' errors, ', substr_count($with, 'Warning: '), ' warnings, ',
        substr_count($with, 'Deprecated: '), " deprecations\n";
}
--EXPECT--
extension=mbstring: equal, 80 rows, 52 true, 4 false, 25 errors, 7 warnings, 3 deprecations
sendmail_path=/bin/false: equal, 80 rows, 9 true, 47 false, 25 errors, 7 warnings, 3 deprecations
sendmail_path=/proc/nonexistent: equal, 80 rows, 9 true, 47 false, 25 errors, 7 warnings, 3 deprecations
mail.log=/proc/nonexistent/log: equal, 80 rows, 52 true, 4 false, 25 errors, 52 warnings, 3 deprecations
mail.add_x_header=1: equal, 80 rows, 52 true, 4 false, 25 errors, 7 warnings, 3 deprecations
mail.force_extra_parameters=-oi: equal, 80 rows, 52 true, 4 false, 25 errors, 7 warnings, 3 deprecations
zend.exception_ignore_args=1: equal, 80 rows, 52 true, 4 false, 25 errors, 7 warnings, 3 deprecations
disable_functions=mail: equal, 80 rows, 20 true, 2 false, 57 errors, 5 warnings, 0 deprecations

--TEST--
A table of calls that behave the same with the plugin as without: values, warnings, exceptions, mail
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
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
    array_push($options, 'error_reporting=-1', ...extensions('mbstring', 'imap'));
    [$without, $with] = array_map(fn($plugin) => without_second_empty_line(run_php(__DIR__ . '/table.inc', $plugin, ...$options)), [false, true]);
    preg_match('/^(\d+) rows$/m', $with, $rows);
    if ($without !== $with) {
        [$one, $other] = [explode("\n", $without), explode("\n", $with)];
        for ($line = 0; ($one[$line] ?? '') === ($other[$line] ?? ''); $line++);
        echo "line $line of\n", $without, "and of\n", $with;
    }
    echo $options[0], ': ', $without === $with ? 'equal' : 'different', ', ', $rows[1] > 60 ? 'all rows' : 'broken off', "\n";
}
--EXPECT--
error_reporting=-1: equal, all rows
sendmail_path=/bin/false: equal, all rows
sendmail_path=/proc/nonexistent: equal, all rows
mail.log=/proc/nonexistent/log: equal, all rows
mail.add_x_header=1: equal, all rows
mail.force_extra_parameters=-oi: equal, all rows
zend.exception_ignore_args=1: equal, all rows
disable_functions=mail: equal, all rows

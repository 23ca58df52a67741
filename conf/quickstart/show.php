<?php
// Shows one mail: its header as sendmail got it, its log line, and who says what.
// Arguments: a title, the message's file, the log's file, the script's name.
// Exits 1 if something is not as it should be.

[, $title, $messageFile, $logFile, $script] = $argv;

// As docs/directives/log.md has it.
const SEALED = ['vhost', 'docroot', 'entry', 'client', 'method', 'uri', 'request_id', 'suexec_uid'];
const KERNEL = ['pid', 'uid', 'gid', 'user', 'cookie'];
const DAEMON = [
    'time', 'id', 'host', 'kind', 'verdict', 'reason', 'verified', 'site', 'queue_id', 'mail_id', 'uid_from',
    'origin_from', 'block',
];

$colour = stream_isatty(STDOUT);
$width = max(60, min(120, (int) (getenv('COLUMNS') ?: 100)));

function paint(string $code, string $text): string
{
    global $colour;
    return $colour ? "\e[{$code}m$text\e[0m" : $text;
}

function heading(string $text): void
{
    echo "\n  ", paint('1', $text), "\n";
}

/** Cuts a value so that its table row stays one line; of a path the end is what tells. */
function fit(string $text, int $columns): string
{
    if (strlen($text) <= $columns) {
        return $text;
    }
    $path = $text[0] === '/' && !str_contains($text, ' ');
    return $path ? '…' . substr($text, 1 - $columns) : substr($text, 0, $columns - 1) . '…';
}

function parse(string $line): array
{
    $json = json_decode($line, true);
    if (is_array($json)) {
        return array_map(fn($value) => is_bool($value) ? var_export($value, true) : (string) $value, $json);
    }
    preg_match_all('/([a-z_]+)=(?:"((?:[^"\\\\]|\\\\.)*)"|(\S*))/', $line, $found, PREG_SET_ORDER);
    return array_column(
        array_map(fn($pair) => [$pair[1], isset($pair[3]) ? $pair[3] : stripslashes($pair[2])], $found), 1, 0);
}

[$header] = preg_split('/\r?\n\r?\n/', file_get_contents($messageFile), 2);
$header = preg_split('/\r?\n(?![ \t])/', $header);
$line = rtrim(file_get_contents($logFile), "\n");
$event = parse($line);

echo "\n", paint('1;36', "── $title "), paint('36', str_repeat('─', max(0, $width - strlen($title) - 4))), "\n";

heading('The message\'s header, as sendmail got it');
foreach ($header as $field) {
    $ours = preg_match('/^X-Mail-(Origin|Script):/i', $field);
    echo '    ', $ours ? paint('1;32', $field) : $field, "\n";
}

heading('The line in ' . basename($logFile));
foreach (str_split($line, $width - 4) as $piece) {
    echo '    ', paint('2', $piece), "\n";
}

heading('Where each field came from');
$sources = ['sealed by httpd' => '32', 'the kernel' => '34', 'mailorigind' => '36', 'claimed by the worker' => '33'];
$rows = array_fill_keys(array_keys($sources), []);
foreach ($event as $name => $value) {
    $source = match (true) {
        in_array($name, SEALED) => 'sealed by httpd',
        in_array($name, KERNEL) => 'the kernel',
        in_array($name, DAEMON) => 'mailorigind',
        default => 'claimed by the worker',
    };
    $rows[$source][$name] = $value;
}
foreach ($rows as $source => $fields) {
    foreach ($fields as $name => $value) {
        echo '    ', paint($sources[$source], str_pad($source, 21)), '  ', str_pad($name, 13), '  ',
            fit(preg_replace('/\s+/', ' ', $value), $width - 42), "\n";
    }
}

$ours = preg_grep('/^X-Mail-Origin\s*:/i', $header);
$checks = [
    'the header\'s id is the log line\'s' => array_values($ours) === ['X-Mail-Origin: ' . ($event['id'] ?? '?')],
    "the copy that $script forged is gone" => !preg_grep('/forged/', $header),
    'the seal held: verified=true' => ($event['verified'] ?? '') === 'true',
];
heading('Seen');
foreach ($checks as $what => $holds) {
    echo '    ', $holds ? paint('1;32', 'yes') : paint('1;31', 'NO '), '  ', $what, "\n";
}
exit(in_array(false, $checks, true) ? 1 : 0);

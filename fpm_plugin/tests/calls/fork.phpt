--TEST--
A forked child opens a connection of its own
--EXTENSIONS--
pcntl
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
mail('before@example.com', 'Subject', 'Body');
$child = pcntl_fork();
for ($i = 0; $i < 50; $i++) {
    if (!mail($child ? 'parent@example.com' : 'child@example.com', 'Subject', 'Body')) {
        echo "failed\n";
    }
}
if ($child === 0) {
    exit(0);
}
pcntl_waitpid($child, $status);
echo array_count_values(array_column(questions(), 'to')) == ['before@example.com' => 1, 'parent@example.com' => 50, 'child@example.com' => 50] ? "each answered\n" : "lost\n";
echo substr_count(take_mail(), 'X-Mail-Origin: 01TEST'), " headers\n";
--EXPECT--
each answered
101 headers

<?php
// A page that calls mail() itself, from a function, with forged headers.
function notify(string $who): bool
{
    return mail($who, 'A comment waits', "Somebody wrote.\n", [
        'From' => 'blog@blog.example',
        'X-Mail-Origin' => 'forged',
        'X-Mail-Script' => 'forged',
    ]);
}

notify('author@example.org') or exit("mail() failed\n");
echo "sent\n";

--TEST--
mail() in a locale of the script's own, for which a line end is no control character
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');

$own = test_file('locale');
mkdir($own);
file_put_contents("$own/characters", "<code_set_name> ASCII\n<mb_cur_max> 1\nCHARMAP\n<U0000>..<U007F> /x00 ASCII\nEND CHARMAP\n");
file_put_contents("$own/source", "LC_CTYPE\nspace <U0020>\ncntrl <U0000>\nprint <U0020>..<U007E>\nEND LC_CTYPE\n");
exec("localedef -c -i $own/source -f $own/characters $own/evil 2>&1");
putenv("LOCPATH=$own");
var_dump(setlocale(LC_CTYPE, 'evil'));

mail('to@example.com', "A subject\nBcc: victim@example.com", 'Body', 'From: me@example.com');
show_mail();
echo setlocale(LC_CTYPE, '0'), " as before\n";
exec("rm -r $own");
--EXPECT--
string(4) "evil"
arguments <>
context <>
To: to@example.com
Subject: A subject Bcc: victim@example.com
X-Mail-Origin: 01TEST
From: me@example.com

Body
.
evil as before

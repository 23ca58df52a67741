<?php // PHP | mb_send_mail() | mail
var_dump(mb_send_mail('to@example.org', $_GET['mark'], 'body')); # here

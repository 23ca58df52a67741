<?php // PHP | imap_mail() | mail
var_dump(imap_mail('to@example.org', $_GET['mark'], 'body')); # here

<?php // PHP | mail() | mail
var_dump(mail('to@example.org', $_GET['mark'], 'body')); # here

<?php // PHP | error_log(…, 1) | mail
var_dump(error_log('body', 1, 'to@example.org', "Subject: $_GET[mark]")); # here

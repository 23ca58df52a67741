<?php // WordPress | wp_mail() | mail
define('WP_INSTALLING', true);
require '/usr/share/wordpress/wp-load.php';
add_action('wp_mail_failed', 'var_dump');
var_dump(wp_mail('to@example.org', $_GET['mark'], 'body')); # here

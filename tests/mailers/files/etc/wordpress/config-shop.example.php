<?php
define('DB_NAME', 'none');
define('DB_USER', 'none');
define('DB_PASSWORD', '');
define('DB_HOST', 'none');
define('WP_CONTENT_DIR', '/var/lib/wordpress/wp-content');

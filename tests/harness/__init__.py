"""Real servers for the tests: httpd, php-fpm, a stand-in for sendmail, readers of what they wrote."""

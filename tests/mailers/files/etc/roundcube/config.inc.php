<?php
$config['db_dsnw'] = 'sqlite:////var/lib/mailers/roundcube.db?mode=0600';
$config['smtp_host'] = '127.0.0.1:25';
$config['smtp_user'] = $config['smtp_pass'] = '';
$config['log_driver'] = 'stdout';
$config['des_key'] = 'twenty-four characters!!';

<?php
$wgServer = 'http://shop.example';
$wgSitename = 'Shop';
$wgPasswordSender = 'me@shop.example';
$wgDBtype = 'sqlite';
$wgDBname = 'none';
$wgSQLiteDataDir = '/nonexistent';
$wgUseDatabaseMessages = false;
$wgMainCacheType = $wgMessageCacheType = $wgParserCacheType = $wgSessionCacheType = CACHE_NONE;
$wgLocalisationCacheConf['storeClass'] = LCStoreNull::class;
$wgSecretKey = str_repeat('0', 64);

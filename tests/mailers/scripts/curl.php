<?php // curl in PHP | smtp:// | smtp
$message = fopen('php://temp', 'w+');
fwrite($message, "Subject: $_GET[mark]\r\n\r\nbody\r\n");
rewind($message);
$curl = curl_init('smtp://127.0.0.1/shop.example');
curl_setopt_array($curl, [CURLOPT_MAIL_FROM => '<me@shop.example>', CURLOPT_MAIL_RCPT => ['<to@example.org>'],
    CURLOPT_UPLOAD => true, CURLOPT_INFILE => $message]);
var_dump(curl_exec($curl)); # here

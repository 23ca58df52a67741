"""php-cgi by mod_fcgid and mod_cgi: the same origin by other ways."""

import http.client
import json

import pytest
from harness.httpd import Httpd
from harness.installation import PHP_EXTENSIONS
from harness.logs import Log, json_log
from harness.site import new_mark
from harness.sendmail import Sendmail

MODULES = "/usr/lib/apache2/modules"
CGI = "/usr/bin/php-cgi8.2"

WAYS = {
    "mod_fcgid": (
        "event",
        "cgi-fcgi",
        f"LoadModule fcgid_module {MODULES}/mod_fcgid.so\nFcgidIPCDir {{dir}}/run/fcgid\n"
        "FcgidProcessTableFile {dir}/run/fcgid_shm\nFcgidInitialEnv PHP_INI_SCAN_DIR \"\"\n"
        '<FilesMatch "\\.php$">\nSetHandler fcgid-script\nOptions +ExecCGI\nFcgidWrapper "{dir}/php-cgi" .php\n</FilesMatch>\n',
    ),
    "mod_cgi": (
        "prefork",
        "cgi-fcgi",
        f"LoadModule cgi_module {MODULES}/mod_cgi.so\nLoadModule actions_module {MODULES}/mod_actions.so\n"
        "ScriptAlias /bin/ {dir}/bin/\n<Directory {dir}/bin>\nRequire all granted\nOptions +ExecCGI\n</Directory>\n"
        'Action run-php /bin/php-cgi\n<FilesMatch "\\.php$">\nSetHandler run-php\n</FilesMatch>\n',
    ),
}

VHOST = """
<VirtualHost 127.0.0.1:{port}>
  ServerName shop.example
  DocumentRoot {dir}/www/shop
  CustomLog logs/access "%^MO %r"
  MailOriginLog logs/shop.json json
  MailOriginHeader On
</VirtualHost>
"""


@pytest.fixture(scope="module", params=WAYS)
def way(request, installation):
    mpm, sapi, text = WAYS[request.param]
    directory = installation.directory(request.param)
    (directory / "www/shop").mkdir(parents=True)
    (directory / "run").mkdir()
    (directory / "bin").mkdir()
    (directory / "conf").mkdir()
    sendmail = Sendmail(directory)
    for wrapper in (directory / "php-cgi", directory / "bin/php-cgi"):
        wrapper.write_text(f"#!/bin/sh\nPHP_INI_SCAN_DIR= exec {CGI} -c {directory}/conf/php.ini\n")
        wrapper.chmod(0o755)
    httpd = Httpd(installation, directory, text + VHOST, mpm=mpm)
    (directory / "conf/php.ini").write_text(
        f"extension_dir = {PHP_EXTENSIONS}\nextension = posix\nextension = {installation.plugin}\n"
        f"sendmail_path = {sendmail.command}\ndisplay_errors = 1\nhtml_errors = 0\nlog_errors = 0\n"
        f"mailorigin.socket = {httpd.runtime_dir}/mailorigin.sock\nmailorigin.timeout_ms = 10000\n"
    )
    (directory / "run/fcgid").mkdir()
    (directory / "run/fcgid").chmod(0o777)
    try:
        httpd.start()
        yield httpd, sendmail, sapi
        assert not httpd.undeclared()
    finally:
        httpd.stop()


def get(httpd, name, code):
    path = httpd.directory / "www/shop" / name
    path.write_text(code)
    connection = http.client.HTTPConnection("127.0.0.1", httpd.port, timeout=30)
    connection.request("GET", f"/{name}?x=1", headers={"Host": "shop.example"})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert answer.status == 200, body
    return path, body


def test_origin(way):
    httpd, sendmail, sapi = way
    mark = new_mark()
    path, body = get(
        httpd,
        f"{mark}.php",
        f"<?php\n$sent = mail('to@example.org', '{mark}', 'body', 'X-Mail-Origin: forged');\n"
        "echo json_encode([$sent, getmypid(), posix_getuid(), PHP_SAPI]);",
    )
    event = json_log(httpd.directory / "logs/shop.json").wait(f'"subject":"{mark}"')
    assert json.loads(body) == [True, event["pid"], event["uid"], event["sapi"]]
    assert event["sapi"] == sapi
    assert event["verified"] is True
    assert event["vhost"] == f"shop.example:{httpd.port}"
    assert (event["entry"], event["file"], event["line"]) == (str(path), str(path), 2)
    assert event["uri"] == f"/{path.name}?x=1"
    assert event["request_id"] == Log(httpd.directory / "logs/access").wait(mark).split()[0]
    assert sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]


@pytest.mark.parametrize("view", ["getenv('V')", "$_SERVER['V'] ?? false", "$_ENV['V'] ?? false", "getenv()['V'] ?? false"])
def test_hidden_from_the_script(way, view):
    httpd, _, _ = way
    _, body = get(
        httpd, f"{new_mark()}.php", f"<?php var_dump({view.replace('V', 'SSL_MAILORIGIN_CONTEXT')});"
    )
    assert body == "bool(false)\n"


def test_several_requests_of_one_process(way):
    httpd, sendmail, _ = way
    log = json_log(httpd.directory / "logs/shop.json")
    ids = []
    for _ in range(6):
        mark = new_mark()
        get(httpd, f"{mark}.php", f"<?php mail('to@example.org', '{mark}', 'body');")
        event = log.wait(f'"subject":"{mark}"')
        assert event["verified"] is True, event
        ids.append(event["request_id"])
    assert len(set(ids)) == 6


def test_graceful(way):
    httpd, sendmail, _ = way
    for _ in range(2):
        httpd.graceful()
        mark = new_mark()
        get(httpd, f"{mark}.php", f"<?php mail('to@example.org', '{mark}', 'body');")
        event = json_log(httpd.directory / "logs/shop.json").wait(f'"subject":"{mark}"')
        assert event["verified"] is True
        assert sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]

"""httpd as a tenant's deputy, as in test_proxy.py, where nobody can say whether the tenant is blocked."""

import os
import signal
import socket
import subprocess
import threading

import pytest
from harness.waiting import processes_named_by
from test_proxy import ALLOWED, DENIED, deputed, mail_server, make_proxy  # noqa: F401 (fixtures)


@pytest.mark.parametrize("rule", [ALLOWED, DENIED], ids=["allow", "deny"])
def test_without_a_daemon(make_proxy, mail_server, rule):
    """The verdict does not depend on it, and error_log has what the event would say."""
    site = make_proxy(rule, daemon=False)
    site.httpd.expect_log(
        rf"{'MO0127' if rule == DENIED else 'MO0150'}: .* to fcgi://127\.0\.0\.1:{mail_server.port}/\S*[:,] .*\(/\S+/\.htaccess:1, no event: .*mailorigin\.sock"
    )
    status = deputed(site, f'SetHandler "proxy:fcgi://127.0.0.1:{mail_server.port}"')
    assert (status == 403) is (rule == DENIED) and bool(mail_server.told) is (rule == ALLOWED)


@pytest.mark.parametrize("rule", [ALLOWED, DENIED, DENIED + "MailOrigin Off\n"], ids=["allow", "deny", "off"])
def test_a_daemon_that_does_not_answer(make_proxy, mail_server, rule):
    """Nobody says then whether the site is blocked, which holds under MailOrigin Off too."""
    site = make_proxy(rule)
    said = "MailOriginSmtpLocal" if rule == DENIED else "mailorigind has not answered"
    site.httpd.expect_log(f"MO0127: .*: {said} .*no event: .*no answer in time")
    os.kill(site.daemon, signal.SIGSTOP)
    try:
        assert deputed(site, f'SetHandler "proxy:fcgi://127.0.0.1:{mail_server.port}"') == 403
    finally:
        os.kill(site.daemon, signal.SIGCONT)
    assert mail_server.told == []


def test_it_is_waited_for_once(make_proxy, mail_server):
    """What a page includes is refused behind the first that has waited, each for itself."""
    site = make_proxy(ALLOWED)
    names = [f"{number}.txt" for number in range(1, 4)]
    for number, name in enumerate(names, 1):
        site.httpd.expect_log(rf"MO0127: .* for /parts/{name} .*127\.0\.0\.{number}:.*: mailorigind has not answered .*no answer in time")
        site.shop.write(f"parts/{name}", "")
    rules = [f'<Files "{name}">\nSetHandler "proxy:http://127.0.0.{number}:{mail_server.port}"\n</Files>' for number, name in enumerate(names, 1)]
    site.shop.write("parts/.htaccess", "\n".join(['Options +Includes', '<Files "page.shtml">', "SetOutputFilter INCLUDES", "</Files>", *rules, ""]))
    site.shop.write("parts/page.shtml", "".join(f'<!--#include virtual="{name}" -->' for name in names))
    site.httpd.allow_log(r"\[include:error\]")
    os.kill(site.daemon, signal.SIGSTOP)
    try:
        assert site.shop.get("/parts/page.shtml").status == 200
    finally:
        os.kill(site.daemon, signal.SIGCONT)
    assert mail_server.told == []


def test_no_descriptor_left_to_ask_with(make_proxy, mail_server):
    """Nobody says then either whether it is blocked. A page waits for a backend, during which its httpd has used up what there is."""
    site = make_proxy(ALLOWED)
    site.httpd.allow_log(r"\[include:error\]|\(24\)")
    site.httpd.expect_log("MO0127: .* for /parts/then.txt .*: mailorigind has not answered .*no event: .*Too many open files")
    backend = socket.create_server(("127.0.0.1", 0))
    site.shop.write(
        "parts/.htaccess",
        'Options +Includes\n<Files "page.shtml">\nSetOutputFilter INCLUDES\n</Files>\n'
        f'<Files "first.txt">\nSetHandler "proxy:http://127.0.0.1:{backend.getsockname()[1]}"\n</Files>\n'
        f'<Files "then.txt">\nSetHandler "proxy:http://127.0.0.1:{mail_server.port}"\n</Files>\n',
    )
    site.shop.write("parts/page.shtml", '<!--#include virtual="first.txt" --><!--#include virtual="then.txt" -->')
    for name in ("first.txt", "then.txt"):
        site.shop.write(f"parts/{name}", "")

    def serve():
        connection, _ = backend.accept()
        with connection:
            for pid in processes_named_by(str(site.httpd.directory)):
                # As its user, who may; of httpd's parent that one may not.
                limiting = ["prlimit", f"--pid={pid}", "--nofile=3:"]
                subprocess.run(["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", *limiting], stderr=subprocess.DEVNULL, check=False)
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")

    serving = threading.Thread(target=serve)
    serving.start()
    assert site.shop.get("/parts/page.shtml").status == 200
    serving.join()
    backend.close()
    assert mail_server.told == []

"""Perl, Python and C by mod_cgi, suexec, mod_fcgid and mod_proxy_fcgi: the context reaches what they start."""

import shutil
import socket
import subprocess

import pytest
from harness.accounts import give
from harness.installation import build_directory
from harness.site import BLOG_UID, SERVER, SHOP_UID, WITH_HEADER, Vhost, new_mark
from harness.waiting import die_with_parent, end
from test_submit import Submitting

PERL = """#!/usr/bin/perl
my $mark = $ENV{QUERY_STRING};
open(my $mail, '|COMMAND -t -i') or die;
print $mail "To: to\\@example.org\\nSubject: $mark\\n\\nbody\\n";
close($mail);
print "Content-Type: text/plain\\r\\n\\r\\n$?\\n";
"""
PYTHON = """#!/usr/bin/python3
import os, subprocess
mark = os.environ["QUERY_STRING"]
done = subprocess.run("COMMAND -t -i".split(), input=f"To: to@example.org\\nSubject: {mark}\\n\\nbody\\n".encode())
print(f"Content-Type: text/plain\\r\\n\\r\\n{done.returncode}")
"""
SHELL = """#!/bin/sh
printf 'To: to@example.org\\nSubject: %s\\n\\nbody\\n' "$QUERY_STRING" | COMMAND -t -i
printf 'Content-Type: text/plain\\r\\n\\r\\n%s\\n' $?
"""
TAINTED = PERL.replace("perl\n", "perl -T\n").replace("$ENV{QUERY_STRING};", "$ENV{QUERY_STRING} =~ /(\\w+)/ ? $1 : die; %ENV = (PATH => '/bin');")
PROGRAMS = {"pl": PERL, "py": PYTHON, "sh": SHELL, "tainted.pl": TAINTED}
CGI = '  Options +ExecCGI\n  <FilesMatch "\\.(pl|py|sh)$">\n    SetHandler cgi-script\n  </FilesMatch>\n'
FCGID = '  Options +ExecCGI\n  <FilesMatch "\\.mailer$">\n    SetHandler fcgid-script\n  </FilesMatch>\n'
FCGID += "  FcgidInitialEnv MAILER {mailer}\n  FcgidInitialEnv MAILORIGIN_SOCKET {dir}/run/mo/mailorigin.sock\n"
PROXY = '  <FilesMatch "\\.proxied$">\n    SetHandler "proxy:unix:{dir}/run/mailer.sock|fcgi://localhost/"\n  </FilesMatch>\n'
GRANTED = "<Directory {dir}/www>\nRequire all granted\n</Directory>\n"


@pytest.fixture(scope="module", params=["", "suexec"])
def cgi_site(request, installation, accounts):
    user = "  SuexecUserGroup {short} {short}\n" if request.param else ""
    import pwd

    www = pwd.getpwnam("www-data").pw_uid
    uids = (SHOP_UID, BLOG_UID) if request.param else (www, www)
    hosts = [
        Vhost(short, uid, WITH_HEADER + user + CGI, run_as=False, run="") for short, uid in zip(("shop", "blog"), uids)
    ]
    modules = ("cgi", *(["suexec"] if request.param else []))
    site = Submitting(
        installation, installation.directory(f"cgi-{request.param}"), hosts, server=SERVER + GRANTED, mpm="prefork", modules=modules
    )
    try:
        yield site.start()
    finally:
        site.stop()


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_cgi_programs_mail_is_its_requests(cgi_site, language):
    site, mark = cgi_site, new_mark()
    script = site.shop.write(f"send.{language}", PROGRAMS[language].replace("COMMAND", " ".join(site.command)))
    script.path.chmod(0o755)
    give(site.shop.docroot, site.shop.uid)
    answer = site.shop.get(f"/send.{language}?{mark}")
    assert answer.text.strip() == "0", answer
    event = site.shop.json.wait(mark)
    assert (event["kind"], event["verified"], event["uid"]) == ("submit", True, site.shop.uid)
    assert event["entry"] == str(script.path) and event["uri"].startswith(f"/send.{language}")
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]
    site.verify()


@pytest.fixture(scope="module")
def fastcgi_site(installation):
    """The C program of mailorigin(3), as mod_fcgid's and behind mod_proxy_fcgi."""
    directory = installation.directory("c-program")
    import pwd

    www = pwd.getpwnam("www-data").pw_uid
    mailer = directory / "sendmail"
    lines = WITH_HEADER + FCGID.replace("{mailer}", str(mailer)) + PROXY
    hosts = [Vhost("shop", www, lines, run_as=False, run=""), Vhost("blog", www, WITH_HEADER, run_as=False, run="")]
    server = SERVER + GRANTED + "FcgidIPCDir {dir}/run/fcgid\nFcgidProcessTableFile {dir}/run/fcgid_shm\n"
    site = Submitting(installation, directory, hosts, server=server, modules=("fcgid",))
    (directory / "run/fcgid").mkdir()
    (directory / "run/fcgid").chmod(0o777)
    library = directory / "libmailorigin.so.0"
    shutil.copy(build_directory() / "client/library/libmailorigin.so.0", library)
    program = site.shop.docroot / "send.mailer"
    real = site.shop.docroot / "program"
    shutil.copy(build_directory() / "tests/programs/fastcgi_mailer", real)
    program.write_text(f"#!/bin/sh\nLD_LIBRARY_PATH={directory} exec {real}\n")
    program.chmod(0o755)
    real.chmod(0o755)
    site.shop.write("send.proxied", "")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "run/mailer.sock"))
        (directory / "run/mailer.sock").chmod(0o666)
        listener.listen(16)
        environment = {"LD_LIBRARY_PATH": str(directory), "MAILER": str(mailer), "MAILORIGIN_SOCKET": str(site.httpd.runtime_dir / "mailorigin.sock")}
        behind_proxy = subprocess.Popen(
            ["setpriv", f"--reuid={www}", f"--regid={www}", "--clear-groups", str(real)],
            stdin=listener, stdout=subprocess.DEVNULL, env=environment, preexec_fn=die_with_parent,
        )
    try:
        yield site.start()
    finally:
        site.stop()
        end(behind_proxy)


@pytest.mark.parametrize("uri", ["/send.mailer", "/send.proxied"])
def test_a_c_program_asks_for_each_request(fastcgi_site, uri):
    site = fastcgi_site
    for _ in range(3):
        mark = new_mark()
        answer = site.shop.get(f"{uri}?{mark}")
        event = site.shop.json.wait(mark)
        assert answer.text == f"0 {event['id']}  0\n", answer
        assert (event["kind"], event["verified"], event["function"]) == ("submit", True, "libmailorigin")
        assert event["entry"].endswith(uri) and event["envelope_from"] == "me@shop.example"
        assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]
    site.verify()

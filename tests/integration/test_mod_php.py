"""PHP inside httpd: the context is handed over in the process, out of every script's reach."""

import pwd

import pytest
from harness.site import BLOG_UID, INSIDE, WITH_HEADER, Vhost, new_mark
from harness.wire import VARIABLE

SITE = {"mpm": "prefork", "modules": ("php", "include", "suexec")}
HTTPD_UID = pwd.getpwnam("www-data").pw_uid


def vhosts():
    """blog has a user for its programs, who is not mod_php's."""
    directives = {
        "shop": WITH_HEADER + "  php_admin_value mailorigin.timeout_ms 77\n",
        "blog": WITH_HEADER + f"  SuexecUserGroup #{BLOG_UID} #{BLOG_UID}\n",
    }
    return [Vhost(short, HTTPD_UID, text, run_as=False, run=INSIDE) for short, text in directives.items()]


def mail(mark):
    return f"mail('to@example.org', '{mark}', 'body', 'X-Mail-Origin: forged');"


def verified(vhost, mark):
    event = vhost.json.wait(mark)
    assert event["verified"] is True, event
    assert event["vhost"] == vhost.full_name
    assert event["docroot"] == str(vhost.docroot)
    return event


@pytest.mark.parametrize("short", ["shop", "blog"])
def test_origin(site, short):
    vhost, mark = getattr(site, short), new_mark()
    page = vhost.script(f"<?php\necho getmypid();\n{mail(mark)}")
    pid = vhost.get(f"{page.uri}/more?x=1").text
    event = verified(vhost, mark)
    assert event["sapi"] == "apache2handler"
    assert (event["entry"], event["file"], event["line"]) == (str(page.path), str(page.path), 3)
    assert event["uri"] == f"{page.uri}/more?x=1"
    assert (event["client"], event["method"]) == ("127.0.0.1", "GET")
    assert (event["pid"], event["uid"], event["suexec_uid"]) == (int(pid), HTTPD_UID, HTTPD_UID)
    assert event["request_id"] == vhost.access.wait(f"GET {page.uri}/").split()[0]
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]


VIEWS = (
    "getenv('V')",
    "getenv()['V'] ?? false",
    "$_SERVER['V'] ?? false",
    "$_ENV['V'] ?? false",
    "apache_getenv('V')",
    "apache_getenv('V', true)",
    "apache_note('V')",
    "filter_input(INPUT_SERVER, 'V') ?? false",
    "apache_request_headers()['V'] ?? false",
)


@pytest.mark.parametrize("view", VIEWS)
def test_hidden_from_the_script(site, view):
    view = view.replace("'V'", repr(VARIABLE))
    code = f"<?php {mail(new_mark())} var_dump({view});"
    assert site.shop.run(code).text == "bool(false)\n"


def test_hidden_from_phpinfo(site):
    text = site.shop.run("<?php phpinfo();").text
    assert "Apache Environment" in text
    assert VARIABLE not in text


CHANGES = (
    "apache_setenv('V', 'changed');",
    "apache_setenv('V', 'changed', true);",
    "apache_note('V', 'changed');",
    "apache_note('mailorigin_request_context', 'changed');",
    "putenv('V=changed');",
    "$_SERVER['V'] = $_ENV['V'] = 'changed';",
    "header('V: changed');",
)


@pytest.mark.parametrize("change", CHANGES)
def test_script_cannot_change_it(site, change):
    mark = new_mark()
    site.shop.write("set/.htaccess", f"SetEnv {VARIABLE} changed\nSetEnvIf Host . {VARIABLE}=changed\n")
    change = change.replace("'V", f"'{VARIABLE}")
    page = site.shop.write(f"set/{new_mark()}.php", f"<?php {change} {mail(mark)}")
    assert site.shop.get(page.uri).status == 200
    assert verified(site.shop, mark)["entry"] == str(page.path)


def test_sendmail_inherits_it_for_the_call(site):
    mark = new_mark()
    after = site.shop.run(f"<?php {mail(mark)} echo implode(' ', array_keys(getenv()));").text.split()
    verified(site.shop, mark)
    assert len(site.sendmail.wait(mark).environment[VARIABLE]) > 80
    assert "PATH" in after
    assert VARIABLE not in after


def test_hosts_take_turns_in_one_process(site):
    hosts_of, requests = {}, []
    while not any(len(hosts) == 2 for hosts in hosts_of.values()):
        assert len(requests) < 100, hosts_of
        # Twice each: processes that take turns as well would have one host for ever.
        for vhost in (host for host in site.vhosts for _ in range(2)):
            mark = new_mark()
            vhost.run(f"<?php {mail(mark)}")
            event = verified(vhost, mark)
            hosts_of.setdefault(event["pid"], set()).add(event["vhost"])
            requests.append(event["request_id"])
    assert len(set(requests)) == len(requests)


def test_pages_of_a_server_side_include(site):
    """Each is a request of its own to PHP: the origin is the page that ran."""
    marks = [new_mark(), new_mark()]
    pages = [site.shop.script(f"<?php {mail(mark)} echo 'ran';") for mark in marks]
    includes = "".join(f'<!--#include virtual="{page.uri}" -->' for page in pages)
    site.shop.write("ssi/.htaccess", "Options +Includes\n<Files *.shtml>\nSetOutputFilter INCLUDES\n</Files>\n")
    outer = site.shop.write("ssi/page.shtml", includes)
    assert site.shop.get(outer.uri).text == "ranran"
    events = [verified(site.shop, mark) for mark in marks]
    assert [event["entry"] for event in events] == [str(page.path) for page in pages]
    assert [event["uri"] for event in events] == [outer.uri, outer.uri]
    assert [event["request_id"] for event in events] == site.shop.access.wait(outer.uri).split()[0].split(",")


def test_virtual_is_an_include(site):
    """PHP runs what virtual() names within the script's own request: the entry is the script."""
    mark, after = new_mark(), new_mark()
    inner = site.shop.script(f"<?php\n{mail(mark)}")
    outer = site.shop.script(f"<?php virtual('{inner.uri}');\n{mail(after)}")
    assert site.shop.get(outer.uri).status == 200
    event = verified(site.shop, mark)
    assert (event["entry"], event["file"], event["line"]) == (str(outer.path), str(inner.path), 2)
    assert verified(site.shop, after)["request_id"] == event["request_id"]
    assert event["request_id"] in site.shop.access.wait(outer.uri)


def test_error_document(site):
    mark = new_mark()
    page = site.shop.script(f"<?php {mail(mark)}")
    site.shop.write("lost/.htaccess", f"ErrorDocument 404 {page.uri}\n")
    site.httpd.expect_log("there-is-none.php' not found")
    assert site.shop.get("/lost/there-is-none.php").status == 404
    event = verified(site.shop, mark)
    assert (event["entry"], event["uri"]) == (str(page.path), "/lost/there-is-none.php")


def test_internal_redirect(site):
    mark = new_mark()
    page = site.shop.write(f"to/{mark}.php", f"<?php {mail(mark)}")
    site.shop.write("to/.htaccess", f"RewriteEngine On\nRewriteRule ^old$ {mark}.php [L,E={VARIABLE}:changed]\n")
    assert site.shop.get("/to/old").status == 200
    event = verified(site.shop, mark)
    assert (event["entry"], event["uri"]) == (str(page.path), "/to/old")


def test_php_in_an_executable_page(site):
    """xbithack, which .htaccess may switch on, is no way to run a script without a context."""
    mark = new_mark()
    site.shop.write("bit/.htaccess", "php_flag xbithack on\nForceType text/html\n")
    page = site.shop.write(f"bit/{mark}.html", f"<?php {mail(mark)}")
    page.path.chmod(0o755)
    assert site.shop.get(page.uri).text == ""
    assert verified(site.shop, mark)["entry"] == str(page.path)


def test_key_is_out_of_reach(site):
    code = f"""<?php
foreach (['{site.httpd.runtime_dir}/key', '/proc/self/mem', '/proc/' . posix_getppid() . '/mem'] as $path) {{
    var_dump(@fopen($path, 'r'));
}}
"""
    assert site.shop.run(code).text == "bool(false)\n" * 3


def test_graceful(site):
    """httpd loads PHP and the module anew, at other addresses."""
    for _ in range(3):
        site.httpd.graceful()
        mark = new_mark()
        site.shop.run(f"<?php {mail(mark)}")
        assert site.sendmail.wait(mark).header("X-Mail-Origin") == [verified(site.shop, mark)["id"]]


def test_htaccess_cannot_change_our_settings(site):
    mark = new_mark()
    site.shop.write(
        "ini/.htaccess",
        "php_flag mailorigin.enabled off\nphp_value mailorigin.socket /nowhere\nphp_value mailorigin.on_failure deny\n",
    )
    page = site.shop.write(f"ini/{new_mark()}.php", f"<?php {mail(mark)} echo ini_get('mailorigin.socket');")
    assert site.shop.get(page.uri).text == f"{site.httpd.runtime_dir}/mailorigin.sock"
    verified(site.shop, mark)


def test_settings_are_php_inis_alone(site):
    """What comes with the request is refused, be it from httpd.conf (see vhosts()): docs/operations.md."""
    assert site.shop.run("<?php echo ini_get('mailorigin.timeout_ms');").text == "10000"


def test_a_refusal_is_in_the_error_log(make_site):
    """Once, although the script suppresses the warning, or has PHP log it itself."""
    vhosts_here = vhosts()
    vhosts_here[0].directives += "  MailOriginSend deny\n"
    site = make_site(vhosts_here, **SITE)
    for log_errors in (0, 1):
        mark = new_mark()
        before = site.httpd.error_log.read_text().count("Refused by MailOrigin: policy")
        at = "" if log_errors else "@"
        assert site.shop.run(f"<?php ini_set('log_errors', {log_errors}); ini_set('display_errors', 0); var_dump({at}{mail(mark)[:-1]});").text == "bool(false)\n"
        site.httpd.allow_log("Refused by MailOrigin: policy")
        event = site.shop.json.wait(mark)
        said = [line for line in site.httpd.error_log.read_text().splitlines() if "Refused by MailOrigin: policy" in line]
        assert len(said) == before + 1
        assert f"(event {event['id']})" in said[-1]
        assert ("MO0305: " in said[-1]) == (not log_errors)


def test_with_opcache_and_its_jit(make_site):
    site = make_site(
        vhosts(),
        zend_extensions=("opcache",),
        ini={"opcache.enable": "1", "opcache.jit_buffer_size": "16M", "opcache.jit": "tracing"},
        **SITE,
    )
    script = site.shop.script(
        "<?php for ($i = 0; $i < 100; $i++) { mail('to@example.org', \"$_GET[m]-$i-\", 'body'); }"
        " var_dump(opcache_get_status()['jit']['on']);"
    )
    for _ in range(2):
        mark = new_mark()
        assert site.shop.get(f"{script.uri}?m={mark}").text == "bool(true)\n"
        site.shop.json.wait_for([f"{mark}-{i}-" for i in range(100)])
        site.httpd.graceful()
    assert all(event["verified"] for event in site.shop.json.entries())

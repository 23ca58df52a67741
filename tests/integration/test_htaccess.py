"""What a tenant's .htaccess can do to the context on its way to PHP, and to PHP's settings."""

import pytest
from harness.htaccess import ATTEMPTS
from harness.site import SERVER, WITH_HEADER, Site, new_mark, two_vhosts
from harness.wire import VARIABLE

_names = iter(range(1000))


def in_directory(site, htaccess, code):
    name = f"ht{next(_names)}"
    site.shop.write(f"{name}/.htaccess", htaccess + "\n")
    script = site.shop.write(f"{name}/page.php", code)
    answer = site.shop.get(script.uri)
    assert answer.status == 200, answer
    return answer, script


@pytest.mark.parametrize("name", ATTEMPTS)
def test_cannot_touch_the_context(site, name):
    mark = new_mark()
    answer, script = in_directory(site, ATTEMPTS[name], f"<?php var_dump(mail('to@example.org', '{mark}', 'b'));")
    assert answer.text == "bool(true)\n"
    event = site.shop.json.wait(mark)
    assert event["verified"] is True
    assert event["uri"] == script.uri
    assert site.sendmail.wait(mark).header("X-Mail-Origin") == [event["id"]]


def test_a_client_cannot_set_it(site):
    mark = new_mark()
    script = site.shop.script(f"<?php mail('to@example.org', '{mark}', 'b');")
    site.shop.get(script.uri, headers={VARIABLE: "forged", VARIABLE.replace("_", "-"): "forged"})
    assert site.shop.json.wait(mark)["verified"] is True


SETTINGS = {
    "PHP_VALUE": 'SetEnv PHP_VALUE "precision=11"',
    "PHP_ADMIN_VALUE": 'SetEnv PHP_ADMIN_VALUE "precision=11"',
    "PHP_VALUE by ProxyFCGISetEnvIf": 'ProxyFCGISetEnvIf "true" PHP_VALUE "precision=11"',
}


@pytest.fixture(scope="module")
def lax_site(installation):
    """shop without MailOriginStrict; blog with settings that httpd.conf gives it."""
    vhosts = two_vhosts()
    vhosts[0].directives = WITH_HEADER + "  MailOriginStrict Off\n  MailOriginRunAs #61001\n"
    vhosts[1].directives = (
        WITH_HEADER + '  MailOriginRunAs #61002\n  SetEnv PHP_VALUE "precision=12"\n  SetEnv FROM_CONF kept\n'
    )
    made = Site(installation, installation.directory("lax"), vhosts, server=SERVER)
    try:
        yield made.start()
        made.verify()
    finally:
        made.stop()


@pytest.mark.parametrize("name", SETTINGS)
def test_strict_keeps_settings_from_htaccess(site, name):
    answer, _ = in_directory(site, SETTINGS[name], "<?php echo ini_get('precision');")
    assert answer.text == "14"


@pytest.mark.parametrize("name", SETTINGS)
def test_not_strict(lax_site, name):
    answer, _ = in_directory(lax_site, SETTINGS[name], "<?php echo ini_get('precision');")
    assert answer.text == "11"
    lax_site.fpm.reload()  # PHP_ADMIN_VALUE stays in the worker


def test_not_strict_still_locks_mailorigin(lax_site):
    """MailOrigin's own settings refuse what a request brings, whoever wrote it."""
    mark = new_mark()
    answer, _ = in_directory(
        lax_site,
        'SetEnv PHP_ADMIN_VALUE "mailorigin.enabled=0\\nmailorigin.socket=/nowhere"',
        f"<?php mail('to@example.org', '{mark}', 'b'); echo ini_get('mailorigin.enabled'), ini_get('mailorigin.socket');",
    )
    assert answer.text == f"1{lax_site.httpd.runtime_dir}/mailorigin.sock"
    assert lax_site.shop.json.wait(mark)["verified"] is True
    lax_site.fpm.reload()


def test_settings_of_httpd_conf_stay(lax_site):
    """Strict is about .htaccess; what the administrator wrote for the vhost goes on working."""
    answer = lax_site.blog.run("<?php echo ini_get('precision'), $_SERVER['FROM_CONF'];")
    assert answer.text == "12kept"


def test_other_variables_of_htaccess_stay(site):
    answer, _ = in_directory(site, "SetEnv MY_VARIABLE mine", "<?php echo $_SERVER['MY_VARIABLE'];")
    assert answer.text == "mine"


@pytest.mark.parametrize(
    "code",
    [
        "ini_set('mailorigin.enabled', '0')",
        "ini_set('mailorigin.socket', '/nowhere')",
        "ini_set('mailorigin.on_failure', 'allow')",
        "ini_set('mailorigin.timeout_ms', '1')",
    ],
)
def test_ini_set_is_refused(site, code):
    mark = new_mark()
    answer = site.shop.run(f"<?php var_dump(@{code}); mail('to@example.org', '{mark}', 'b');")
    assert answer.text == "bool(false)\n"
    assert site.shop.json.wait(mark)["verified"] is True


def test_user_ini_is_refused(site):
    mark = new_mark()
    site.shop.write("user_ini/.user.ini", "mailorigin.enabled = 0\nmailorigin.socket = /nowhere\nprecision = 9\n")
    script = site.shop.write(
        "user_ini/page.php", f"<?php mail('to@example.org', '{mark}', 'b'); echo ini_get('precision'), ini_get('mailorigin.enabled');"
    )
    assert site.shop.get(script.uri).text == "91"
    assert site.shop.json.wait(mark)["verified"] is True


# ---- what the script sees

VIEWS = {
    "getenv": f"getenv('{VARIABLE}')",
    "getenv, all": f"getenv()['{VARIABLE}'] ?? false",
    "getenv, local": f"getenv('{VARIABLE}', true)",
    "$_SERVER": f"$_SERVER['{VARIABLE}'] ?? false",
    "$_ENV": f"$_ENV['{VARIABLE}'] ?? false",
    "filter_input": f"filter_input(INPUT_SERVER, '{VARIABLE}') ?? false",
    "phpinfo": "(function () { ob_start(); phpinfo(); $t = ob_get_clean(); return str_contains($t, '" + VARIABLE + "'); })()",
    "$_SERVER, any value": "array_filter($_SERVER, fn($k) => str_contains($k, 'MAILORIGIN_CONTEXT'), ARRAY_FILTER_USE_KEY) ? true : false",
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_hidden_from_the_script(site, name, when):
    mark = new_mark()
    mail = f"mail('to@example.org', '{mark}', 'b');"
    look = f"var_dump({VIEWS[name]});"
    answer = site.shop.run("<?php " + (mail + look if when == "after" else look + mail))
    assert answer.text == "bool(false)\n"
    assert site.shop.json.wait(mark)["verified"] is True


def test_phpinfo_has_a_section(site):
    answer = site.shop.run("<?php phpinfo(INFO_MODULES);")
    assert ">mailorigin<" in answer.text
    for setting in ("enabled", "socket", "on_failure", "timeout_ms"):
        assert f"mailorigin.{setting}" in answer.text


# ---- ways into a script


def test_error_document(site):
    """The page for a missing file is a request of its own; the old context does not linger."""
    mark = new_mark()
    script = site.shop.write(
        "missing/error.php",
        f"<?php mail('to@example.org', '{mark}', 'b'); echo isset($_SERVER['REDIRECT_{VARIABLE}']) ? 'seen' : 'hidden';",
    )
    site.shop.write("missing/.htaccess", f"ErrorDocument 404 {script.uri}\n")
    answer = site.shop.get("/missing/nothing-here")
    assert (answer.status, answer.text) == (404, "hidden")
    event = site.shop.json.wait(mark)
    assert event["verified"] is True
    assert event["entry"] == str(script.path)
    assert event["uri"] == "/missing/nothing-here"


def test_error_document_of_a_refusal(site):
    mark = new_mark()
    error = site.shop.write("failing/error.php", f"<?php mail('to@example.org', '{mark}-error', 'b');")
    site.shop.write("failing/.htaccess", f"ErrorDocument 403 {error.uri}\nRewriteEngine On\nRewriteRule page - [F]\n")
    script = site.shop.write("failing/page.php", "<?php echo 'never';")
    assert site.shop.get(script.uri).status == 403
    event = site.shop.json.wait(f"{mark}-error")
    assert event["verified"] is True
    assert event["entry"] == str(error.path)


def test_front_controller(site):
    """As most applications have it: every address is rewritten to index.php."""
    mark = new_mark()
    script = site.shop.write("app/index.php", f"<?php mail('to@example.org', '{mark}', 'b');")
    site.shop.write(
        "app/.htaccess",
        "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^ index.php [L]\n",
    )
    assert site.shop.get("/app/orders/17?x=1").status == 200
    event = site.shop.json.wait(mark)
    assert event["verified"] is True
    assert event["entry"] == str(script.path)
    assert event["uri"] == "/app/orders/17?x=1"
    assert event["request_id"] == site.shop.access.wait("/app/orders/17").split()[0]


def test_directory_index_and_path_info(site):
    site.shop.write("index/.htaccess", "DirectoryIndex start.php\n")
    script = site.shop.write("index/start.php", "<?php mail('to@example.org', $_GET['m'], 'b');")
    for uri in ("/index/", "/index/start.php/more/path"):
        mark = new_mark()
        assert site.shop.get(f"{uri}?m={mark}").status == 200
        event = site.shop.json.wait(mark)
        assert event["verified"] is True
        assert event["entry"] == str(script.path)
        assert event["uri"] == f"{uri}?m={mark}"


def test_static_files_have_no_context(site):
    """Only what runs code is sealed; and %^MO says so."""
    site.shop.write("static/file.txt", "static")
    site.shop.write("static/.htaccess", f'Header set X-Leak "%{{{VARIABLE}}}e"\n')
    answer = site.shop.get("/static/file.txt")
    assert answer.text == "static"
    assert answer.headers.get("X-Leak", "(null)") == "(null)"
    assert site.shop.access.wait("/static/file.txt").split()[0] == "-"


def test_long_uri(site):
    """Details are cut to their limits, and the event says so."""
    mark = new_mark()
    script = site.shop.script(f"<?php mail('to@example.org', '{mark}', 'b');")
    site.shop.get(f"{script.uri}?" + "x" * 6000)
    event = site.shop.json.wait(mark)
    assert event["verified"] is True
    assert event["uri"].startswith(script.uri)
    assert len(event["uri"]) == 1024
    assert event["truncated"] is True

"""What a tenant's .htaccess can do to the context on its way to PHP, and to PHP's settings."""

import json

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


# How .htaccess tells PHP of another script than the one that httpd was asked for.
OTHER_SCRIPTS = {
    "SetEnv, lower case": "SetEnv script_filename x\nSetEnv PATH_TRANSLATED {other}",
    "SetEnvIf": 'SetEnvIf Request_URI . Script_Filename=x "PATH_TRANSLATED={other}"',
    "RewriteRule": "RewriteEngine On\nRewriteRule . - [E=script_filename:x,E=PATH_TRANSLATED:{other}]",
}


@pytest.mark.parametrize("name", OTHER_SCRIPTS)
def test_the_sealed_script_is_the_one_that_runs(site, name):
    mark = new_mark()
    code = f"<?php mail('to@example.org', '{mark}', 'b');"
    other = site.shop.script(code)
    _, script = in_directory(site, OTHER_SCRIPTS[name].replace("{other}", str(other.path)), code)
    event = site.shop.json.wait(mark)
    assert (event["entry"], event["file"]) == (str(script.path), str(script.path))


PROGRAM = "#!/bin/sh\necho 'Content-Type: text/plain'; echo; env\n"
INTO_A_PROGRAM = """Options +IncludesNoExec
<Files *.shtml>
SetOutputFilter INCLUDES
</Files>
SetEnv LD_PRELOAD /x
SetEnv PHPRC /x
SetEnv PHP_INI_SCAN_DIR /x
SetEnv OPENSSL_MODULES /x
SetEnv FROM_HTACCESS kept
"""


def test_strict_keeps_htaccess_out_of_programs(make_site):
    """A page that may include a program of the server's, but run none of its own, has no code loaded into it."""
    directives = WITH_HEADER + "  ScriptAlias /bin/ {dir}/bin/\n  SetEnv PHPRC /ours\n"
    server = SERVER + "ScriptSock {dir}/run/cgid\n<Directory {dir}/bin>\nRequire all granted\nOptions +ExecCGI\n</Directory>\n"
    site = make_site(two_vhosts(directives, run_as=False), start=False, server=server, modules=("cgid", "include"))
    program = site.directory / "bin/program"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    site.start()
    site.shop.write("in/.htaccess", INTO_A_PROGRAM)
    page = site.shop.write("in/page.shtml", '<!--#set var="LD_AUDIT" value="/x" --><!--#include virtual="/bin/program" -->')
    lines = site.shop.get(page.uri).text.splitlines()
    assert {"PHPRC=/ours", "FROM_HTACCESS=kept"} < set(lines)
    assert not [line for line in lines if line.endswith("=/x")]


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


# What httpd.conf says for the directory /own/NAME/, or the file in it, and what PHP is told of user_agent then.
OWN = {
    "SetEnv": ('SetEnvIf Request_URI "^/own/(SetEnv)/" X=1\n<Location /own/SetEnv>\nSetEnv PHP_VALUE user_agent=set\n</Location>', "set"),
    "SetEnvIf": ('SetEnvIf Request_URI "^/own/(SetEnvIf)/" "PHP_VALUE=user_agent=$1"', "SetEnvIf"),
    "SetEnvIf-admin": ('SetEnvIf Request_URI "^/own/(SetEnvIf-admin)/" "PHP_ADMIN_VALUE=user_agent=$1"', "SetEnvIf-admin"),
    "SetEnvIfExpr": ('SetEnvIfExpr "%{REQUEST_URI} =~ m#^/own/(SetEnvIfExpr)/#" "PHP_VALUE=user_agent=$1"', "SetEnvIfExpr"),
    "RewriteRule": ('RewriteEngine On\nRewriteRule ^/own/(RewriteRule)/ - [E=PHP_VALUE:user_agent=$1]', "RewriteRule"),
    "Directory": ('<Directory {dir}/www/shop/own/Directory>\nSetEnvIf Request_URI "own/(\\w+)" "PHP_VALUE=user_agent=$1"\n</Directory>', "Directory"),
    "DirectoryRewrite": (
        "<Directory {dir}/www/shop/own/DirectoryRewrite>\nRewriteEngine On\n"
        "RewriteRule (.*) - [E=PHP_VALUE:user_agent=%{HTTP_HOST}]\n</Directory>", "shop.example",
    ),
    "Files": ('<Directory {dir}/www/shop/own/Files>\n<Files page.php>\nSetEnv PHP_VALUE user_agent=file\n</Files>\n</Directory>', "file"),
    "If": ('<If "%{REQUEST_URI} =~ m#^/own/If/#">\nSetEnv PHP_VALUE user_agent=if\n</If>', "if"),
    "Proxy-Directory": (
        '<Directory {dir}/www/shop/own/Proxy-Directory>\nProxyFCGISetEnvIf "true" PHP_VALUE "user_agent=there"\n</Directory>', "there",
    ),
    "Proxy-Files": (
        '<Directory {dir}/www/shop/own/Proxy-Files>\n<Files page.php>\nProxyFCGISetEnvIf "true" PHP_VALUE "user_agent=there"\n'
        "</Files>\n</Directory>", "there",
    ),
    "Proxy-Location": ('<Location /own/Proxy-Location>\nProxyFCGISetEnvIf "true" PHP_VALUE "user_agent=there"\n</Location>', "there"),
    "nothing": ("", ""),
}
TENANTS = {
    "no .htaccess": None,
    "something else": "SetEnv OTHER 1",
    "SetEnv": 'SetEnv PHP_VALUE "user_agent=tenant"\nSetEnv PHP_ADMIN_VALUE "user_agent=tenant"',
    "UnsetEnv": "UnsetEnv PHP_VALUE\nUnsetEnv PHP_ADMIN_VALUE",
    "SetEnvIf": 'SetEnvIf Request_URI . "PHP_VALUE=user_agent=tenant" !PHP_ADMIN_VALUE',
    "RewriteRule": "RewriteEngine On\nRewriteRule . - [E=PHP_VALUE:user_agent=tenant,E=!PHP_ADMIN_VALUE]",
    "ProxyFCGISetEnvIf": 'ProxyFCGISetEnvIf "true" PHP_VALUE "user_agent=tenant"',
    "ProxyFCGISetEnvIf, unset": 'ProxyFCGISetEnvIf "true" !PHP_VALUE\nProxyFCGISetEnvIf "true" !PHP_ADMIN_VALUE',
    "If": '<If "true">\nSetEnv PHP_VALUE "user_agent=tenant"\nProxyFCGISetEnvIf "true" PHP_VALUE "user_agent=tenant"\n</If>',
    "Options": 'Options +FollowSymLinks\nSetEnv PHP_VALUE "user_agent=tenant"',
}


TOLD = "<?php echo json_encode([$_SERVER['PHP_VALUE'] ?? null, $_SERVER['PHP_ADMIN_VALUE'] ?? null]);"


def told(name):
    value = OWN[name][1] and f"user_agent={OWN[name][1]}"
    return json.dumps([None, value] if "admin" in name else [value or None, None], separators=(",", ":"))


@pytest.fixture(scope="module")
def own_site(installation):
    """shop, for whose directories httpd.conf has settings of all kinds."""
    vhosts = two_vhosts(WITH_HEADER + "  Options +Includes\n  AddOutputFilter INCLUDES .shtml\n")
    vhosts[0].directives += "".join(f"{lines}\n" for lines, _ in OWN.values())
    made = Site(installation, installation.directory("own"), vhosts, server=SERVER, modules=("include", "mime", "autoindex"))
    mime_types = made.directory / "conf/mime.types"
    mime_types.write_text("text/html html shtml\n")
    made.configure(f"{SERVER}TypesConfig {mime_types}\n")
    try:
        yield made.start()
        made.verify()
    finally:
        made.stop()


@pytest.mark.parametrize("tenant", TENANTS)
@pytest.mark.parametrize("name", OWN)
def test_own_settings_stay(own_site, name, tenant):
    """Whatever a tenant's .htaccess says of them, PHP has what httpd.conf says, and nothing else."""
    shop = own_site.shop
    htaccess = shop.docroot / "own" / name / ".htaccess"
    page = shop.write(f"own/{name}/page.php", TOLD)
    htaccess.unlink(missing_ok=True)
    if TENANTS[tenant]:
        htaccess.write_text(TENANTS[tenant] + "\n")
    assert shop.get(page.uri).text == told(name)


@pytest.mark.parametrize("name", ["SetEnvIf", "Directory", "Files", "Proxy-Files", "nothing"])
def test_own_settings_of_an_index(own_site, name):
    """httpd puts the file in the directory's place."""
    shop = own_site.shop
    shop.write(f"own/{name}/page.php", TOLD)
    shop.write(f"own/{name}/.htaccess", 'DirectoryIndex page.php\nSetEnv PHP_VALUE "user_agent=tenant"\n')
    assert shop.get(f"/own/{name}/").text == told(name)


@pytest.mark.parametrize("name", ["SetEnvIf", "Directory", "Proxy-Directory", "nothing"])
def test_own_settings_of_an_included_page(own_site, name):
    """A page that includes it hands on its environment, which it may have changed."""
    shop = own_site.shop
    shop.write(f"own/{name}/page.php", TOLD)
    shop.write(f"own/{name}/.htaccess", "SetEnv OTHER 1\n")
    for value in ("PHP_VALUE", "PHP_ADMIN_VALUE"):
        around = shop.write(
            f"own/{name}/around.shtml", f'<!--#set var="{value}" value="user_agent=tenant" --><!--#include virtual="page.php" -->'
        )
        assert shop.get(around.uri).text.strip() == told(name)


def test_own_settings_of_a_proxied_host(make_site):
    """ProxyPassMatch: no .htaccess is read, and what <Location> says is the server's."""
    vhosts = two_vhosts()
    vhosts[0].run_lines = (
        '  ProxyPassMatch "^/(.*\\.php)$" "unix:{socket}|fcgi://localhost/{docroot}/$1"\n'
        '  <Location />\n    ProxyFCGISetEnvIf "true" PHP_VALUE "user_agent=there"\n  </Location>\n'
    )
    site = make_site(vhosts)
    page = site.shop.write("a/page.php", TOLD)
    site.shop.write("a/.htaccess", 'ProxyFCGISetEnvIf "true" PHP_VALUE "user_agent=tenant"\n')
    assert site.shop.get(page.uri).text == '["user_agent=there",null]'
    mark = new_mark()
    site.shop.write("a/mail.php", f"<?php mail('to@example.org', '{mark}', 'b');")
    site.shop.get("/a/mail.php")
    assert site.shop.json.wait(mark)["verified"] is True


def test_own_settings_of_a_listed_directory(own_site):
    """mod_autoindex makes a subrequest of each file, which ends before the next begins."""
    shop = own_site.shop
    for at in range(300):
        shop.write(f"listed/file{at}.php", TOLD)
    shop.write("listed/.htaccess", 'Options +Indexes\nSetEnv PHP_VALUE "user_agent=tenant"\n')
    for _ in range(3):
        answer = shop.get("/listed/")
        assert answer.status == 200 and answer.text.count('href="file') == 300
    assert shop.get("/listed/file7.php").text == "[null,null]"


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
    for setting in ("enabled", "socket", "on_failure", "on_timeout", "timeout_ms", "patience_ms"):
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

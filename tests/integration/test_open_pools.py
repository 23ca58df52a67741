"""Pools whose scripts reach their workers' memory, native code or the code of other pools: said once, or prevented."""

import json
import re
import subprocess

import pytest
from harness.site import BLOG_UID, SHOP_UID, WITH_HEADER, Vhost, new_mark

OPEN = "process.dumpable = yes\npm.max_requests = 3"
PAGE = "<?php var_dump((bool) @fopen('/proc/self/mem', 'r')); mail('to@example.org', $_GET['m'], 'body');"


def said(lines, pool):
    return len([line for line in lines if re.search(rf"MO0304: pool '{pool}': .*process\.dumpable", line)])


def test_said_once(make_site, syslog):
    site = make_site(
        [Vhost("shop", SHOP_UID, WITH_HEADER, pool_lines=OPEN), Vhost("blog", BLOG_UID, WITH_HEADER)]
    )
    site.httpd.expect_log("MO0304: pool 'shop'")
    before = said(syslog.lines, "shop")
    for generation in (1, 2):
        pids = set()
        # More than three requests each: other workers come, and say nothing.
        for vhost in site.vhosts:
            script = vhost.script(PAGE)
            for _ in range(12):
                mark = new_mark()
                is_open = vhost.get(f"{script.uri}?m={mark}").text
                assert is_open == f"bool({str(vhost is site.shop).lower()})\n"
                event = vhost.json.wait(mark)
                assert event["verified"] is True
                pids.add(event["pid"])
        assert len(pids) > 4
        in_error_log = site.httpd.error_log.read_text().splitlines()
        assert (said(in_error_log, "shop"), said(in_error_log, "blog")) == (generation, 0)
        assert (said(syslog.lines, "shop") - before, said(syslog.lines, "blog")) == (generation, 0)
        if generation == 1:
            site.fpm.reload()


@pytest.mark.parametrize("setting", ["ffi.enable", "opcache.file_cache"])
def test_settings_that_open_a_pool(make_site, installation, setting):
    value = {"ffi.enable": "1"}.get(setting) or installation.directory("opcodes")
    if setting == "opcache.file_cache":
        value.chmod(0o777)
    ini = {"opcache.enable": "1", "opcache.jit": "disable", setting: value}
    site = make_site([Vhost("shop", SHOP_UID, WITH_HEADER)], zend_extensions=["opcache"], extensions=["ffi"], ini=ini)
    site.httpd.expect_log(rf"MO0304: pool 'shop': .*\({setting}\)")
    site.shop.mail()


def test_ffi_for_what_is_preloaded_opens_none(make_site):
    site = make_site([Vhost("shop", SHOP_UID, WITH_HEADER)], extensions=["ffi"], ini={"ffi.enable": "preload"})
    site.shop.mail()


LOADS = """<?php
putenv("OPENSSL_ENGINES=$_GET[d]"); @curl_setopt(curl_init('https://127.0.0.1/'), 10089 /* CURLOPT_SSLENGINE */, 'engine');
echo json_encode([getenv('OPENSSL_ENGINES'), @putenv("LOCPATH=$_GET[d]"), putenv('OPENSSL_CONF=/dev/null'), putenv('A=b'), getenv('A')]);
"""


def test_a_script_names_no_library(site, installation):
    """One that says whom it was loaded by, in the place of an engine of OpenSSL's."""
    directory = installation.directory("engines")
    directory.chmod(0o777)
    source = f'#include <stdio.h>\n__attribute__((constructor)) static void loaded(void) {{ fclose(fopen("{directory}/loaded", "w")); }}'
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", directory / "engine.so"], input=source, text=True, check=True)
    answer = site.shop.get(f"{site.shop.script(LOADS).uri}?d={directory}").text
    assert "MO0309: OPENSSL_ENGINES" in answer
    assert json.loads(answer.splitlines()[-1]) == [False, False, True, True, "b"]
    assert not (directory / "loaded").exists()


OPCACHE = {"opcache.enable": "1", "opcache.jit": "disable", "opcache.file_update_protection": "0"}

# In the place of file://: whatever is opened is the code below, of the age that the file has.
STREAM = r"""<?php
class Stream {
    public $context;
    private $code = CODE;
    function stream_open() { return true; }
    function stream_read($size) { [$read, $this->code] = [$this->code, '']; return $read; }
    function stream_eof() { return $this->code === ''; }
    function stream_stat() { return ['mode' => 0100644, 'size' => strlen(CODE), 'mtime' => MADE]; }
    function url_stat() { return $this->stream_stat(); }
    function stream_set_option() { return false; }
}
const CODE = '<?php echo "another code, as ", posix_getuid();';
define('MADE', filemtime('TARGET'));
opcache_invalidate('TARGET', true);
stream_wrapper_unregister('file');
stream_wrapper_register('file', 'Stream');
include 'TARGET';
"""


def test_no_code_under_a_neighbours_name(make_site):
    """opcache keeps code for all pools, and would run it as their users."""
    site = make_site(zend_extensions=["opcache"], ini=OPCACHE)
    page = site.blog.script("<?php echo 'my code';")
    assert site.blog.get(page.uri).text == "my code"
    assert site.shop.run(STREAM.replace("TARGET", str(page.path))).text == f"another code, as {SHOP_UID}"
    assert site.blog.get(page.uri).text == "my code"


@pytest.mark.parametrize("validate_root", ["0", "1"])
def test_a_chroot_whose_paths_are_others_too(make_site, installation, validate_root):
    vhost = Vhost("shop", SHOP_UID, WITH_HEADER, pool_lines=f"chroot = {installation.directory('jail')}\nchdir = /\n")
    site = make_site([vhost], zend_extensions=["opcache"], ini={**OPCACHE, "opcache.validate_root": validate_root})
    site.httpd.allow_log("Primary script unknown")
    if validate_root == "0":
        site.httpd.expect_log(f"MO0310: pool 'shop' of uid {SHOP_UID} is in a chroot, .*restart php-fpm")
    assert vhost.get(vhost.script("<?php").uri).text == "File not found.\n"

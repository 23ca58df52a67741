"""What `cmake --install` puts on a host."""

import os
import subprocess
from pathlib import Path

import pytest
from harness.paths import PROJECT
from harness.paths import HTTPD, HTTPD_MODULES, PHP, PHP_CONFIGURATION, PHP_EXTENSIONS

FILES = {
    f"{HTTPD_MODULES}/mod_mailorigin.so",
    f"{PHP_EXTENSIONS}/mailorigin.so",
    "/usr/local/bin/mailorigin",
    "/usr/local/sbin/mailorigin-firewall",
    "/usr/local/sbin/mailorigind",
    "/etc/apache2/mods-available/mailorigin.load",
    "/etc/apache2/mods-available/mailorigin.conf",
    f"{PHP_CONFIGURATION}/mods-available/mailorigin.ini",
    "/usr/local/lib/systemd/system/mailorigin-firewall.service",
    "/usr/local/lib/systemd/system/mailorigin-firewall-boot.service",
    "/usr/local/lib/systemd/system/mailorigind.service",
    "/usr/local/lib/systemd/system/mailorigind.socket",
    "/usr/local/lib/systemd/system/mailorigind-control.socket",
    "/usr/local/lib/sysusers.d/mailorigin.conf",
    "/usr/local/lib/tmpfiles.d/mailorigin.conf",
}


@pytest.fixture(scope="module")
def installed(installation):
    root = installation.directory("installed")
    build = Path(os.environ.get("MAILORIGIN_BUILD", PROJECT / "build/development"))
    done = subprocess.run(
        ["cmake", "--install", str(build)], env={**os.environ, "DESTDIR": str(root)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def test_files(installed):
    found = {f"/{path.relative_to(installed)}" for path in installed.rglob("*") if path.is_file()}
    assert found == FILES
    for name in found:
        assert not Path(f"{installed}{name}").stat().st_mode & 0o022, name


def test_httpd_takes_its_configuration(installed, installation):
    """mailorigin.load and mailorigin.conf as they are, but for where the module is at the moment."""
    root = installation.directory("packaged")
    (root / "logs").mkdir()
    available = installed / "etc/apache2/mods-available"
    load = (available / "mailorigin.load").read_text()
    assert f"{HTTPD_MODULES}/mod_mailorigin.so" in load
    (root / "httpd.conf").write_text(
        f"LoadModule mpm_event_module {HTTPD_MODULES}/mod_mpm_event.so\n"
        + load.replace("/usr/lib", f"{installed}/usr/lib")
        + f"ServerRoot {root}\nDefaultRuntimeDir {root}\nServerName x\nListen 127.0.0.1:1\nErrorLog {root}/error_log\n"
        + f"Define APACHE_LOG_DIR {root}/logs\n"
        + (available / "mailorigin.conf").read_text()
    )
    done = subprocess.run([HTTPD, "-t", "-f", str(root / "httpd.conf")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Syntax OK" in done.stderr


def test_php_takes_its_ini(installed, installation):
    directory = installation.directory("extensions")
    for shared in PHP_EXTENSIONS.glob("*.so"):
        (directory / shared.name).symlink_to(shared)
    (directory / "mailorigin.so").unlink(missing_ok=True)
    (directory / "mailorigin.so").symlink_to(Path(f"{installed}{PHP_EXTENSIONS}/mailorigin.so"))
    ini = directory / "php.ini"
    ini.write_text(
        f"extension_dir={directory}\n" + Path(f"{installed}{PHP_CONFIGURATION}/mods-available/mailorigin.ini").read_text()
    )
    done = subprocess.run(
        [PHP, "-c", str(ini), "-r", "echo ini_get('mailorigin.socket'), ini_get('mailorigin.on_failure');"],
        env={**os.environ, "PHP_INI_SCAN_DIR": ""}, capture_output=True, text=True,
    )
    assert (done.stdout, done.stderr) == ("/run/mailorigin/mailorigin.sockallow", "")


def test_units_name_what_is_installed(installed):
    units = installed / "usr/local/lib/systemd/system"
    service = (units / "mailorigind.service").read_text()
    assert "ExecStart=/usr/local/sbin/mailorigind --user mailorigin" in service
    for name in ("mailorigind.socket", "mailorigind-control.socket"):
        assert "ListenSequentialPacket=/run/mailorigin/" in (units / name).read_text()

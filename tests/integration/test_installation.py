"""What `cmake --install` puts on a host."""

import os
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
from harness.installation import build_directory
from harness.paths import PROJECT
from harness.paths import HTTPD, HTTPD_MODULES, PHP, PHP_CONFIG, PHP_CONFIGURATION, PHP_EXTENSIONS, PHP_VERSION

CONFIGURATION = {
    "/etc/apache2/mods-available/mailorigin.load",
    "/etc/apache2/mods-available/mailorigin.conf",
    f"{PHP_CONFIGURATION}/mods-available/mailorigin.ini",
    "/etc/logrotate.d/mailorigin",
    "/etc/apparmor.d/usr.local.sbin.mailorigind",
    "/etc/apparmor.d/usr.local.sbin.mailorigin-firewall",
    "/etc/apparmor.d/usr.local.sbin.mailorigin-milter",
}
FILES = CONFIGURATION | {
    f"{HTTPD_MODULES}/mod_mailorigin.so",
    f"{PHP_EXTENSIONS}/mailorigin.so",
    "/usr/local/bin/mailorigin",
    "/usr/local/sbin/mailorigin-firewall",
    "/usr/local/sbin/mailorigin-milter",
    "/usr/local/sbin/mailorigind",
    "/usr/local/sbin/mailorigin-sendmail",
    "/usr/local/include/mailorigin.h",
    "/usr/local/lib/libmailorigin.so",
    "/usr/local/lib/libmailorigin.so.0",
    "/usr/local/lib/libmailorigin.so.0.1.0",
    "/usr/local/lib/pkgconfig/mailorigin.pc",
    "/usr/local/share/man/man3/mailorigin.3",
    "/usr/local/lib/systemd/system/mailorigin-firewall.service",
    "/usr/local/lib/systemd/system/mailorigin-firewall-boot.service",
    "/usr/local/lib/systemd/system/mailorigin-milter.service",
    "/usr/local/lib/systemd/system/mailorigind.service",
    "/usr/local/lib/systemd/system/mailorigind.socket",
    "/usr/local/lib/systemd/system/mailorigind-control.socket",
    "/usr/local/lib/systemd/system/mailorigind-exim.socket",
    "/usr/local/share/mailorigin/exim/acl.conf",
    "/usr/local/share/mailorigin/exim/main.conf",
    "/usr/local/lib/sysusers.d/mailorigind.conf",
    "/usr/local/lib/sysusers.d/mailorigin-firewall.conf",
    "/usr/local/lib/sysusers.d/mailorigin-milter.conf",
    "/usr/local/lib/tmpfiles.d/mailorigind.conf",
    "/usr/local/lib/tmpfiles.d/mailorigin-firewall.conf",
    "/usr/local/share/man/man8/mailorigin.8",
    "/usr/local/share/man/man8/mailorigind.8",
    "/usr/local/share/man/man8/mailorigin-firewall.8",
    "/usr/local/share/man/man8/mailorigin-milter.8",
    "/usr/local/share/man/man8/mailorigin-sendmail.8",
    "/usr/local/share/bash-completion/completions/mailorigin",
    "/usr/local/share/zsh/vendor-completions/_mailorigin",
    "/usr/local/share/fish/vendor_completions.d/mailorigin.fish",
}
DOCS, KEPT = "/usr/local/share/doc/mailorigin/", "/usr/local/share/mailorigin/configuration"


def cmake(root, *arguments):
    return subprocess.run(["cmake", *arguments], env={**os.environ, "DESTDIR": str(root)}, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def installed(installation):
    root = installation.directory("installed")
    cmake(root, "--install", build_directory())
    return root


def test_files(installed):
    found = {f"/{path.relative_to(installed)}" for path in installed.rglob("*") if path.is_file()}
    assert {name for name in found if not name.startswith((DOCS, KEPT))} == FILES
    assert {name.removeprefix(KEPT) for name in found if name.startswith(KEPT)} == CONFIGURATION
    assert {DOCS + "operations.md", DOCS + "directives/rules.md", DOCS + "examples/mailorigin.conf"} <= found
    for name in found:
        assert not Path(f"{installed}{name}").stat().st_mode & 0o022, name


def test_pages_lead_to_pages_that_are_installed(installed):
    docs = Path(f"{installed}{DOCS}").resolve()
    missing = []
    for page in docs.rglob("*.md"):
        for target in re.findall(r"\]\((?!\w+:)([^)\s#]+)", page.read_text()):
            file = (page.parent / target).resolve()
            if not file.exists() or not file.is_relative_to(docs):
                missing.append(f"{page.relative_to(docs)}: {target}")
    assert not missing, "\n".join(missing)


def patterns_of_packages():
    """What conf/debian has a place for, below the root."""
    debian = PROJECT / "conf/debian"
    lines = [line for each in [*debian.glob("*.install"), debian / "not-installed"] for line in each.read_text().split()]
    return [line.replace("@extensions@", str(PHP_EXTENSIONS)[1:]).replace("@version@", PHP_VERSION) for line in lines]


def test_each_file_has_its_package(installed):
    """As Debian's packages are built, below /usr: dh_missing says it there, after a long build."""
    patterns = patterns_of_packages()
    names = {str(path.relative_to(installed)).replace("usr/local/", "usr/") for path in installed.rglob("*") if path.is_file()}
    names = {re.sub(r"^usr/lib/(libmailorigin|pkgconfig)", r"usr/lib/triplet/\1", name) for name in names}
    assert [name for name in sorted(names) if not any(fnmatch(name, pattern) or name.startswith(pattern + "/") for pattern in patterns)] == []


def test_each_unit_is_started_by_its_package(installed):
    rules = (PROJECT / "conf/debian/rules").read_text()
    for unit in (installed / "usr/local/lib/systemd/system").iterdir():
        assert re.search(rf"dh_installsystemd (.*\\\n)?.*\b{re.escape(unit.name)}", rules), unit.name


def test_without_the_firewall_nothing_of_it_is_installed(tmp_path):
    """Its unit would fail at each boot; what conf/ installs needs no build."""
    build, root = tmp_path / "build", tmp_path / "root"
    cmake(root, "-S", PROJECT, "-B", build, "-G", "Ninja", "-DMAILORIGIN_FIREWALL=OFF", "-DMAILORIGIN_TESTS=OFF")
    cmake(root, "-P", build / "conf/cmake_install.cmake")
    files = {f"/{path.relative_to(root)}" for path in root.rglob("*") if path.is_file()}
    assert {name for name in files if "firewall" in name} == {DOCS + "directives/firewall.md"}
    assert "/usr/local/lib/systemd/system/mailorigind.service" in files


def examples_of_the_docs():
    """What a page tells an administrator to write, by the page."""
    pages = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
    indented = re.compile(r"^    <(VirtualHost|IfModule)[^\n]*\n.*?^    </\1>$", re.M | re.S)
    found = {}
    for page in pages:
        text = page.read_text()
        blocks = re.findall(r"^```apache\n(.*?)^```", text, re.M | re.S) + [block[0] for block in indented.finditer(text)]
        found |= {f"{page.relative_to(PROJECT)}-{number}": block.replace("        ...\n", "") for number, block in enumerate(blocks)}
    return found


EXAMPLES = {"": "", "conf/examples": (PROJECT / "conf/examples/mailorigin.conf").read_text(), **examples_of_the_docs()}
# What an example is for may not be on this machine.
NOT_THERE = re.compile(r"No such file or directory|is not a user of this machine \(|[Tt]here is no |user is not there|is not a program")


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_httpd_takes_its_configuration(installed, installation, example):
    """mailorigin.load and mailorigin.conf as they are, but for where the module is; also with what a page would have beside them."""
    root = installation.directory("packaged")
    (root / "logs").mkdir(exist_ok=True)
    available = installed / "etc/apache2/mods-available"
    load = (available / "mailorigin.load").read_text()
    assert f"{HTTPD_MODULES}/mod_mailorigin.so" in load
    (root / "httpd.conf").write_text(
        "".join(f"LoadModule {name}_module {HTTPD_MODULES}/mod_{name}.so\n" for name in ("mpm_event", "authz_core"))
        + load.replace("/usr/lib", f"{installed}/usr/lib")
        + f"ServerRoot {root}\nDefaultRuntimeDir {root}\nServerName x\nListen 127.0.0.1:1\nErrorLog {root}/error_log\n"
        + ((available / "mailorigin.conf").read_text() + example).replace("/var/log/mailorigin", str(root))
    )
    done = subprocess.run([HTTPD, "-t", "-f", str(root / "httpd.conf")], capture_output=True, text=True)
    assert (done.returncode == 0 and "Syntax OK" in done.stderr) or (example and NOT_THERE.search(done.stderr)), done.stderr
    assert "MO0106" not in done.stderr, "a site whose PHP runs as httpd's User is no example"


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


def test_an_edit_is_never_overwritten(installation):
    root = installation.directory("edited")
    cmake(root, "--install", build_directory())
    edited, older = root / "etc/apache2/mods-available/mailorigin.conf", root / "etc/logrotate.d/mailorigin"
    new = older.read_text()
    edited.write_text("# mine\n")
    for path in (older, Path(f"{root}{KEPT}/etc/logrotate.d/mailorigin")):  # as a version before had it
        path.write_text("# older\n")
    said = cmake(root, "--install", build_directory())
    assert edited.read_text() == "# mine\n"
    assert older.read_text() == new
    assert f"Kept: {edited}, it was edited" in said and f"Kept: {older}" not in said

    said = cmake(root, "--build", build_directory(), "--target", "uninstall")
    assert f"Kept: {edited}, it was edited" in said
    assert [path for path in root.rglob("*") if path.is_file() or path.name == "mailorigin"] == [edited]


# What a program answers, for the two that are not Debian's.
ANSWERS = """#!/bin/sh
case "$*" in
"-q SYSCONFDIR") echo {root}{sysconfdir} ;;
"-q SBINDIR") echo {root}/bin ;;
"-q PROGNAME") echo {program} ;;
-V) echo ' -D HTTPD_ROOT="{root}{httpd_root}"' ;;
--ini-dir) echo {root}{ini_dir} ;;
esac
"""


@pytest.mark.parametrize(
    ("directories", "answers", "expected"),
    [
        (["etc/httpd/conf.modules.d", "etc/php.d"], ("/etc/httpd/conf", "/etc/httpd", "httpd", "/etc/php.d"),
         ["/etc/httpd/conf.modules.d/20-mailorigin.conf", "/etc/httpd/conf.d/mailorigin.conf", "/etc/php.d/20-mailorigin.ini"]),
        (["etc/php/8.4/mods-available"], ("/etc/apache2", "/etc/apache2", "apache2", "/etc/php/8.4/cli/conf.d"),
         ["/etc/apache2/mods-available/mailorigin.load", "/etc/apache2/mods-available/mailorigin.conf", "/etc/php/8.4/mods-available/mailorigin.ini"]),
        ([], ("/opt/httpd/conf", "/opt/httpd", "httpd", "/opt/php/conf.d"),
         ["/opt/httpd/conf/extra/mailorigin-load.conf", "/opt/httpd/conf/extra/mailorigin.conf", "/opt/php/conf.d/20-mailorigin.ini"]),
    ],
    ids=["RHEL", "Debian", "built by hand"],
)  # fmt: skip
def test_httpd_and_php_say_where_their_configuration_is(tmp_path, directories, answers, expected):
    for directory in ["bin", *directories]:
        (tmp_path / directory).mkdir(parents=True)
    for program in ("apxs", "httpd", "php-config"):
        path = tmp_path / "bin" / program
        path.write_text(ANSWERS.format(root=tmp_path, sysconfdir=answers[0], httpd_root=answers[1], program=answers[2], ini_dir=answers[3]))
        path.chmod(0o755)
    script = tmp_path / "ask.cmake"
    script.write_text(
        f"set(MAILORIGIN_APXS {tmp_path}/bin/apxs)\ninclude({PROJECT}/cmake/host_paths.cmake)\nhttpd_configuration_files(load conf)\n"
        f"php_configuration_file({tmp_path}/bin/php-config ini)\nmessage(NOTICE \"${{load}} ${{conf}} ${{ini}}\")\n"
    )
    said = subprocess.run(["cmake", "-P", script], capture_output=True, text=True, check=True).stderr
    assert said.split() == [f"{tmp_path}{path}" for path in expected]


def test_each_php_has_an_ini_of_its_own(tmp_path):
    """Also without the rest, as for the PHPs of a panel."""
    configs = []
    for version in ("8.1", "8.3"):
        configs.append(tmp_path / f"php-config{version}")
        ini, extensions = tmp_path / version / "ini", tmp_path / version / "extensions"
        answers = f"--version) echo {version}.1 ;;\n--ini-dir) echo {ini} ;;\n--extension-dir) echo {extensions} ;;"
        configs[-1].write_text(f'#!/bin/sh\ncase "$1" in\n{answers}\n*) exec {PHP_CONFIG} "$@" ;;\nesac\n')
        configs[-1].chmod(0o755)
    of_plugin = ("-DMAILORIGIN_ONLY_PLUGIN=ON", "-DMAILORIGIN_TESTS=OFF", f"-DMAILORIGIN_PHP_CONFIGS={';'.join(map(str, configs))}")
    cmake(tmp_path, "-S", PROJECT, "-B", tmp_path / "build", "-G", "Ninja", *of_plugin)
    installs = (tmp_path / "build/fpm_plugin/cmake_install.cmake").read_text()
    for version in ("8.1", "8.3"):
        assert f'set(target "{tmp_path}/{version}/ini/20-mailorigin.ini")' in installs
        assert f"{tmp_path}/{version}/extensions/mailorigin.so" in installs


def test_units_name_what_is_installed(installed):
    units = installed / "usr/local/lib/systemd/system"
    service = (units / "mailorigind.service").read_text()
    assert "ExecStart=/usr/local/sbin/mailorigind --user mailorigin" in service
    for name in ("mailorigind.socket", "mailorigind-control.socket"):
        assert "ListenSequentialPacket=/run/mailorigin/" in (units / name).read_text()


def test_profiles_of_apparmor(installed):
    """As far as a kernel without it can: its own compiler takes them."""
    for path in (installed / "etc/apparmor.d").iterdir():
        done = subprocess.run(["apparmor_parser", "--skip-kernel-load", "--skip-cache", path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_module_of_selinux(tmp_path):
    sources, module = PROJECT / "conf/selinux", tmp_path / "mailorigin.mod"
    for command in (
        ["checkmodule", "-M", "-m", "-o", module, sources / "mailorigin.te"],
        ["semodule_package", "-o", tmp_path / "mailorigin.pp", "-m", module, "-f", sources / "mailorigin.fc"],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

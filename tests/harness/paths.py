"""Where the build under test is, this machine's httpd, and the PHP under test: the first that was built for.

MAILORIGIN_TEST_PHP chooses another of them, as in MAILORIGIN_TEST_PHP=8.4 (cmake/php.cmake).
"""

import os
import platform
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
RELEASE = platform.freedesktop_os_release()["VERSION_CODENAME"]  # of Debian: "bookworm", "trixie"


def build_directory():
    """Where the parts under test were built."""
    return Path(os.environ.get("MAILORIGIN_BUILD", PROJECT / "build/development"))


HTTPD = "/usr/sbin/apache2"
HTTPD_MODULES = Path("/usr/lib/apache2/modules")
SUEXEC = Path("/usr/lib/apache2/suexec")


def _ask(php_config, option):
    return subprocess.run([php_config, option], capture_output=True, text=True, check=True).stdout.strip()


def _php_under_test():
    """Its version and its php-config; what needs no build is tested with the machine's own."""
    built_for = build_directory() / "phps"
    if not built_for.is_file():
        return ".".join(_ask("php-config", "--version").split(".")[:2]), "php-config"
    phps = dict(line.split(" ", 1) for line in built_for.read_text().splitlines())
    version = os.environ.get("MAILORIGIN_TEST_PHP", next(iter(phps)))
    if version not in phps:
        raise LookupError(f"MAILORIGIN_TEST_PHP={version}: {built_for} has {', '.join(phps)}")
    return version, phps[version]


PHP_VERSION, PHP_CONFIG = _php_under_test()
PHP = _ask(PHP_CONFIG, "--php-binary")
PHP_CGI = f"/usr/bin/php-cgi{PHP_VERSION}"
PHP_FPM = f"/usr/sbin/php-fpm{PHP_VERSION}"
PHP_FPM_UNIT = f"php{PHP_VERSION}-fpm"
PHP_CONFIGURATION = Path("/etc/php", PHP_VERSION)
MOD_PHP = f"libphp{PHP_VERSION}.so"
PHP_EXTENSIONS = Path(_ask(PHP_CONFIG, "--extension-dir"))
PLUGIN = build_directory() / "fpm_plugin" / PHP_VERSION / "mailorigin.so"

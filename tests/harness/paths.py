"""Where this machine's httpd and PHP are.

MAILORIGIN_TEST_PHP chooses another PHP, as in MAILORIGIN_TEST_PHP=8.4; the plugin under test has to
be built for it (cmake -DMAILORIGIN_PHP_CONFIG=/usr/bin/php-config8.4).
"""

import os
import subprocess
from pathlib import Path

HTTPD = "/usr/sbin/apache2"
HTTPD_MODULES = Path("/usr/lib/apache2/modules")
SUEXEC = Path("/usr/lib/apache2/suexec")

PHP_VERSION = os.environ.get("MAILORIGIN_TEST_PHP", "8.2")
PHP = f"/usr/bin/php{PHP_VERSION}"
PHP_CGI = f"/usr/bin/php-cgi{PHP_VERSION}"
PHP_FPM = f"/usr/sbin/php-fpm{PHP_VERSION}"
PHP_FPM_UNIT = f"php{PHP_VERSION}-fpm"
PHP_CONFIGURATION = Path("/etc/php", PHP_VERSION)
MOD_PHP = f"libphp{PHP_VERSION}.so"
PHP_EXTENSIONS = Path(
    subprocess.run([f"/usr/bin/php-config{PHP_VERSION}", "--extension-dir"], capture_output=True, text=True, check=True).stdout.strip()
)

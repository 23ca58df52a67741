#!/usr/bin/python3
"""`httpd -t` and httpd's memory with a policy for each of 10,000 virtual hosts, against the same without the module.

The hosts are a panel's: a document root each, owned by a user of its own; with MailOriginRunAs by name,
and once more by `owner`.
"""

import argparse
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from ending import rounds
from servers import installation, say_ratio, say_result

from harness.httpd import HTTPD, free_port
from harness.paths import HTTPD_MODULES

FIRST_UID = 100_000
PEER = "the same virtual hosts without the module"

HEAD = """ServerRoot {root}
ServerName bench.example
PidFile {root}/pid
Listen 127.0.0.1:{port}
User www-data
Group www-data
ErrorLog {root}/error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
ServerLimit 1
StartServers 1
MinSpareThreads 1
MaxSpareThreads 64
"""
OURS = """LoadModule mailorigin_module {module}
MailOriginRuntimeDir {root}/run
MailOriginStateDir {root}/state
MailOriginDaemon external
MailOriginLog {root}/mail.log
"""


def vhost(number, root, directives):
    return (
        f"<VirtualHost 127.0.0.1:{{port}}>\nServerName site{number}.example\nServerAlias www.site{number}.example\n"
        f"DocumentRoot {root}/www/site{number}/htdocs\n{directives}</VirtualHost>\n"
    )


def configurations(place, root, count, port):
    """By name: without the module, with a user's name in each host, with `owner` for all."""
    head = HEAD.format(root=root, port=port, modules=HTTPD_MODULES)
    ours = head + OURS.format(root=root, module=place.module)
    rules = "MailOriginLimit 200/hour burst=50\n"
    texts = {
        "without": head + "".join(vhost(i, root, "") for i in range(count)),
        "named": ours + "".join(vhost(i, root, f"{rules}MailOriginRunAs #{FIRST_UID + i}\n") for i in range(count)),
        "owner": ours + "MailOriginRunAs owner\n" + "".join(vhost(i, root, rules) for i in range(count)),
    }
    paths = {}
    for name, text in texts.items():
        paths[name] = root / f"{name}.conf"
        paths[name].write_text(text.replace("{port}", str(port)))
    return paths


def checked(path):
    began = time.perf_counter()
    done = subprocess.run([HTTPD, "-t", "-f", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - began


def memory(path, root):
    """KiB that httpd's parent and child have for themselves (Pss), once they serve."""
    pid_file = root / "pid"
    pid_file.unlink(missing_ok=True)
    server = subprocess.Popen([HTTPD, "-X", "-f", str(path)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if pid_file.exists() or server.poll() is not None:
                break
            time.sleep(0.1)
        assert server.poll() is None, (root / "error.log").read_text()[-2000:]
        time.sleep(0.5)
        return int(re.search(r"^Pss: +(\d+)", Path(f"/proc/{server.pid}/smaps_rollup").read_text(), re.M)[1])
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vhosts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with installation() as place, tempfile.TemporaryDirectory(prefix="mailorigin-configuration.", dir="/var/lib") as directory:
        root = Path(directory)
        root.chmod(0o755)
        for name in ("run", "state"):
            (root / name).mkdir()
        for i in rounds(options.vhosts):
            docroot = root / f"www/site{i}/htdocs"
            docroot.mkdir(parents=True)
            for directory in (docroot, docroot.parent):
                shutil.chown(directory, FIRST_UID + i, FIRST_UID + i)
        paths = configurations(place, root, options.vhosts, free_port())
        times = {name: [] for name in paths}
        for _ in rounds(options.rounds + 1):
            for name, path in paths.items():
                times[name].append(checked(path))
        plain = times["without"][1:]
        print(f"  {options.vhosts} virtual hosts: " + ", ".join(f"{name} {min(each):.2f} s" for name, each in times.items()))
        say_ratio("httpd -t, users by name", list(zip(times["named"][1:], plain)), "at most 1.2", PEER)
        say_ratio("httpd -t, MailOriginRunAs owner", list(zip(times["owner"][1:], plain)), "at most 1.2", PEER)
        more = memory(paths["named"], root) - memory(paths["without"], root)
        say_result("httpd's memory, KiB a virtual host", [more / options.vhosts], "at most 2", PEER)


if __name__ == "__main__":
    main()

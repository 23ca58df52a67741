"""A real php-fpm: one master, pools under their own uids."""

import os
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from .paths import PHP_EXTENSIONS, PHP_FPM
from .waiting import children_of, command_line, die_with_parent, end, wait_until

SHARED_EXTENSIONS = tuple(
    name for name in ("ctype", "posix", "mbstring", "imap", "curl", "sockets") if (PHP_EXTENSIONS / f"{name}.so").exists()
)


@dataclass
class Pool:
    name: str
    uid: int
    settings: dict = field(default_factory=dict)  # php_admin_value
    lines: str = ""
    port: Optional[int] = None  # on the loopback address; None: a socket


def ini_text(settings):
    return "".join(f'{name} = "{value}"\n' for name, value in settings.items())


class Fpm:
    def __init__(self, directory: Path, pools, ini, extensions=(), zend_extensions=(), group="www-data"):
        """`extensions` are paths or names below PHP's extension directory, loaded after the usual ones."""
        self.directory = directory
        self.log = directory / "logs/fpm.log"
        self.process = None
        self.pools = {pool.name: pool for pool in pools}
        self.ini = directory / "conf/php.ini"
        self._configuration = directory / "conf/php-fpm.conf"
        for name in ("conf", "run", "logs"):
            (directory / name).mkdir(exist_ok=True)
        load = "".join(f"zend_extension = {name}\n" for name in zend_extensions)
        load += "".join(f"extension = {name}\n" for name in (*SHARED_EXTENSIONS, *extensions))
        self.ini.write_text(f"extension_dir = {PHP_EXTENSIONS}\n{load}{ini_text(ini)}")
        text = f"[global]\nerror_log = {self.log}\ndaemonize = no\nprocess_control_timeout = 3s\n"
        for pool in pools:
            text += (
                f"[{pool.name}]\nuser = {pool.uid}\ngroup = {pool.uid}\n"
                f"listen = {f'127.0.0.1:{pool.port}' if pool.port else self.socket(pool.name)}\n"
                f"listen.owner = root\nlisten.group = {group}\nlisten.mode = 0660\nlisten.backlog = 128\n"
                f"pm = static\npm.max_children = 2\n{pool.lines}\n"
            )
            text += "".join(f"php_admin_value[{name}] = {value}\n" for name, value in pool.settings.items())
        self._configuration.write_text(text)

    def socket(self, pool):
        return self.directory / f"run/{pool}.sock"

    def start(self):
        """It takes no configuration without pools: then there is none to start."""
        assert self.process is None
        if not self.pools:
            return self
        before = self._generations()
        self.process = subprocess.Popen(
            [PHP_FPM, "--nodaemonize", "-c", str(self.ini), "--fpm-config", str(self._configuration)],
            env={"PATH": os.environ["PATH"], "PHP_INI_SCAN_DIR": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(self.directory / "logs/fpm.console", "wb"),
            preexec_fn=die_with_parent,
        )
        wait_until(lambda: self._ready(before), "php-fpm's pools")
        return self

    def _generations(self):
        return self.log.read_text(errors="replace").count("ready to handle connections") if self.log.exists() else 0

    def _ready(self, before):
        """It listens a little before it has workers, and those are a little older than their titles."""
        if self.process.poll() is not None:
            console = (self.directory / "logs/fpm.console").read_text(errors="replace")
            raise AssertionError(f"php-fpm ended with {self.process.returncode}:\n{console}")
        if self._generations() == before or not all(" pool " in " ".join(command_line(pid)) for pid in children_of(self.process.pid)):
            return False
        for name, pool in self.pools.items():
            with socket.socket(socket.AF_INET if pool.port else socket.AF_UNIX) as probe:
                try:
                    probe.connect(("127.0.0.1", pool.port) if pool.port else str(self.socket(name)))
                except OSError:
                    return False
        return True

    def workers(self, pool):
        """Process ids of a pool's workers."""
        return [pid for pid in children_of(self.process.pid) if f"pool {pool}" in " ".join(command_line(pid))]

    def reload(self):
        before = self._generations()
        self.process.send_signal(signal.SIGUSR2)
        wait_until(lambda: self._ready(before), "php-fpm's reload")

    def stop(self):
        if self.process is not None:
            end(self.process, signal.SIGTERM)
            self.process = None

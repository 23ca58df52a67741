"""Debian's packages, built by conf/package, and machines of each release that have none of them yet."""

import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import newcomer  # noqa: E402
from harness.paths import PROJECT  # noqa: E402
from harness.machine import Machine, NotHere  # noqa: E402
from harness.mounts import private_mounts  # noqa: E402
from host import Host  # noqa: E402

RELEASES = ("bookworm", "trixie")
# What a web server has before; a mail server's sendmail is the tests' own.
FRESH = ("systemd", "systemd-sysv", "apache2", "php-fpm", "curl", "logrotate", "nftables", "iproute2", "python3")
LATER = ("php-cgi",)
ARCHIVES = "var/cache/apt/archives"
BUILDING = 7200  # seconds; what builds for so long hangs


def pytest_sessionstart():
    if os.geteuid() != 0:
        pytest.exit("packages are installed on machines that are booted here: run this as root", 2)
    private_mounts()


class Packages:
    """Those of one release, built; MAILORIGIN_PACKAGES=kept takes what is in build/packages/RELEASE.

    They go onto machines whose root is `release-purpose`, which has `fresh`; `later` and what they recommend can be
    installed there.
    """

    def __init__(self, release, purpose="web", fresh=FRESH, later=LATER):
        self.release = release
        self.directory = PROJECT / "build/packages" / release
        if os.environ.get("MAILORIGIN_PACKAGES") != "kept":
            self._run("conf/package", release)
        self.files = sorted(self.directory.glob("*.deb"))
        self.names = [path.name.split("_")[0] for path in self.files]
        self.version = self.files[0].name.split("_")[1]
        self.root = Path(self._run("conf/root", f"{release}-{purpose}", *fresh).strip())
        self._needed = PROJECT / "build/packages" / f"{release}-{purpose}-needed"
        (self._needed / "partial").mkdir(parents=True, exist_ok=True)
        for each in (self.files, (*self.files, *later)):
            self._run(
                "conf/root", self.root.name, "--", "apt-get", "install", "--download-only", "--yes", "-o", f"Dir::Cache::archives={self._needed}", *each,
            )  # fmt: skip

    @staticmethod
    def _run(*command):
        done = subprocess.run([str(each) for each in command], cwd=PROJECT, capture_output=True, text=True, timeout=BUILDING, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def copy_to(self, machine):
        """Ours into /packages, and what they depend on to where apt looks before it asks a mirror."""
        for path in self.files:
            machine.copy(path, f"packages/{path.name}")
        for path in self._needed.glob("*.deb"):
            machine.copy(path, f"{ARCHIVES}/{path.name}")

    def older(self, machine):
        """The same as a version before would have been, with other configuration; their paths on the machine."""
        for path in self.files:
            with tempfile.TemporaryDirectory() as directory:
                tree, built = Path(directory, "tree"), Path(directory, path.name)
                self._run("dpkg-deb", "--raw-extract", path, tree)
                control = tree / "DEBIAN/control"
                control.write_text(re.sub(r"^Version: |\(= ", r"\g<0>0~", control.read_text(), flags=re.M))
                for configuration in (tree / "etc").rglob("mailorigin.conf"):
                    configuration.write_text("# a version before\n" + configuration.read_text())
                self._run("dpkg-deb", "--root-owner-group", "--build", tree, built)
                machine.copy(built, f"packages/older/{path.name}")
        return [f"/packages/older/{path.name}" for path in self.files]


@pytest.fixture(scope="module", params=RELEASES)
def packages(request):
    return Packages(request.param)


@contextmanager
def booted(packages, **machine):
    """A machine without a network, on which apt finds our packages."""
    try:
        made = Machine(packages.root, **machine)
    except NotHere as reason:
        pytest.skip(f"no machine can be booted here: {reason}")
    try:
        packages.copy_to(made)
        yield made.boot()
    finally:
        made.remove()


@pytest.fixture(scope="module")
def machine(packages):
    with booted(packages) as made:
        yield made


@pytest.fixture(scope="module", params=RELEASES)
def empty_machine(request):
    """Debian and nothing else, where apt finds whatever a newcomer installs."""
    packages = Packages(request.param, "newcomer", ("systemd", "systemd-sysv", "iproute2"), newcomer.LATER)
    with booted(packages, size="3g") as made:
        yield made


@pytest.fixture(scope="module")
def examples_host():
    """One release's, with our packages and those programs that conf/examples is for."""
    packages = Packages("bookworm", "examples", (*FRESH, "postfix", "fail2ban", "rsyslog"))
    with booted(packages) as made:
        host = Host(made)
        host.set_up_sites(sendmail=None)
        host.install(packages)
        yield host

"""A machine of its own for Debian's mailers, a host on it with one mail server after the other, and no network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.installation import Installation  # noqa: E402
from harness.libc import CLONE_NEWNET, LIBC  # noqa: E402
from harness.mail_servers import packages  # noqa: E402
from harness.mounts import private_mounts  # noqa: E402
from host import Host  # noqa: E402
from machine import LATER, MAILERS, Machine  # noqa: E402
from relays import Dma, Msmtp, Nullmailer  # noqa: E402
from servers import Exim, Postfix  # noqa: E402


def pytest_sessionstart():
    if os.geteuid() != 0:
        pytest.exit("the mailers' servers run under several uids: run these tests as root", 2)
    private_mounts()
    # The packages' lists come over the network: they are fetched before it is left.
    for names in (MAILERS, LATER):
        packages(*names)
    for server in (Postfix, Exim, Msmtp, Nullmailer, Dma):
        packages(server.package)
    if LIBC.unshare(CLONE_NEWNET) != 0:
        pytest.exit("no network namespace can be made", 2)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def pytest_generate_tests(metafunc):
    """A test runs on a host with each of its module's SERVERS: one after the other, not two at a time."""
    if "host" in metafunc.fixturenames:
        servers = getattr(metafunc.module, "SERVERS", [Postfix])
        metafunc.parametrize("host", servers, indirect=True, scope="session", ids=lambda server: server.__name__)


@pytest.fixture(scope="session")
def installation():
    made = Installation()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def machine(installation):
    made = Machine(installation)
    yield made
    made.remove()


@pytest.fixture(scope="session")
def host(installation, machine, request):
    made = Host(installation, machine, request.param)
    try:
        yield made.start()
    finally:
        made.stop()

"""A host of its own for Debian's mailers: their files, a Postfix, our sendmail in its sendmail's place, and no network."""

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
from host import PACKAGES, Host  # noqa: E402


def pytest_sessionstart():
    if os.geteuid() != 0:
        pytest.exit("the mailers' servers run under several uids: run these tests as root", 2)
    private_mounts()
    # The packages' lists come over the network: they are fetched before it is left.
    packages(*PACKAGES)
    if LIBC.unshare(CLONE_NEWNET) != 0:
        pytest.exit("no network namespace can be made", 2)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


@pytest.fixture(scope="session")
def host():
    installation = Installation()
    made = Host(installation)
    try:
        yield made.start()
    finally:
        made.stop()
        installation.remove()

"""Fixtures, and what is said about the servers when a test fails."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.accounts import Accounts  # noqa: E402
from harness.firewall import ALLOW, DENY, HOST, NEIGHBOUR, Firewall, Ground, smtp, vhost  # noqa: E402
from harness.installation import Installation  # noqa: E402
from harness.milter import MilterPostfix  # noqa: E402
from harness.mounts import private_mounts  # noqa: E402
from harness.site import BLOG_UID, SERVER, SHOP_UID, Site, two_vhosts  # noqa: E402
from harness.syslog import SyslogListener  # noqa: E402

def pytest_sessionstart():
    if os.geteuid() != 0:
        pytest.exit("the integration tests start real servers under several uids: run them as root", 2)
    private_mounts()


@pytest.fixture(scope="session")
def installation():
    made = Installation()
    yield made
    if not os.environ.get("MAILORIGIN_KEEP"):
        made.remove()


@pytest.fixture(scope="module")
def accounts(installation):
    """The users `shop` and `blog`."""
    with Accounts(installation.root, installation.directory("accounts"), {"shop": SHOP_UID, "blog": BLOG_UID}) as made:
        yield made


@pytest.fixture(scope="module")
def postfix():
    """A real one for site_before()."""
    made = MilterPostfix()
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def syslog():
    with SyslogListener() as listener:
        yield listener


@pytest.fixture(scope="session")
def ground():
    made = Ground()
    yield made
    made.remove()


@pytest.fixture
def firewall(ground):
    """mailorigin-firewall, running and without a policy; taken out of the kernel after the test."""
    made = Firewall(ground)
    try:
        yield made.start()
    finally:
        made.clean()


@pytest.fixture
def enforcing(firewall):
    """That firewall, which lets HOST connect and refuses NEIGHBOUR and whoever has no host."""
    return firewall.take(vhosts=[vhost(HOST, smtp(ALLOW)), vhost(NEIGHBOUR, smtp(DENY))])


@pytest.fixture(scope="module")
def module_site(request, installation):
    """Two vhosts that log in every format and add X-Mail-Origin, one set of servers per module.

    The module's own SITE has options, its own vhosts() makes others.
    """
    directory = installation.directory(request.module.__name__)
    options = getattr(request.module, "SITE", {})
    vhosts = getattr(request.module, "vhosts", two_vhosts)
    made = Site(installation, directory, vhosts(), server=SERVER, **options)
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def site(module_site):
    yield module_site
    module_site.verify()


@pytest.fixture
def make_site(request, installation):
    """Servers of the test's own, started; stopped and checked after it."""
    made = []

    def make(vhosts=None, start=True, **options):
        options.setdefault("server", SERVER)
        directory = installation.directory(request.node.name)
        site = Site(installation, directory, vhosts or two_vhosts(), **options)
        made.append(site)
        return site.start() if start else site

    request.node.made_sites = made
    yield make
    for site in made:
        site.stop()
    for site in made:
        site.verify()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if not report.failed:
        return
    sites = list(getattr(item, "made_sites", []))
    if "module_site" in item.funcargs:
        sites.append(item.funcargs["module_site"])
    for site in sites:
        for name in ("error_log", "fpm.log"):
            log = site.directory / "logs" / name
            if log.exists():
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
                report.sections.append((f"end of {log}", tail))

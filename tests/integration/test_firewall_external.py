"""mailorigin-firewall as a unit of its own: httpd finds it, or it comes later."""

import errno

import pytest
from harness.external import ExternalDaemon
from harness.firewall import Firewall, attempt
from harness.guarded import SERVER
from harness.httpd import DAEMON_UID
from harness.waiting import wait_until

REFUSED = errno.ECONNREFUSED


class Unit(Firewall):
    """With the directories of an httpd."""

    def __init__(self, ground, httpd):
        self.state = httpd.state_dir.with_name(httpd.state_dir.name + "-firewall")
        directories = ("--runtime-dir", str(httpd.runtime_dir), "--state-dir", str(self.state))
        super().__init__(ground, options=(*directories, "--daemon-user", f"#{DAEMON_UID}"))
        self.directory = httpd.runtime_dir


@pytest.fixture
def make_unit(make_site, ground):
    """A site with daemons of its own units: (the site, the firewall's unit, not started)."""
    made = []

    def make():
        site = make_site(server=SERVER, daemon="external", start=False)
        daemon = ExternalDaemon(site.installation, site.httpd.runtime_dir, site.httpd.state_dir)
        unit = Unit(ground, site.httpd)
        made.extend([unit.clean, daemon.close])
        daemon.start()
        return site, unit

    yield make
    for undo in made:
        undo()


@pytest.mark.parametrize("after", ["reload", "boot"])
def test_off_is_heard_by_a_unit_that_comes_late(make_unit, ground, after):
    """It was not there when httpd read Off, and comes with the policy that it had kept."""
    site, unit = make_unit()
    unit.start()
    site.httpd.allow_log("MO04")
    site.start()
    assert ground.run(attempt) == REFUSED
    unit.stop()
    site.httpd.expect_log("MO0111: mailorigin-firewall does not take the policy")
    site.configure(SERVER.replace("MailOriginFirewall On", "MailOriginFirewall Off"))
    if after == "reload":
        site.httpd.graceful()
    else:
        site.httpd.stop()
        (site.httpd.runtime_dir / "firewall.sock").unlink()
        site.httpd.start()
    assert (unit.state / "policy").exists() and ground.run(attempt) == REFUSED

    unit.start()
    wait_until(lambda: not (unit.state / "policy").exists(), "Off to be heard", 30)
    assert unit.status()["engine"] == "none"
    assert ground.run(attempt) == 0
    assert not list(unit.pins.rglob("*"))
    assert "mailorigin" not in ground.nft("list", "tables")

"""Where the programs cannot be loaded, nftables decides by uid."""

import errno
import shutil
import subprocess

from harness.firewall import ALLOW, DENY, HOST, OBSERVE, OTHER, RING, TENANT, V6, Firewall, attempt, block, head, smtp, vhost
from harness.paths import build_directory

REFUSED = errno.ECONNREFUSED
CAP_BPF = 39


def by_uid(firewall, ground):
    """What holds without the programs."""
    firewall.take(
        server=smtp(DENY, allow=["192.0.2.2", f"[{V6}]:587"]), uids=[OTHER], gids=[64100],
        vhosts=[
            vhost(HOST, smtp(ALLOW), run_as=64050), vhost("b:80", smtp(DENY, allow=["192.0.2.2"]), run_as=64051),
            vhost("c:80", smtp(DENY, local=DENY), run_as=64052), vhost("d:80", smtp(DENY), run_as=64052),
        ], httpd_uid=64053,
    )  # fmt: skip
    results = {
        "tenant": ground.run(attempt), "IPv6": ground.run(lambda: attempt(V6)), "root": ground.run(attempt, uid=0),
        "user": ground.run(attempt, uid=OTHER), "group": ground.run(attempt, gid=64100), "vhost": ground.run(attempt, uid=64050),
        "denied vhost": ground.run(attempt, uid=64051), "list": ground.run(lambda: attempt("192.0.2.2")),
        "list, port": ground.run(lambda: attempt(V6, 587)), "other port": ground.run(lambda: attempt(port=2525)),
        "loopback": ground.run(lambda: attempt("127.0.0.1")),
        "vhost's list": ground.run(lambda: attempt("192.0.2.2"), uid=64051), "server's": ground.run(lambda: attempt(V6, 587), uid=64051),
        "shared, list": ground.run(lambda: attempt("192.0.2.2"), uid=64052),
        "shared, loopback": ground.run(lambda: attempt("127.0.0.1"), uid=64052),
        "httpd, list": ground.run(lambda: attempt("192.0.2.2"), uid=64053),
    }  # fmt: skip
    refused = {name for name, result in results.items() if result == REFUSED}
    assert refused == {"tenant", "IPv6", "denied vhost", "server's", "shared, list", "shared, loopback", "httpd, list"} and set(results.values()) == {0, REFUSED}, results
    status = firewall.status()
    assert status["engine"] == "nftables"
    assert any("by uid" in finding["text"] for finding in status["findings"])
    assert "by uid" in firewall.notice("MO0402")
    firewall.take(mode="observe")
    assert ground.run(attempt) == 0
    assert "MAILORIGIN_SMTP_OBSERVE " in ground.nft("list", "table", "inet", "mailorigin")
    firewall.take(mode="on")
    assert "MAILORIGIN_SMTP_OUT " in ground.nft("list", "table", "inet", "mailorigin")
    assert ground.run(attempt) == REFUSED
    # Once.
    assert len([notice for notice in firewall.notices if "MO0402" in notice]) == 1
    assert firewall.attach() == (head(RING), [])


def test_without_a_bpf_file_system_nftables_decides_by_uid(ground):
    firewall = Firewall(ground, pin_directory=ground.directory() / "pins")
    try:
        by_uid(firewall.start(), ground)
    finally:
        firewall.clean()


def test_without_the_capability_nftables_decides_by_uid(ground):
    firewall = Firewall(ground)
    try:
        by_uid(firewall.start(drop=(CAP_BPF,)), ground)
    finally:
        firewall.clean()


def test_beside_an_exclusive_program_nftables_decides_by_uid(ground):
    directory = ground.bpffs / "foreign"
    subprocess.run(["bpftool", "prog", "loadall", build_directory() / "firewall/firewall_bpf.o", directory], check=True)
    firewall = Firewall(ground)
    try:
        attach = ["connect4", "pinned", directory / "mo_connect4"]
        subprocess.run(["bpftool", "cgroup", "attach", ground.cgroup, *attach], check=True)
        try:
            firewall.start()
            by_uid(firewall, ground)
            assert "exclusive" in firewall.notice("MO0402")
        finally:
            subprocess.run(["bpftool", "cgroup", "detach", ground.cgroup, *attach], check=True)
        firewall.take()
        assert firewall.status()["engine"] == "bpf"
        firewall.notice("MO0403")
    finally:
        firewall.clean()
        shutil.rmtree(directory)


def test_blocks_are_of_users_alone(ground):
    firewall = Firewall(ground)
    try:
        firewall.start(drop=(CAP_BPF,))
        given = [
            vhost(HOST, smtp(ALLOW), run_as=TENANT, site="shop.example"), vhost("b:80", smtp(ALLOW), run_as=TENANT),
            vhost("other:80", smtp(ALLOW), run_as=64070),
        ]  # fmt: skip
        firewall.take(vhosts=given, uids=(OTHER,), gids=(64100,))
        assert firewall.status()["engine"] == "nftables"
        firewall.block(block("site:shop.example"), block(f"user:#{OTHER}"))
        assert ground.run(attempt) == ground.run(lambda: attempt("127.0.0.1")) == REFUSED
        assert ground.run(attempt, gid=64100) == ground.run(attempt, uid=OTHER) == REFUSED
        assert ground.run(attempt, uid=64070) == ground.run(attempt, uid=0) == 0
        firewall.take(mode="observe", vhosts=given)
        assert ground.run(attempt) == REFUSED
        assert ground.run(attempt, uid=64080) == 0
        firewall.block()
        assert ground.run(attempt) == 0
    finally:
        firewall.clean()


def test_loopback_is_closed_whatever_the_rule_and_the_list_say(ground):
    """As with the programs."""
    firewall = Firewall(ground, pin_directory=ground.directory() / "pins")
    everywhere = ["0.0.0.0/0", "::/0"]
    try:
        firewall.start().take(
            vhosts=[
                vhost(HOST, smtp(ALLOW, local=DENY), run_as=64050), vhost("b:80", smtp(DENY, allow=everywhere, local=DENY), run_as=64051),
                vhost("c:80", smtp(OBSERVE, local=DENY), run_as=64052), vhost("d:80", smtp(ALLOW), run_as=64053),
            ]
        )  # fmt: skip
        addresses = ("127.0.0.1", "::1", "192.0.2.1", V6)
        results = {uid: [ground.run(lambda to=to: attempt(to), uid=uid) for to in addresses] for uid in range(64050, 64054)}
        closed = [errno.ECONNREFUSED, errno.ECONNREFUSED, 0, 0]
        assert results == {64050: closed, 64051: closed, 64052: closed, 64053: [0] * 4}
    finally:
        firewall.clean()

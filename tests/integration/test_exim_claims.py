"""Mails on hold that say that a neighbour's script sent them."""

import base64
import json
import os

from harness.site import BLOG_UID, SHOP_UID, new_mark
from harness.waiting import wait_until
from harness.wire import pair
from test_exim import TWO_MORE, accounts, command, exim, is_frozen, message, module_site, submit  # noqa: F401 (fixtures)


def test_who_names_a_neighbours_script_is_not_released_with_it(site, exim, submit, command):
    script = site.shop.script("<?php\n")
    os.chown(script.path, SHOP_UID, SHOP_UID)
    call = "".join(pair(name, value).decode() for name, value in {"entry": script.path, "file": script.path, "caller": f"{script.path}:3"}.items())
    named = {"MAILORIGIN_CALL": base64.urlsafe_b64encode(call.encode()).decode().rstrip("=")}
    first = new_mark()
    assert submit(message(first), "-t").returncode == 0 and exim.wait(first), "held is what Exim asks about, once it has asked"
    marks = {uid: new_mark() for uid in (SHOP_UID, BLOG_UID)}
    for uid, mark in marks.items():
        assert submit(message(mark, TWO_MORE), "-t", uid=uid, environment=named).returncode == 0
    shop, blog = (host.json.wait(marks[uid]) for host, uid in ((site.shop, SHOP_UID), (site.blog, BLOG_UID)))
    assert {shop["verdict"], blog["verdict"]} == {"hold"} and shop["caller"] == blog["caller"] == f"{script.path}:3"

    def listed(*options):
        report = json.loads(command("--json", "held", *options).stdout)
        return {each["id"] for each in report["held"]}, report["claimed"]

    wait_until(lambda: {shop["id"], blog["id"]} <= listed()[0], "the store to know both")
    assert listed("--script", str(script.path)) == ({shop["id"]}, 1)
    said = command("release", "--script", str(script.path))
    assert said.returncode == 0 and f"released {shop['id']}" in said.stdout and "Left out: 1 " in said.stdout, said
    assert is_frozen(exim.queued(marks[BLOG_UID]))
    said = command("discard", "--script", str(script.path))
    assert said.returncode == 1 and exim.queued(marks[BLOG_UID]), said
    assert command("discard", blog["id"]).returncode == 0

"""Policies and messages to mailorigin-firewall, as docs/formats.md has them."""

import hashlib

from .. import wire

ALLOW, OBSERVE, DENY, REDIRECT = "allow", "observe", "deny", "redirect"

HOST, NEIGHBOUR = "shop.example:80", "blog.example:80"

ORIGIN_BYTES = 2048 + 2 * 512  # of struct mo_origin

POLICY, COMMIT, REPLY, NOTICE, ATTACH, RING, PROCESS, REMOVE, BLOCKS, STATUS, STATUS_REPLY = 16, 18, 19, 20, 32, 33, 34, 35, 36, 48, 49


def head(kind):
    return bytes([1, kind, 0, 0])


def registration(pid, start, context=b"", page=0, uid=0):
    """What mailorigind says of a process that never was root."""
    out = wire.pair("pid", pid) + wire.pair("uid", uid) + wire.pair("start", start)
    if page:
        out += wire.pair("page", page)
    return head(PROCESS) + out + (wire.pair("context", context) if context else b"")


def smtp(rule=DENY, relay=None, allow=(), local="observe"):
    out = wire.pair("rule", rule)
    if relay:
        out += wire.pair("relay", relay)
    return out + b"".join(wire.pair("allow", each) for each in allow) + wire.pair("local", local)


def block(subject, until_ms=None):
    """One of `blocks`: site:NAME, or user:#UID."""
    kind, _, name = subject.partition(":")
    out = wire.pair("kind", kind) + wire.pair("name", name)
    if kind == "user":
        out += wire.pair("uid", name.removeprefix("#"))
    out += wire.pair("since", 1)
    return out + (wire.pair("until", until_ms) if until_ms is not None else b"")


def blocks(*each):
    out = b"".join(wire.pair("block", one) for one in each)
    return out + wire.pair("digest", hashlib.sha256(out).digest())


def vhost(name, policy, run_as=None, enabled=True, number=None, user=None, site=None):
    out = wire.pair("id", wire.vhost_id(name) if number is None else number)
    out += wire.pair("name", name) + wire.pair("docroot", "/srv") + wire.pair("enabled", int(enabled))
    if run_as is not None:
        out += wire.pair("run_as", run_as)
    if user:
        out += wire.pair("user", user)
    if site:
        out += wire.pair("site", site)
    return out + wire.pair("send", "allow") + wire.pair("smtp", policy)


def policy(server=None, vhosts=(), mode="on", ports=(25, 465, 587), uids=(), gids=(), httpd_uid=None):
    firewall = wire.pair("mode", mode)
    for name, numbers in (("port", ports), ("uid", uids), ("gid", gids)):
        firewall += b"".join(wire.pair(name, number) for number in numbers)
    if httpd_uid is not None:
        firewall += wire.pair("httpd_uid", httpd_uid)
    out = wire.pair("instance", "/run/test-httpd.pid") + wire.pair("unverified", "allow")
    out += wire.pair("firewall", firewall)
    out += wire.pair("server", vhost("", server or smtp(), number=0))
    return out + b"".join(wire.pair("vhost", each) for each in vhosts)

"""What the benchmarks' scripts share: the tests' harness, servers that are gone at the end, and a clock for CPU time."""

import os
import statistics
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from harness.installation import Installation  # noqa: E402
from harness.site import Site, two_vhosts  # noqa: E402
from harness.waiting import children_of, processor_seconds  # noqa: E402

# mail() itself is measured, not a mail server.
TINY_SENDMAIL = "/bin/cat >/dev/null"


# As a host would have it: the header, and one log.
DIRECTIVES = "  MailOriginHeader On\n  MailOriginLog logs/{short}.json json\n"


@contextmanager
def installation():
    """What was built, where all users can read it."""
    if os.geteuid() != 0:
        sys.exit("this benchmark starts servers under several uids: run it as root")
    made = Installation()
    try:
        yield made
    finally:
        made.remove()


@contextmanager
def running(site):
    site.start()
    try:
        yield site
    finally:
        site.stop()


def site_with_everything(installation, name, more="", **options):
    """Module, plugin and daemon, with a header, a log and `more` in each vhost."""
    ini = {"sendmail_path": TINY_SENDMAIL, "opcache.enable": "1", **options.pop("ini", {})}
    return running(Site(installation, installation.directory(name), two_vhosts(DIRECTIVES + more, **options), ini=ini,
                        zend_extensions=("opcache.so",)))


def site_with_nothing(installation, name, ini=()):
    """The same httpd and php-fpm, and no part of MailOrigin."""
    ini = {"sendmail_path": TINY_SENDMAIL, "opcache.enable": "1", **dict(ini)}
    site = Site(installation, installation.directory(name), two_vhosts("", run_as=False), ini=ini,
                zend_extensions=("opcache.so",), daemon=None, plugin=False)
    configuration = site.httpd.configuration
    configuration.write_text(configuration.read_text().replace("%^MO ", ""))  # the module's own
    return running(site)


def family(pid):
    """A process and its descendants."""
    found = [pid]
    for child in children_of(pid):
        found += family(child)
    return found


def cpu_seconds(site):
    """CPU time of httpd, php-fpm and the daemon so far, to the nanosecond."""
    total = 0
    for master in (site.httpd.process.pid, site.fpm.process.pid):
        for pid in family(master):
            with suppress(OSError):  # it has ended
                total += processor_seconds(pid)
    return total


def say_result(what, rounds, goal, peer):
    """As bench/run reads it: the median and the spread of the rounds. `goal`: "at most 1.01", "at least 0.9", or "none"."""
    print(f"= {what} | {goal} | {statistics.median(rounds):.4g} | {min(rounds):.4g} | {max(rounds):.4g} | {peer}", flush=True)


def say_ratio(what, pairs, goal, peer):
    """Of (with, without) measured side by side."""
    say_result(what, [one / other for one, other in pairs], goal, peer)


# What PHP itself offers who wants to know where mail comes from.
PHPS_OWN = {"mail.add_x_header": "1", "mail.log": "{directory}/mail.log"}


@contextmanager
def side_by_side(phps_own=False):
    """Both kinds of servers at once, and one with PHP's own log and header."""
    with installation() as place, ExitStack() as stack:
        sites = [site_with_everything(place, "with"), site_with_nothing(place, "without")]
        if phps_own:
            log = place.directory("own-log")
            log.chmod(0o1777)
            ini = {name: value.format(directory=log) for name, value in PHPS_OWN.items()}
            sites.append(site_with_nothing(place, "phps-own", ini))
        yield [stack.enter_context(site) for site in sites]

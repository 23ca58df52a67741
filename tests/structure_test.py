"""Rules of the source tree that a compiler does not check."""

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PARTS = ("core", "client", "service", "mod_mailorigin", "mailorigind", "fpm_plugin", "firewall", "reports", "cli")


def files():
    """Everything that belongs to the project: tracked, or about to be."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True,
    )
    if listed.returncode == 0:
        paths = [PROJECT / name for name in listed.stdout.decode().split("\0") if name]
    else:  # an exported tree
        paths = [path for path in PROJECT.rglob("*") if not {"build", "__pycache__"} & set(path.relative_to(PROJECT).parts)]
    return [path for path in paths if path.is_file()]


def sources(*parts):
    return [path for path in files() if path.relative_to(PROJECT).parts[0] in parts and path.suffix in (".cc", ".h", ".c")]


def test_core_knows_no_host():
    """core/ includes no header of httpd, PHP, libbpf or the kernel's BPF interface."""
    host = re.compile(
        r'#\s*include\s*[<"](httpd|http_|ap_|mod_|util_|scoreboard|mpm_|unixd|php|zend|Zend|main/|ext/|SAPI|TSRM|bpf/|linux/bpf|'
        r"client/|service/|mod_mailorigin/|mailorigind/|fpm_plugin/|firewall/|reports/|cli/)"
    )
    found = [
        f"{path.relative_to(PROJECT)}:{number}: {line}"
        for path in sources("core") for number, line in enumerate(path.read_text().splitlines(), 1) if host.match(line)
    ]
    assert not found, "\n".join(found)


SHARED = {"mailorigind": {"service"}, "firewall": {"service"}, "fpm_plugin": {"client"}, "cli": {"reports"}}


def test_parts_meet_in_core_only():
    """No part includes another's headers; what they share is core/, the two services' service/,
    client/, which asks the daemon, and reports/, whose facts cli/ prints."""
    found = []
    for part in PARTS:
        shared = {part, "core"} | SHARED.get(part, set())
        others = "|".join(other for other in PARTS if other not in shared)
        for path in sources(part):
            found += [
                f"{path.relative_to(PROJECT)}: {line}"
                for line in path.read_text().splitlines() if re.match(rf'#\s*include\s*["<]({others})/', line)
            ]
    assert not found, "\n".join(found)


def message_numbers():
    """Each message number with the files that print it; comments are left out."""
    places = {}
    for path in sources(*PARTS):
        code = re.sub(r"//.*", "", path.read_text())
        for name in re.findall(r'"(MO\d{4}): ', code):
            places.setdefault(name, set()).add(str(path.relative_to(PROJECT)))
    return places


def test_message_numbers_are_unique():
    """A number names one message, so that a search for it ends in one file."""
    twice = {name: where for name, where in message_numbers().items() if len(where) > 1}
    assert not twice, "message numbers in more than one file: " + "; ".join(
        f"{name} in {', '.join(sorted(where))}" for name, where in sorted(twice.items())
    )


def test_message_numbers_belong_to_their_part():
    series = {"mod_mailorigin": "MO01", "mailorigind": "MO02", "fpm_plugin": "MO03", "firewall": "MO04"}
    wrong = [
        f"{name} in {place}"
        for name, where in message_numbers().items() for place in where
        if place.split("/")[0] in series and not name.startswith(series[place.split("/")[0]])
    ]
    assert not wrong, "\n".join(wrong)


def test_messages_are_documented():
    """docs/messages.md has every message that the sources print, and no other."""
    page = PROJECT / "docs/messages.md"
    assert page.is_file(), "docs/messages.md is not there; it lists every message with its meaning"
    documented = set(re.findall(r"\bMO\d{4}\b", page.read_text()))
    printed = set(message_numbers())
    assert printed, "no message found in the sources; has their form changed?"
    missing, stale = sorted(printed - documented), sorted(documented - printed)
    assert not missing and not stale, (
        f"docs/messages.md lacks {', '.join(missing) or 'nothing'} and has without a source {', '.join(stale) or 'nothing'}"
    )


FORBIDDEN = {
    "work that was left undone": r"\b(TODO|FIXME|XXX|HACK)\b",
    "a path of somebody's machine": r"(?<![\w.}])/(?:" + "work" + r"|root|Users)/\w",
    "blanks at a line's end": r"[ \t]+$",
    "a merge that was not finished": r"^(<{7}|>{7}) ",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_has(what):
    pattern = re.compile(FORBIDDEN[what], re.M)
    found = []
    for path in files():
        if path == Path(__file__).resolve() or path.name == "LICENSE" or "corpus" in path.parts:
            continue
        if path.suffix == ".phpt" and what == "blanks at a line's end":
            continue  # what PHP prints has some
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(PROJECT)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
            for match in pattern.finditer(text)
        ]
    assert not found, f"{what}:\n" + "\n".join(found[:20])


def test_scripts_can_be_run():
    """Whatever begins with #! is executable, and bash scripts parse."""
    bad = []
    for path in files():
        with open(path, "rb") as file:
            head = file.read(64)
        if not head.startswith(b"#!"):
            continue
        if not path.stat().st_mode & 0o100:
            bad.append(f"{path.relative_to(PROJECT)} is not executable")
        if b"bash" in head.split(b"\n")[0]:
            parsed = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True)
            if parsed.returncode:
                bad.append(parsed.stderr)
    assert not bad, "\n".join(bad)

"""Rules of the source tree that a compiler does not check."""

import os
import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
# Who may include whom. A part may include itself and what stands here; a folder within a part that has
# a line of its own (core/abi) has its own rule. Tests may include what they test.
#
# So firewall/ is included by nobody but its tests: what it shares with others is core/abi/.
MAY_INCLUDE = {
    "core/abi": (),  # C alone: the kernel's programs are compiled with it
    "core": (),
    "client": ("core",),
    "client/library": ("core", "client"),
    "service": ("core",),
    "tracing": ("core",),
    "investigating": ("core", "tracing"),
    "reports": ("core", "store", "tracing", "investigating"),
    "mod_mailorigin": ("core", "client"),
    "submit": ("core", "client"),
    "fpm_plugin": ("core", "client"),
    "store": ("core",),
    "mailorigind": ("core", "service", "store"),
    "firewall": ("core", "service"),
    "milter": ("core", "client", "service"),
    "cli": ("core", "reports", "store", "tracing", "investigating"),
    "bench": ("core", "store", "mailorigind", "tests/harness"),
    "tests/harness": ("core",),
    "tests/core": ("core",),
    "tests/client": ("core", "client"),
    "tests/milter": ("core", "milter", "tests/harness"),
    "tests/submit": ("core", "client", "submit"),
    "tests/reports": ("core", "reports"),
    "tests/module": ("core", "mod_mailorigin"),
    "tests/fpm_plugin": ("core", "fpm_plugin"),
    "tests/daemon": ("core", "client", "service", "store", "mailorigind", "tests/harness"),
    "tests/store": ("core", "store", "tests/harness"),
    "tests/tracing": ("core", "tracing"),
    "tests/investigating": ("core", "tracing", "investigating"),
    "tests/firewall": ("core", "firewall"),
    "tests/cli": ("core", "reports", "cli", "tests/reports"),
    "tests/fake_daemon": ("core",),
    "tests/fuzz": ("core", "client", "mailorigind", "submit", "tracing", "investigating", "reports"),
    "tests/programs": ("core", "client/library"),
}
PARTS = sorted({part.split("/")[0] for part in MAY_INCLUDE} - {"tests", "bench"})

# Whose headers only these parts know, whatever their form.
HOSTS = {
    "httpd": (("mod_mailorigin",), r"httpd|http_|ap_|mod_(?!mailorigin/)|util_|scoreboard|mpm_|unixd"),
    "PHP": (("fpm_plugin", "tests/programs"), r"php|zend|Zend|main/|ext/|SAPI|TSRM"),
    "libbpf or nftables": (("firewall", "tests/firewall"), r"bpf/|nftables/"),
    "the kernel's BPF interface": (("firewall", "mailorigind", "tests/daemon"), r"linux/bpf"),  # the daemon reads its ring
}


def files():
    """Everything that belongs to the project: tracked, or about to be."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True,
    )
    if listed.returncode == 0:
        paths = [PROJECT / name for name in listed.stdout.decode().split("\0") if name]
    else:  # an exported tree
        tops = [path for path in PROJECT.iterdir() if path.name != "build"]
        paths = [path for top in tops for path in (top, *top.rglob("*")) if "__pycache__" not in path.parts]
    return [path for path in paths if path.is_file()]


def sources(*parts):
    return [path for path in files() if path.relative_to(PROJECT).parts[0] in parts and path.suffix in (".cc", ".h", ".c")]


def part_of(path):
    """The longest folder of the table that a path within the project lies in."""
    return max((part for part in MAY_INCLUDE if path.startswith(part + "/")), key=len, default=None)


def includes():
    """(file, what it includes as written, where that is within the project or None) of every C and C++ source."""
    known = {str(path.relative_to(PROJECT)) for path in files()}
    folders = {name.split("/")[0] for name in known if "/" in name}
    for path in files():
        if path.suffix not in (".cc", ".h", ".c"):
            continue
        name = str(path.relative_to(PROJECT))
        for written in re.findall(r'^\s*#\s*include\s*["<]([^">]+)[">]', path.read_text(), re.M):
            beside = os.path.normpath(os.path.join(os.path.dirname(name), written))
            if beside in known or written.startswith("../"):
                yield name, written, beside
            elif written in known or (written.split("/")[0] in folders and "/" in written):
                yield name, written, os.path.normpath(written)
            else:
                yield name, written, None


def test_every_source_belongs_to_a_part():
    stray = sorted({name for name, _, _ in includes() if part_of(name) is None})
    assert not stray, "not in a folder of MAY_INCLUDE: " + ", ".join(stray)


def test_parts_include_what_they_may():
    wrong = []
    for name, written, where in includes():
        own, other = part_of(name), where and part_of(where)
        if where is None or own is None or own == other:
            continue
        allowed = MAY_INCLUDE[own] + ((own,) if other != own and not own.startswith(f"{other}/") else ())
        if not any(where.startswith(part + "/") for part in allowed):
            wrong.append(f"{name} includes {written}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("host", HOSTS)
def test_hosts_are_known_to_their_part_alone(host):
    parts, pattern = HOSTS[host]
    wrong = [
        f"{name} includes {written}" for name, written, where in includes()
        if where is None and part_of(name) not in parts and re.match(pattern, written)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_kernels_side_is_c():
    """core/abi includes no header of C++, and has no code that the kernel's programs could not compile."""
    wrong = [f"{name} includes {written}" for name, written, _ in includes() if part_of(name) == "core/abi" and not written.endswith(".h")]
    assert not wrong, "\n".join(wrong)


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
    series = {"mod_mailorigin": "MO01", "mailorigind": "MO02", "fpm_plugin": "MO03", "firewall": "MO04", "submit": "MO05", "store": "MO05"}
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


def test_cpp_is_formatted():
    """As .clang-format says, by Debian 12's clang-format; another version has other opinions."""
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
    if " version 14." not in version:
        pytest.skip(f"clang-format 14 is not installed, but {version}")
    sources = [path for path in files() if path.suffix in (".cc", ".h", ".c")]
    done = subprocess.run(["clang-format", "--dry-run", "--Werror", *sources], cwd=PROJECT, capture_output=True, text=True)
    unformatted = {str(Path(name).relative_to(PROJECT)) for name in re.findall(r"^(/[^\n:]+):\d+:\d+: error", done.stderr, re.M)}
    assert done.returncode == 0, f"to be formatted: clang-format -i {' '.join(sorted(unformatted))}"


MOST_LINES = 450
LONGER = {"firewall/kernel/firewall.bpf.c"}  # one program for the verifier


def test_no_source_is_long():
    """A file has one reason to exist."""
    sizes = {str(path.relative_to(PROJECT)): path.read_text().count("\n") for path in files() if path.suffix in (".cc", ".h", ".c", ".py")}
    long = {name: lines for name, lines in sizes.items() if lines > MOST_LINES and name not in LONGER}
    assert not long, "\n".join(f"{name} has {lines} lines, of at most {MOST_LINES}" for name, lines in long.items())

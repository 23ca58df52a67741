"""The build lets each target include what it links, and no more: structure_test's table, held by the compiler."""

import json
import re
import shlex
import subprocess
from pathlib import Path

from harness.paths import build_directory
from structure_test import MAY_INCLUDE, PROJECT, files, part_of


def a_header_of_each_part():
    """A part within another (core/abi) is included with it."""
    names = sorted(str(path.relative_to(PROJECT)) for path in files() if path.suffix == ".h")
    return {
        part: next(name for name in names if name.startswith(f"{part}/"))
        for part in MAY_INCLUDE
        if part_of(str(Path(part).parent) + "/") is None and any(name.startswith(f"{part}/") for name in names)
    }


def flags_of_each_part():
    """The distinct ways in which a part's sources are compiled: compiler and flags, without what is compiled."""
    commands = {}
    for entry in json.loads((build_directory() / "compile_commands.json").read_text()):
        part = part_of(str(Path(entry["file"]).relative_to(PROJECT)))
        command = shlex.split(entry["command"])
        if Path(command[0]).name == "ccache":
            command.pop(0)
        command = [word for word in command[: command.index("-o")] if not word.startswith("-D")]
        commands.setdefault(part, set()).add((tuple(command), "c" if entry["file"].endswith(".c") else "c++"))
    return commands


def includable(command, language, headers):
    """The parts whose header the compiler finds."""
    asked = "".join(f'#if __has_include("{header}")\nfound {part}\n#endif\n' for part, header in headers.items())
    answer = subprocess.run(
        [*command, "-E", "-P", "-w", "-x", language, "-"], cwd="/", input=asked, capture_output=True, text=True, timeout=30, check=True
    )
    return set(re.findall(r"^found (\S+)$", answer.stdout, re.M))


def with_what_these_include(parts):
    reached = set()
    while not parts <= reached:
        reached |= parts
        parts = parts | {other for part in parts for other in MAY_INCLUDE[part]}
    return reached


def test_a_target_can_include_what_it_links_and_no_more():
    headers = a_header_of_each_part()
    wrong = []
    for part, commands in flags_of_each_part().items():
        reached = set().union(*(includable(command, language, headers) for command, language in commands))
        most = with_what_these_include({part})
        wrong += [f"{part} can include {other}, which it may not" for other in sorted(reached - most)]
        wrong += [f"{part} may include {other}, and no target of it can" for other in sorted((set(MAY_INCLUDE[part]) & set(headers)) - reached)]
    assert not wrong, "\n".join(wrong)

"""The kernel's programs, as compilers make them: this kernel takes them, and their stack is well below what
any grants.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
# Debian 12's, and newer ones where they are installed: Debian 13's puts more on the stack.
COMPILERS = sorted({found for found in (shutil.which(f"clang-{version}") for version in range(14, 24)) if found})
STACK = 512  # of a chain of calls, each of whose frames counts in steps of 32
MARGIN = 64


def disassembled(program):
    tool = shutil.which("llvm-objdump") or shutil.which("llvm-objdump-14")
    return subprocess.run([tool, "-d", "-r", "--no-show-raw-insn", program], capture_output=True, text=True, check=True).stdout.splitlines()


def frames(program):
    """Of each function: the bytes of its frame, and whom it calls."""
    found = {}
    for line in disassembled(program):
        if name := re.match(r"[0-9a-f]+ <([\w.]+)>:$", line):
            name = name[1]
            if not name.startswith("LBB"):
                size, calls = found.setdefault(name, (0, set()))
                at = name
        elif offset := re.search(r"\(r10 - (0x[0-9a-f]+|\d+)\)", line):
            found[at] = (max(found[at][0], int(offset[1], 0)), found[at][1])
        elif called := re.search(r"R_BPF_64_32\s+(mo_\w+)", line):
            found[at][1].add(called[1])
        elif offset := re.search(r"r\d+ \+= -(0x[0-9a-f]+|\d+)$", line):  # an address in the frame
            found[at] = (max(found[at][0], int(offset[1], 0)), found[at][1])
    return found


@pytest.fixture(scope="module", params=COMPILERS, ids=os.path.basename)
def programs(request, tmp_path_factory):
    """As firewall/CMakeLists.txt has them compiled, by each compiler."""
    program = tmp_path_factory.mktemp("programs") / "programs.o"
    multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(
        [request.param, "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-I", PROJECT, "-isystem", f"/usr/include/{multiarch}",
         "-c", PROJECT / "firewall/kernel/firewall.bpf.c", "-o", program], check=True,
    )  # fmt: skip
    return program


def test_no_chain_of_calls_comes_near_the_stacks_end(programs):
    found = frames(programs)
    assert "mo_gather" in found["mo_connect4"][1], found

    def deepest(name):
        size, calls = found[name]
        return (size + 31) // 32 * 32 + max((deepest(each) for each in calls), default=0)

    depths = {name: deepest(name) for name in found}
    assert max(depths.values()) <= STACK - MARGIN, (depths, found)


def calls_within_loops(program):
    """(section, function) of each call that leads to itself once more."""
    steps, calls, section, at = {}, {}, "", None  # where each instruction may go on
    for line in disassembled(program):
        if begun := re.match(r"Disassembly of section (\S+):", line):
            section, at = begun[1], None  # each counts from 0
        elif instruction := re.match(r"\s*(\d+):\t(.*)", line):
            number, code = int(instruction[1]), instruction[2]
            if at is not None:
                steps[section, at].add(number)
            at = None if code == "exit" or code.startswith("goto") else number
            steps[section, number] = set()
            if jump := re.search(r"goto ([+-])(\d+) ", code):
                steps[section, number].add(number + 1 + int(jump[1] + jump[2]))
        elif called := re.search(r"R_BPF_64_32\s+(mo_\w+)", line):
            calls[section, number] = called[1]

    def comes_back(section, call):
        reached, ahead = set(), [call]
        while ahead:
            for step in steps[section, ahead.pop()] - reached:
                reached.add(step)
                ahead.append(step)
        return call in reached

    assert calls, "no call found; has the disassembly's form changed?"
    return [(section, name) for (section, call), name in calls.items() if comes_back(section, call)]


def test_no_function_is_called_within_a_loop(programs):
    """Linux 6.1 takes no such program."""
    assert not calls_within_loops(programs)


def test_the_kernel_takes_them(programs, ground):
    pins = ground.bpffs / "programs"
    done = subprocess.run(["bpftool", "prog", "loadall", programs, pins], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = {pin.name for pin in pins.iterdir()}
    shutil.rmtree(pins)
    assert {"mo_connect4", "mo_connect6", "mo_fork", "mo_exit"} <= loaded

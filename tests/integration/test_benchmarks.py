"""bench/run, broken off while its servers run: nothing of it is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.paths import PROJECT, build_directory

# Arguments: a directory with lib and tmp, the benchmark. Nobody else's processes and files are there to be seen.
BROKEN_OFF = """
import os, subprocess, sys
from pathlib import Path
from harness.mounts import bind
from harness.waiting import alive, command_line, end, wait_until

def others():
    return [command_line(pid) for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid() and alive(int(pid))]

place, run, name = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
for inside, shown in (("lib", "/var/lib"), ("tmp", "/var/tmp")):
    bind(place / inside, Path(shown))
said = place / "said"
with open(said, "wb") as output:
    process = subprocess.Popen([run, "--short", name], stdout=output, stderr=output)
# bench/run, the benchmark, and what that has started.
wait_until(lambda: process.poll() is not None or f"{name}:" in said.read_text() and len(others()) >= 5, name, 120)
status = end(process, timeout=60)
assert status == 143, (status, said.read_text())
wait_until(lambda: not others(), "the last of them to end")
left = [str(path) for path in place.rglob("*") if path.name not in ("lib", "tmp", "said")]
assert left == [], left
"""


@pytest.mark.parametrize("name", ["daemon", "postgresql", "neighbours", "connect_cost"])
def test_a_benchmark_that_is_ended_leaves_nothing(tmp_path, name):
    for inside in ("lib", "tmp"):
        (tmp_path / inside).mkdir()
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", sys.executable, "-B", "-c", BROKEN_OFF, tmp_path, PROJECT / "bench/run", name],
        env={**os.environ, "MAILORIGIN_BUILD": str(build_directory()), "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

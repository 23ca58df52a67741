"""Run by `tests/kernels --profiles`, in the machine that this boots."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.mounts import private_mounts  # noqa: E402


def pytest_sessionstart():
    private_mounts()

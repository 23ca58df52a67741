"""A real clamd with signatures of the tests' own."""

import subprocess
from pathlib import Path

from .waiting import answers, wait_until

CLAMD = "/usr/sbin/clamd"
MARK = "mailorigin test signature"  # what its one signature finds
NAME = "MailOrigin.Test"

CONFIGURATION = """
LocalSocket {directory}/clamd.sock
DatabaseDirectory {directory}/signatures
TemporaryDirectory {directory}
LogFile {directory}/clamd.log
Foreground yes
StreamMaxLength 1M
"""


class Clamd:
    def __init__(self, directory: Path):
        self.directory = directory
        self.socket = directory / "clamd.sock"
        (directory / "signatures").mkdir(parents=True)
        (directory / "signatures/test.ndb").write_text(f"{NAME}:0:*:{MARK.encode().hex()}\n")
        self.configuration = directory / "clamd.conf"
        self.configuration.write_text(CONFIGURATION.format(directory=directory))

    def __enter__(self):
        self.process = subprocess.Popen(
            [CLAMD, f"--config-file={self.configuration}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: answers(self.socket) or self.process.poll() is not None, "clamd to listen")
        assert self.process.poll() is None, (self.directory / "clamd.log").read_text()
        return self

    def __exit__(self, kind, value, trace):
        self.process.terminate()
        self.process.wait(timeout=30)

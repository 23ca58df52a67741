"""The command line `mailorigin`, asked about one site."""

import json
import subprocess
from dataclasses import dataclass

PATIENCE = 60


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Command:
    def __init__(self, installation, runtime_dir):
        self.program = installation.built("cli/mailorigin")
        self.runtime_dir = runtime_dir

    def __call__(self, *arguments, uid=None):
        user = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid is not None else []
        done = subprocess.run(
            [*user, str(self.program), "--runtime-dir", str(self.runtime_dir), *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
        )
        return Said(done.returncode, done.stdout, done.stderr)

"""What programs say to syslog, heard in mounts of the test's own."""

import os
import socket
import threading

from .waiting import wait_until


class SyslogListener:
    """Stands at /dev/log while it is entered; after mounts.private_mounts()."""

    DEVICE = "/dev/log"

    def __enter__(self):
        self.lines = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind(self.DEVICE)
        os.chmod(self.DEVICE, 0o666)
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._socket.close()
        os.unlink(self.DEVICE)

    def _listen(self):
        while True:
            try:
                data = self._socket.recv(1 << 20)
            except OSError:
                return
            self.lines.append(data.decode(errors="replace"))

    def wait(self, mark):
        """The one line that contains `mark`."""
        found = wait_until(lambda: [line for line in self.lines if mark in line], f"{mark!r} in syslog")
        assert len(found) == 1, found
        return found[0]

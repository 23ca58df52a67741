"""Both ends of FastCGI without httpd or php-fpm: tests/programs has the programs."""

import socket
import subprocess

from .paths import build_directory
from .waiting import die_with_parent, end
from .wire import pair


def ask(path, parameters, uid=0):
    """Asks, as that user, the application that listens at `path`: the finished client.

    `parameters` is a dict, or pairs, whose names may then come twice, or bytes as they are to be sent.
    """
    if not isinstance(parameters, bytes):
        pairs = parameters.items() if isinstance(parameters, dict) else parameters
        parameters = b"".join(pair(name, value) for name, value in pairs)
    client = build_directory() / "tests/programs/fastcgi_client"
    return subprocess.run([client, path, str(uid)], input=parameters, capture_output=True, timeout=60)


def request(path, script, parameters=(), uid=0):
    """Runs a script in the pool that listens at `path`; the body of its answer."""
    everything = [
        ("SCRIPT_FILENAME", str(script)),
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/direct"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        *(parameters.items() if isinstance(parameters, dict) else parameters),
    ]
    done = ask(path, everything, uid)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr.decode(errors='replace')}"
    return done.stdout.partition(b"\r\n\r\n")[2].decode(errors="replace")


class Responder:
    """A FastCGI application that answers with the parameters that reached it."""

    def __init__(self, path):
        self.path = path
        self.process = None

    def __enter__(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.path))
            self.path.chmod(0o666)
            listener.listen(64)
            self.process = subprocess.Popen(
                [build_directory() / "tests/programs/fastcgi_responder"],
                stdin=listener, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={},
                preexec_fn=die_with_parent,
            )
        return self

    def __exit__(self, *_):
        end(self.process)


def parameters_of(text):
    """What a Responder answered, as pairs in the order of the wire."""
    return [tuple(line.split("=", 1)) for line in text.splitlines() if line]

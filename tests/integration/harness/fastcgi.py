"""A FastCGI client: what a tenant does who talks to a pool's socket without httpd."""

import socket
import struct

from .wire import pair

_BEGIN, _END, _PARAMS, _STDIN, _STDOUT = 1, 3, 4, 5, 6


def _record(kind, content):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def request(path, script, parameters=None, timeout=30):
    """Runs a script in the pool that listens at `path`; the body of its answer."""
    everything = {
        "SCRIPT_FILENAME": script,
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": "/direct",
        "SERVER_PROTOCOL": "HTTP/1.1",
        **(parameters or {}),
    }
    encoded = b"".join(pair(name, value) for name, value in everything.items())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        message = _record(_BEGIN, struct.pack(">HB5x", 1, 0))
        for start in range(0, len(encoded), 65528):
            message += _record(_PARAMS, encoded[start : start + 65528])
        connection.sendall(message + _record(_PARAMS, b"") + _record(_STDIN, b""))
        stream = connection.makefile("rb")
        output = b""
        while head := stream.read(8):
            _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", head)
            content = stream.read(length)
            stream.read(padding)
            if kind == _STDOUT:
                output += content
            if kind == _END:
                break
    return output.partition(b"\r\n\r\n")[2].decode(errors="replace")

"""The mail server's side of the milter protocol, as far as mailorigin-milter needs it."""

import socket
import struct

ACTIONS, STEPS = 0x1FF, 0x1FFFFF  # what Postfix 3.7 offers


def _packet(command, data=b""):
    return struct.pack(">I", len(data) + 1) + command + data


def _read(connection):
    size = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))[0]
    return connection.recv(size, socket.MSG_WAITALL)


def tell(path, queue_id, fields, client=("127.0.0.1", 0), port=25, sender="me@shop.example", recipients=("to@example.org",)):
    """One message, over a connection of its own; what is answered to its end, the verdict last.

    Port 0 of the client is pickup(8)'s; `port` is the mail server's own.
    """
    address, number = client
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(_packet(b"O", struct.pack(">III", 6, ACTIONS, STEPS)))
        _read(connection)
        macros = f"Cj\0web1.example\0{{daemon_addr}}\0{address}\0{{daemon_port}}\0{port}\0"
        connection.sendall(
            _packet(b"D", macros.encode()) + _packet(b"C", b"localhost\0004" + struct.pack(">H", number) + address.encode() + b"\0")
        )
        if (said := _read(connection)) != b"c":
            return [said]
        connection.sendall(
            _packet(b"M", f"<{sender}>\0".encode())
            + b"".join(_packet(b"R", f"<{each}>\0".encode()) for each in recipients)
            + b"".join(_packet(b"L", f"{name}\0{value}\0".encode()) for name, value in fields)
            + _packet(b"D", f"Ei\0{queue_id}\0".encode())
            + _packet(b"E")
        )
        said = []
        while not said or said[-1][:1] not in b"actry":
            said.append(_read(connection))
        connection.sendall(_packet(b"Q"))
    return said

"""The listening socket of a web page on this machine; a taken port is refused in one sentence."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from estate.monitoring.pages import HOST
from formats.errors import Refused


@contextmanager
def listening_socket(port: int) -> Iterator[socket.socket]:
    """Yield a socket that listens already: a browser may connect as soon as the address is out.

    Args:
        port: of the loopback address; 0 lets the system choose.

    Raises:
        Refused: another program has the port.
    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()
        except OSError as error:
            raise Refused(
                f"Port {port} of this machine cannot be used ({error.strerror}): choose another "
                "with --port."
            ) from error
        yield listening

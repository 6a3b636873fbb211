"""A bundle server for the tests of `fetch`: HTTPS with mutual TLS, and each way to be hostile."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wire.certificate import Certificate


@dataclass
class Bundles:
    """What is served, and how."""

    content: bytes
    size: int | None = None
    """The size that Content-Range claims; by default the truth."""
    status: int = 206
    long_by: int = 0
    """How many bytes come behind the ones that were asked for."""
    stop_at: int | None = None
    """The byte of the file at which the connection ends."""
    before_bytes: Callable[[], None] = lambda: None
    """Called before the bytes of each answer."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and range of each request."""


def handler(bundles: Bundles) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            span = self.headers["Range"].removeprefix("bytes=")
            bundles.asked.append((self.path, span))
            start, last = map(int, span.split("-"))
            body = bundles.content[start : last + 1] + bytes(bundles.long_by)
            self.send_response(bundles.status)
            self.send_header("Location", "https://127.0.0.1:1/elsewhere")
            size = len(bundles.content) if bundles.size is None else bundles.size
            self.send_header("Content-Range", f"bytes {start}-{last}/{size}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            bundles.before_bytes()
            if bundles.stop_at is not None and start <= bundles.stop_at <= last:
                body = body[: bundles.stop_at - start]
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    return Handler


@contextmanager
def serving(bundles: Bundles, certificate: Certificate) -> Iterator[int]:
    """Serve until the block ends; yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(str(certificate.chain), str(certificate.key))
    context.load_verify_locations(str(certificate.authority))
    context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(bundles))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # A client hung up.
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

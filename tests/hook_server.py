"""Real servers on loopback that take webhooks, refuse them as they are told to, or answer as no server should."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class HookServer:
    """Keeps what it was sent. `answers`: statuses that it gives instead of 204, one after the other."""

    answers: list[int] = field(default_factory=list)
    sent: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@contextmanager
def listening() -> Iterator[HookServer]:
    server = HookServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            server.sent.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status = server.answers.pop(0) if server.answers else 204
            self.send_response(status)
            if status == 307:
                self.send_header("location", f"{server.url}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_address[1]}/hook"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that hands each connection, its request unread, to `answer` and closes it then."""

    def serve() -> None:
        while True:
            connection, _ = door.accept()
            with connection:
                if closed.is_set():
                    return
                with suppress(OSError):
                    answer(connection)

    closed = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}/hook"
        finally:
            closed.set()
            with suppress(OSError):
                socket.create_connection(door.getsockname()).close()
            thread.join()

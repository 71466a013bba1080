"""A loopback site of made-up pages whose answers a test may alter: the demo's pages through a small proxy."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import httpx

from necc import demo

Asked = str  # "2024-02" for a sheet, "" for the default page
Alter = Callable[[Asked, str], tuple[int, str]]


def as_is(asked: Asked, text: str) -> tuple[int, str]:
    return 200, text


@contextmanager
def altered(today: dt.date, alter: Alter = as_is, robots: tuple[int, str] = (404, "")) -> Iterator[str]:
    """Serve the demo's pages of `today`, each passed through `alter(asked, text) -> (status, text)`."""
    with demo.serve(today) as inner, httpx.Client(base_url=inner) as client:

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/robots.txt":
                    self.answer(*robots)
                else:
                    self.answer(*alter("", client.get(self.path).text))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                form = {key: values[-1] for key, values in parse_qs(body.decode()).items()}
                asked = f"{form['ddlYear']}-{form.get('ddlMonth', '')}".rstrip("-")
                self.answer(*alter(asked, client.post(self.path, data=form).text))

            def answer(self, status: int, text: str) -> None:
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()

"""A page that says where it runs, and how often it was asked."""

import getpass
import html
import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Hello from {host}</title>
<style>body {{ font: 1.1rem/1.6 system-ui, sans-serif; margin: 4rem auto; max-width: 34rem }}</style>
<h1>Ahoy!</h1>
<p>This is <b>{host}</b>, running as <b>{user}</b>.</p>
<p>Visits so far: <b>{visits}</b></p>
</html>
"""


class Visits:
    """Counts visits in a file, so that they outlive the program."""

    def __init__(self, path):
        self._path = Path(path)
        self._lock = Lock()

    def add(self):
        with self._lock:
            count = self._read() + 1
            temporary = self._path.with_suffix(".new")
            temporary.write_text(f"{count}\n")
            temporary.replace(self._path)
            return count

    def _read(self):
        try:
            return int(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return 0


def make_server(address, visits_file=None):
    """A server on (host, port), ready for serve_forever()."""
    folder = os.environ.get("HELLO_DATA", "/var/lib/hello")
    visits = Visits(visits_file or Path(folder) / "visits")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/healthz":
                self._answer(200, "text/plain", "ok\n")
            elif self.path == "/":
                page = PAGE.format(host=html.escape(socket.gethostname()), user=html.escape(getpass.getuser()), visits=visits.add())
                self._answer(200, "text/html", page)
            else:
                self._answer(404, "text/plain", "There is nothing here.\n")

        def _answer(self, status, kind, text):
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(address, Handler)

import socket
import tempfile
import unittest
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import urlopen

from hello.app import Visits, make_server


class Pages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        server = make_server(("127.0.0.1", 0), Path(folder.name) / "visits")
        thread = Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def get(self, path):
        with urlopen(self.url + path, timeout=5) as answer:
            return answer.read().decode()

    def test_the_page_names_the_host_and_counts_visits(self):
        self.assertIn("Visits so far: <b>1</b>", self.get("/"))
        page = self.get("/")
        self.assertIn(socket.gethostname(), page)
        self.assertIn("Visits so far: <b>2</b>", page)

    def test_healthz_says_ok_and_is_no_visit(self):
        self.assertEqual(self.get("/healthz"), "ok\n")
        self.assertIn("<b>1</b>", self.get("/"))

    def test_anything_else_is_not_there(self):
        with self.assertRaises(HTTPError) as caught:
            self.get("/nothing")
        self.assertEqual(caught.exception.code, 404)
        caught.exception.close()


class Counter(unittest.TestCase):
    def test_visits_outlive_the_program(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "visits"
            self.assertEqual(Visits(path).add(), 1)
            self.assertEqual(Visits(path).add(), 2)


if __name__ == "__main__":
    unittest.main()

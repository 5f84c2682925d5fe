"""python3 -m hello: serves on port 8000 (PORT) of every address."""

import os

from hello.app import make_server

server = make_server(("", int(os.environ.get("PORT", "8000"))))
print(f"Serving on port {server.server_port}")
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass

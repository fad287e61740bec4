"""Serves handler.py in the sandbox, over a socket that was made outside. Locked; but handler.py runs beside it.

    python server.py          the keeper: starts the worker, and at the end kills it and reads what the database holds
    python server.py worker   takes connections from descriptor 3, asks the handler, one request at a time

Nothing that a worker says is believed: who loads the service times and checks it from outside. The keeper never imports
the handler, and no other process of the sandbox can look into it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import traceback
from urllib.parse import parse_qsl, unquote

GIVEN, DATABASE = "/candidate/shops.db", "/tmp/shops.db"  # noqa: S108 - the sandbox's own
LISTENING = 3
REASONS = {200: "OK", 201: "Created", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Content"}
_NOT_DUMPABLE = (4, 0)  # prctl
HOLDS = {
    "orders": "SELECT shop, number, customer, placed, status FROM orders ORDER BY shop, number",
    "new lines": "SELECT o.shop, o.number, l.product, l.quantity, l.price FROM lines l JOIN orders o"
    ' ON o.id = l."order" WHERE l.id > :known ORDER BY o.shop, o.number, l.id',
    "old lines": "SELECT count(*), sum(quantity * price) FROM lines WHERE id <= :known",
    "prices": "SELECT id, price FROM products ORDER BY id",
    "customers": "SELECT count(*), sum(length(email)), sum(length(name)) FROM customers",
}


# --- the keeper ---


def keep() -> None:
    ctypes.CDLL(None).prctl(*_NOT_DUMPABLE, 0, 0, 0)  # its memory and its pipes are closed to other processes
    worker: subprocess.Popen[bytes] | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {"nonce": asked["nonce"]}
        if asked["do"] == "start":
            shutil.copyfile(GIVEN, DATABASE)
            signal.signal(signal.SIGCHLD, lambda *_: os._exit(1))  # a worker that ends by itself ends the service
            words = [sys.executable, "-S", "-E", __file__, "worker"]
            quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
            worker = subprocess.Popen(words, pass_fds=(LISTENING,), **quiet)
        else:
            end_all(worker)
            answer |= {"holds": holds(asked["known"])}
        print(json.dumps(answer), flush=True)


def end_all(worker: subprocess.Popen[bytes] | None) -> None:
    """At once, whatever it is about to do, and whatever it has started."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if worker:
        worker.kill()
    with contextlib.suppress(OSError):  # where there is no other
        os.kill(-1, signal.SIGKILL)  # all but this process
    if worker:
        worker.wait()


def holds(known: int) -> dict[str, object]:
    """What was written to the database, as somebody finds it who opens it anew. known: lines that it began with."""
    try:
        connection = sqlite3.connect(DATABASE)
        return {name: connection.execute(sql, {"known": known}).fetchall() for name, sql in HOLDS.items()}
    except sqlite3.Error as error:
        return {"error": str(error)}


# --- the worker ---


def work() -> None:
    handler = importlib.import_module("handler")
    handler.start(DATABASE)
    listener = socket.socket(fileno=LISTENING)
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        heard: dict[socket.socket, bytes] = {}
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    taken, _address = listener.accept()
                    heard[taken] = b""
                    selector.register(taken, selectors.EVENT_READ)
                elif not talk(handler, key.fileobj, heard):
                    selector.unregister(key.fileobj)
                    heard.pop(key.fileobj)
                    key.fileobj.close()


def talk(handler, connection: socket.socket, heard: dict[socket.socket, bytes]) -> bool:
    """Reads what is there and answers it once it is a whole request. Whether the connection goes on."""
    said = connection.recv(65536)
    if not said:
        return False
    heard[connection] += said
    head, end, body = heard[connection].partition(b"\r\n\r\n")
    if not end:
        return True
    first, *fields = head.decode("ascii").split("\r\n")
    named = dict(field.lower().split(": ", 1) for field in fields)
    if len(body) < int(named.get("content-length", 0)):
        return True
    heard[connection] = b""
    connection.sendall(answered(handler, first, body))
    return True


def answered(handler, first: str, body: bytes) -> bytes:
    method, target, _version = first.split(" ")
    path, _, query = target.partition("?")
    try:
        asked = dict(parse_qsl(query, keep_blank_values=True))
        status, kind, content = handler.handle(method, unquote(path), asked, body)
        return response(status, kind, content.encode() if isinstance(content, str) else bytes(content))
    except Exception:  # noqa: BLE001 - of whatever kind: the answer says so
        return response(500, "text/plain", traceback.format_exc().encode()[-2000:])


def response(status: int, kind: str, content: bytes) -> bytes:
    head = f"HTTP/1.1 {status} {REASONS.get(status, '')}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"\r\n" + content


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        work()
    else:
        keep()

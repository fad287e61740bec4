"""The self-test's probe: a program of its own, which tries what no candidate may and says what it got at."""

from __future__ import annotations

PROBE = """
import json, os, socket, sys

hint = json.load(sys.stdin)
token = hint["token"].encode()

def holds(*paths):
    for path in paths:
        try:
            with open(path, "rb") as file:
                if token in file.read():
                    return True
        except OSError:
            pass
    return False

def writes(*paths, flags=os.O_CREAT):
    for path in paths:
        try:
            os.close(os.open(path, os.O_WRONLY | flags, 0o600))
            return True
        except OSError:
            pass
    return False

def connects():
    try:
        socket.create_connection(("127.0.0.1", hint["port"]), timeout=2).close()
        return True
    except OSError:
        return False

def has_sockets():
    try:
        socket.socket(socket.AF_UNIX).close()
        return True
    except OSError:
        return False

def forks():
    ready, done = os.pipe()
    children = []
    try:
        while len(children) < hint["forks"]:
            child = os.fork()
            if child == 0:
                os.close(done)
                os.read(ready, 1)
                os._exit(0)
            children.append(child)
        return True
    except OSError:
        return False
    finally:
        os.close(done)
        for child in children:
            os.waitpid(child, 0)

def sees_host():
    try:
        with open(f"/proc/{hint['process']}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode() == hint["started"]
    except OSError:
        return False

processes = (name for name in os.listdir("/proc") if name.isdigit())
print(json.dumps({
    "view": holds("shown/file"),
    "network": connects(),
    "write": writes("shown/written", hint["folder"] + "/written"),
    "environment": token.decode() in os.environ.values() or holds(*(f"/proc/{name}/environ" for name in processes)),
    "file": holds(hint["folder"] + "/secret", "secret", "../secret"),
    "processes": sees_host(),
    "kernel": writes("/proc/sys/kernel/core_pattern", flags=0),
    "forks": forks(),
    "private": holds("shown/private"),
    "sockets": has_sockets(),
    "device": writes("/dev/urandom", flags=0),
}))
"""

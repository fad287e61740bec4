"""Runs in an agent's sandbox before its tool: opens the way to the provider, runs the tool, hands over one file.

It is shown as text and started by Python alone, so it imports nothing of the bot. Nothing in it is trusted, since the
tool is the same user: whoever forges its report proposes another content, which is what the tool is there for.

standard input: {"argv", "file", "environment", "task", "most", "words", "door"}; standard output: one line, {"exit",
"why", "content" (base64, null without one), "said" (the tool's last output)}.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import socket
import stat
import subprocess
import sys
import threading

SHOWN, WORK, HOME = "/candidate/shown", "/tmp/work", "/tmp/home"  # noqa: S108  # the sandbox's own, in memory
PORT = "{port}"
CHUNK = 65536


def pipe(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def connect(client: socket.socket, door: str) -> None:
    with client, socket.socket(socket.AF_UNIX) as way:
        try:
            way.connect(door)
        except OSError:
            return
        answers = threading.Thread(target=pipe, args=(way, client), daemon=True)
        answers.start()
        pipe(client, way)
        answers.join()


def forward(server: socket.socket, door: str) -> None:
    while True:
        try:
            client, _ = server.accept()
            threading.Thread(target=connect, args=(client, door), daemon=True).start()
        except (OSError, RuntimeError):
            continue


def opened(door: str) -> int:
    """Forwards a port of this loopback to the door; 0 without one."""
    if not door:
        return 0
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    threading.Thread(target=forward, args=(server, door), daemon=True).start()
    return int(server.getsockname()[1])


def run(plan: dict, port: int) -> tuple[int, bytes]:  # type: ignore[type-arg]
    """The tool's exit code and the last of what it said. It is over when it ends, whoever still holds its output."""
    environment = {name: value.replace(PORT, str(port)) for name, value in plan["environment"].items()}
    argv = [word.replace(PORT, str(port)) for word in plan["argv"]]
    with open("/tmp/task", "w+b") as task:  # noqa: PTH123, S108
        task.write(plan["task"].encode())
        task.seek(0)
        tool = subprocess.Popen(
            argv, cwd=WORK, env={**os.environ, "HOME": HOME, **environment}, stdin=task,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    assert tool.stdout is not None  # noqa: S101  # a pipe was asked for
    said, output = b"", tool.stdout.fileno()
    open_ = True
    while tool.poll() is None:
        if not open_:
            tool.wait()
        elif select.select([output], [], [], 0.05)[0]:
            chunk = os.read(output, CHUNK)
            open_ = bool(chunk)
            said = (said + chunk)[-plan["words"] :]
    for _ in range(64):
        if not select.select([output], [], [], 0)[0] or not (chunk := os.read(output, CHUNK)):
            break
        said = (said + chunk)[-plan["words"] :]
    return tool.returncode, said


def content(name: str, most: int) -> tuple[bytes | None, str]:
    """The file as it is now, if it is one; else why not."""
    try:
        handle = os.open(os.path.join(WORK, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # noqa: PTH118
    except OSError as error:
        return None, f"its file cannot be read: {error.strerror}"
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        return None, "it left no regular file"
    with open(handle, "rb") as file:  # noqa: PTH123
        if len(held := file.read(most + 1)) > most:
            return None, f"its file is larger than {most} bytes"
    return held, ""


def main() -> None:
    plan = json.load(sys.stdin)
    report = os.dup(1)
    os.dup2(2, 1)
    shutil.copytree(SHOWN, WORK, copy_function=shutil.copyfile)
    os.makedirs(HOME)  # noqa: PTH103
    found, said = None, b""
    try:
        code, said = run(plan, opened(plan["door"]))
        found, why = content(plan["file"], plan["most"])
    except OSError as error:
        code, why = 127, f"it cannot be started: {error.strerror}"
    text = None if found is None else base64.b64encode(found).decode()
    words = said.decode("utf-8", "backslashreplace")
    line = json.dumps({"exit": code, "why": why, "content": text, "said": words}) + "\n"
    with open(report, "wb") as out:  # noqa: PTH123
        out.write(line.encode())


if __name__ == "__main__":
    main()

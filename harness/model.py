"""How an evaluator asks a model, where its target.yaml says `needs: [model]`.

    from harness import model
    questions = [model.Question(system=prompt, user=case) for case in cases]
    replies = model.ask(questions, {"label": {"enum": ["billing", "other"]}})

Neither key nor network is needed, and none is there: the questions go through a descriptor that this process alone
was given, to a broker that holds both. Which model answers is declared in target.yaml. In a night's loop the same
question gets the same answer; confirm asks anew. Ask all questions of a candidate in one call: they are asked side by
side, and each of them once.
"""

from __future__ import annotations

import functools
import json
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

VARIABLE = "AUTORESEARCH_MODEL"  # the number of a connected socket
_TURN = threading.Lock()
_WORDS: Mapping[str, Any] = {"text": {"type": "string"}}


class Unanswered(Exception):
    """No score can be made of this: let it end the evaluator. The harness knows why, and blames no candidate."""


@dataclass(frozen=True)
class Question:
    """system: the standing instructions, perhaps empty; user: what is said to it."""

    user: str
    system: str = ""


@dataclass(frozen=True)
class Reply:
    """outcome: answer, malformed, truncated or refused. value: what was asked for, by name; None but for `answer`.
    text: what was said instead, at most 2,000 characters."""

    outcome: str
    value: Mapping[str, Any] | None = None
    text: str = ""


def ask(questions: Sequence[Question], wanted: Mapping[str, Any] = _WORDS) -> list[Reply]:
    """One reply per question, in their order. wanted: name -> JSON Schema of each value of an answer, by default one
    `text`. Raises Unanswered where nobody answers: no money is left, or the model cannot be reached."""
    schema = {"type": "object", "additionalProperties": False, "required": list(wanted), "properties": dict(wanted)}
    asked = [{"system": question.system, "user": question.user} for question in questions]
    with _TURN:
        connection, stream = _connection()
        try:
            connection.sendall(json.dumps({"questions": asked, "schema": schema}).encode() + b"\n")
            answer = json.loads(stream.readline() or b'{"error": "it was closed"}')
        except (OSError, ValueError) as error:
            raise Unanswered(f"the model is gone: {error}") from None
    if "error" in answer:
        raise Unanswered(answer["error"])
    return [Reply(reply["outcome"], reply["value"], reply["text"]) for reply in answer["replies"]]


@functools.cache
def _connection() -> tuple[socket.socket, BinaryIO]:
    told = os.environ.get(VARIABLE)
    if told is None:
        raise Unanswered(f"{VARIABLE} is not set: target.yaml says no needs: [model], or this was started by hand")
    descriptor = int(told)
    os.set_inheritable(descriptor, False)  # whatever this process starts has no part in it
    connection = socket.socket(fileno=descriptor)
    return connection, connection.makefile("rb")

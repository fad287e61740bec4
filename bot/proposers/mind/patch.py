"""JSON Patch (RFC 6902) on the text of a JSON or YAML file, so that comments, order and spelling stay.

What the patch means is computed on the data. Where only values change, they are put in their places and every other
character stays. Where something is added or removed, JSON is written anew in the smallest list or mapping that holds
the change, YAML by ruamel.yaml, which keeps comments. Either way the text must then say what the patch means.
"""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from bot.proposers.mind.wrong import Wrong
from harness.documents import (
    Document,
    ParseProblem,
    Scalar,
    Span,
    canonical_id_of,
    escape,
    load_bytes,
    parse,
    splice,
    unescape,
)
from harness.errors import InvalidCandidate

_INDENTS = ((2, 2, 0), (2, 4, 2), (4, 4, 0), (4, 4, 2), (4, 6, 4))  # of mappings, of lists, and of their dashes
_ROOM, _TIMES = 16_000, 4  # characters that a patch may add to so many times the file's, before it is written
_NEEDS = {"add": ("path", "value"), "replace": ("path", "value"), "test": ("path", "value"), "remove": ("path",),
          "move": ("path", "from"), "copy": ("path", "from")}  # fmt: skip


def patched(edits: Sequence[Mapping[str, Any]], text: str, file: str) -> str:
    """The text as the patch leaves it. Raises Wrong."""
    document = _parsed(text, file)
    operations = [_operation(n, edit, document.data) for n, edit in enumerate(edits, 1)]
    wanted = _meant(document.data, operations, _TIMES * len(text) + _ROOM)
    try:
        new = _spelled(text, document, wanted, file)
        says = _says(new, wanted, file)
    except UnicodeEncodeError:
        raise Wrong("the edits hold half of a surrogate pair, which no file can hold") from None
    if not says:
        raise Wrong("this patch cannot be written into the file's text; change values one by one, with replace")
    return new


def _parsed(text: str, file: str) -> Document:
    try:
        return parse(text.encode("utf-8", errors="surrogateescape"), file)
    except ParseProblem as problem:
        raise Wrong(f"the file cannot be read: {problem.what}") from None


def _operation(number: int, edit: Mapping[str, Any], data: Any) -> dict[str, Any]:
    op = str(edit["op"])
    found = {"op": op} | {key: edit.get(key) for key in _NEEDS[op]}
    if edit.get("structure"):
        try:
            found["value"] = json.loads(edit["structure"])
        except ValueError as error:
            raise Wrong(f"edit {number}: structure is not JSON: {error}") from None
    elif "value" in found:
        found["value"] = _as_before(found["value"], _at(data, str(found["path"])))
    return found


def _as_before(value: Scalar, old: Any) -> Scalar:
    """Of the kind of what it replaces, where it says that: small models write "10" for 10, others 3.0 for 3."""
    if isinstance(value, str) and type(old) in (int, float, bool):
        value = _unquoted(value, old)
    whole = type(value) is float and value.is_integer() and type(old) is int
    return int(value) if whole and isinstance(value, float) else value


def _unquoted(value: str, old: Scalar) -> Scalar:
    """The number or truth value that a text says, where the old one is such; else the text."""
    try:
        said = json.loads(value, parse_constant=str)
    except (ValueError, RecursionError):
        return value
    kinds: tuple[type, ...] = (bool,) if type(old) is bool else (int, float)
    return said if type(said) in kinds else value


def _at(data: Any, pointer: str) -> Any:
    import jsonpointer

    try:
        return jsonpointer.resolve_pointer(data, pointer)
    except jsonpointer.JsonPointerException:
        return None


def _meant(data: Any, operations: Sequence[dict[str, Any]], most: int) -> Any:
    """What the data becomes; each operation acts on what the one before it left. Each copy can double it, so its size
    is looked at after every one."""
    import jsonpatch
    import jsonpointer

    now = copy.deepcopy(data)
    for number, operation in enumerate(operations, 1):
        try:
            one: Any = [operation]
            now = jsonpatch.JsonPatch(one).apply(now, in_place=True)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, ValueError) as error:
            said = " ".join(str(error).split())[:200]
            raise Wrong(f"edit {number} ({operation['op']} {str(operation['path'])[:80]}): {said}") from None
        if _size(now) > most:
            raise Wrong(f"edit {number}: the file would grow beyond {most:,} characters")
    return now


def _size(data: Any) -> int:
    """The characters of its texts, and two for all else."""
    if isinstance(data, dict):
        return sum(len(str(key)) + _size(value) for key, value in data.items()) + 2
    if isinstance(data, list):
        return sum(map(_size, data)) + 2
    return len(data) if isinstance(data, str) else 2


def _spelled(text: str, document: Document, wanted: Any, file: str) -> str:
    try:
        changes = dict(_scalars(document.data, wanted, ""))
    except _OtherShape:
        if PurePosixPath(file).suffix.lower() == ".json":
            return _json(text, document, wanted)
        cut = _without_lost_keys(text, document, wanted, file)
        return _spelled(cut, _parsed(cut, file), wanted, file) if cut != text else _yaml(text, document.data, wanted)
    return splice(text, document, changes, file)


def _says(text: str, wanted: Any, file: str) -> bool:
    try:
        found = load_bytes(text.encode("utf-8", errors="surrogateescape"), file)
    except InvalidCandidate:
        return False
    return canonical_id_of(found) == canonical_id_of(wanted)


class _OtherShape(Exception):
    """Something was added or removed."""


def _scalars(before: Any, after: Any, pointer: str) -> Iterator[tuple[str, Scalar]]:
    """The values that differ. Raises _OtherShape."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key, value in before.items():
            yield from _scalars(value, after[key], f"{pointer}/{escape(key)}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _scalars(one, other, f"{pointer}/{index}")
    elif isinstance(before, (dict, list)) or isinstance(after, (dict, list)):
        raise _OtherShape
    elif type(before) is not type(after) or before != after:
        yield pointer, after


def _json(text: str, document: Document, wanted: Any) -> str:
    indent = re.search(r"\n([ \t]+)\S", text)
    unit = indent.group(1) if indent else "  "
    parts, position = [], 0
    for pointer, value in _containers(document.data, wanted, ""):
        span = document.spans[pointer]
        parts += [text[position : span.start], _as_around(value, text, span.start, span.end, unit)]
        position = span.end
    return "".join([*parts, text[position:]])


def _containers(before: Any, after: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """The smallest values that differ, in the file's order."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key, value in before.items():
            yield from _containers(value, after[key], f"{pointer}/{escape(key)}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _containers(one, other, f"{pointer}/{index}")
    elif type(before) is not type(after) or before != after:
        yield pointer, after


def _as_around(value: Any, text: str, start: int, end: int, unit: str) -> str:
    """A value as JSON: over several lines where what it replaces was, or where it stands on lines of its own."""
    if "\n" not in text[start:end]:
        return json.dumps(value, ensure_ascii=False)
    line = text[text.rfind("\n", 0, start) + 1 : start]
    margin = line[: len(line) - len(line.lstrip())]
    return json.dumps(value, ensure_ascii=False, indent=unit).replace("\n", f"\n{margin}")


def _without_lost_keys(text: str, document: Document, wanted: Any, file: str) -> str:
    """The text without one of the keys that are wanted no more, where these are lines of their own: ruamel.yaml would
    take the comments after them along. As it is where there are none."""
    for pointer in _lost(document.data, wanted, ""):
        start = text.rfind("\n", 0, document.keys[pointer].start) + 1
        inside = [s.end for p, s in document.spans.items() if f"{p}/".startswith(f"{pointer}/") and _is_exact(s, text)]
        end = text.find("\n", max(inside) - 1) + 1 if inside else 0
        data = copy.deepcopy(document.data)
        parent, _, key = pointer.rpartition("/")
        _at(data, parent).pop(unescape(key))
        if end and _says(text[:start] + text[end:], data, file):
            return text[:start] + text[end:]
    return text


def _is_exact(span: Span, text: str) -> bool:
    """Whether a span ends where its value does: that of a block ends where the next thing begins."""
    return text[span.start : span.start + 1] in {"[", "{"} or "\n" not in text[span.start : span.end].rstrip("\n")


def _lost(before: Any, after: Any, pointer: str) -> Iterator[str]:
    """Keys that are gone from mappings which are still there."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            inner = f"{pointer}/{escape(key)}"
            if key in after:
                yield from _lost(value, after[key], inner)
            else:
                yield inner
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _lost(one, other, f"{pointer}/{index}")


def _yaml(text: str, data: Any, wanted: Any) -> str:
    """Raises Wrong where ruamel.yaml reads another document than we do."""
    import jsonpatch
    from ruamel.yaml.error import YAMLError

    try:
        writer = min((_writer(*indents) for indents in _INDENTS), key=lambda writer: _noise(writer, text))
        tree = writer.load(text)
        jsonpatch.make_patch(data, wanted).apply(tree, in_place=True)
        return _dumped(writer, tree)
    except (YAMLError, jsonpatch.JsonPatchException, LookupError, TypeError, ValueError) as error:
        said = " ".join(str(error).split())[:120]
        raise Wrong(f"this patch cannot be written into the file's YAML ({said})") from None


def _writer(mapping: int, sequence: int, offset: int) -> Any:
    from ruamel.yaml import YAML

    writer = YAML(typ="rt")
    writer.preserve_quotes, writer.width = True, 1 << 20
    writer.indent(mapping=mapping, sequence=sequence, offset=offset)
    return writer


def _noise(writer: Any, text: str) -> int:
    """How many lines of the unchanged file this writer would write otherwise."""
    lines = text.splitlines()
    new = _dumped(writer, writer.load(text)).splitlines()
    return sum(one != other for one, other in zip(lines, new, strict=False)) + abs(len(lines) - len(new))


def _dumped(writer: Any, tree: Any) -> str:
    stream = io.StringIO()
    writer.dump(tree, stream)
    return stream.getvalue()

"""Gets GitHub's description of its REST API and keeps what validation needs.

    python tests/github/fetch.py .venv/github-openapi.json

The description is 13 MB of prose, examples and schemas; the file written here holds operations and schemas alone. Its
source is pinned by version and hash, and none of it is committed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "@octokit/openapi@23.0.2"
ARCHIVE_SHA256 = "71a18407dd5e8464f4e0525daf03deabbe65abd9287d6adc7b5d98f516cd0d0c"
MEMBER = "package/generated/api.github.com.json"
PROSE = {"description", "example", "examples", "externalDocs", "title", "default", "deprecated", "discriminator"}
NAMED = {"properties", "patternProperties"}


def download(folder: Path) -> Path:
    """The package's archive. SystemExit where it cannot be had."""
    if shutil.which("npm") is None:
        raise SystemExit(
            "npm brings GitHub's description of its API, which the tests need: install npm, then try again."
        )
    words = ["npm", "pack", PACKAGE, "--silent"]
    packed = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if packed.returncode:
        raise SystemExit(f"npm pack {PACKAGE} failed. Is the network there? It said:\n{packed.stderr}")
    return folder / packed.stdout.split()[-1]


def unpacked(archive: Path) -> dict[str, Any]:
    """The whole description. SystemExit where the archive is not the pinned one."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != ARCHIVE_SHA256:
        raise SystemExit(f"{PACKAGE} has sha256 {found}, not the pinned {ARCHIVE_SHA256}: do not use it.")
    with tarfile.open(archive) as tar:
        member = tar.extractfile(MEMBER)
        if member is None:
            raise SystemExit(f"{PACKAGE} holds no {MEMBER}")
        description: dict[str, Any] = json.load(member)
    return description


def bare(node: Any) -> Any:
    """A schema without prose; a property that is called `description` stays."""
    if isinstance(node, list):
        return [bare(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept: dict[str, Any] = {}
    for key, value in node.items():
        if key in NAMED and isinstance(value, dict):
            kept[key] = {name: bare(part) for name, part in value.items()}
        elif key == "enum":
            kept[key] = value
        elif key == "$ref":
            kept[key] = value.replace("#/components/schemas/", "urn:github#/")
        elif key not in PROSE and not key.startswith("x-"):
            kept[key] = bare(value)
    return with_null(kept) if kept.get("nullable") else kept


def with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What GitHub means by `nullable` beside `enum`, `oneOf` or `anyOf`, where the validator reads it by the letter."""
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    for key in ("oneOf", "anyOf"):
        if key in schema:
            schema[key] = [*schema[key], {"enum": [None]}]
    return schema


def trimmed(description: dict[str, Any]) -> dict[str, Any]:
    """Operations with their parameters, body and answers; and every schema by its name."""
    components = description["components"]

    def resolved(node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        _, _, family, name = node["$ref"].split("/")
        return dict(components[family][name])

    def content_schema(node: dict[str, Any]) -> Any:
        content = node.get("content", {})
        kind = "application/json" if "application/json" in content else next((k for k in content if "json" in k), None)
        return bare(content[kind].get("schema", {})) if kind else None

    def operation(path: str, method: str, node: dict[str, Any], shared: list[Any]) -> dict[str, Any]:
        parameters = [resolved(each) for each in [*shared, *node.get("parameters", [])]]
        body = resolved(node["requestBody"]) if "requestBody" in node else None
        return {
            "method": method.upper(),
            "path": path,
            "id": node["operationId"],
            "parameters": [
                {"name": p["name"], "in": p["in"], "required": p.get("required", False), "schema": bare(p["schema"])}
                for p in parameters
            ],
            "body": {"required": body.get("required", False), "schema": content_schema(body)} if body else None,
            "answers": {status: content_schema(resolved(each)) for status, each in node["responses"].items()},
        }

    methods = ("get", "post", "put", "patch", "delete")
    return {
        "version": PACKAGE,
        "operations": [
            operation(path, method, node[method], node.get("parameters", []))
            for path, node in description["paths"].items()
            for method in methods
            if method in node
        ],
        "schemas": {name: bare(schema) for name, schema in components["schemas"].items()},
    }


def main(to: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kept = trimmed(unpacked(download(Path(folder))))
    part = to.with_suffix(".part")
    part.write_text(json.dumps(kept, separators=(",", ":")), encoding="utf-8")
    part.replace(to)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

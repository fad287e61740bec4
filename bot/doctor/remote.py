"""Which repository on GitHub this checkout belongs to, read from the address of its remote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_SERVER = "https://github.com"
_SLUG = re.compile(r"/*(?P<slug>[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/*")
_SCP = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>.+)")
_SSH_HOSTS = {"ssh.github.com": "github.com"}  # the same server, behind the port of https


@dataclass(frozen=True)
class Remote:
    """host: with its port where the address is http. slug: owner/name; empty where the path is no such thing.
    password: the address carries one."""

    host: str
    slug: str
    password: bool


def parse(address: str) -> Remote:
    """Reads any form that git takes. A path on this machine has no host."""
    if "://" in address:
        split = urlsplit(address)
        web = split.scheme in {"http", "https"}
        host = split.netloc.rpartition("@")[2] if web else split.hostname or ""
        return Remote(_SSH_HOSTS.get(host, host).lower(), _slug(split.path), bool(split.password) or _named(split, web))
    found = _SCP.fullmatch(address)
    if not found:
        return Remote("", "", False)
    return Remote(_SSH_HOSTS.get(found["host"], found["host"]).lower(), _slug(found["path"]), False)


def api_url(server: str) -> str:
    """Where the API of a server answers, unless GITHUB_API_URL says so."""
    return "https://api.github.com" if server == DEFAULT_SERVER else f"{server}/api/v3"


def slug(name: str) -> str:
    """owner/name, or nothing where a text is not of this form."""
    return _slug(name)


def _named(split: object, web: bool) -> bool:
    """A user in a web address is a token: nobody signs in by name alone."""
    return web and bool(getattr(split, "username", None))


def _slug(path: str) -> str:
    found = _SLUG.fullmatch(path)
    return found["slug"] if found else ""

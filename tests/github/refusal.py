"""How GitHub says no."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """GitHub says no: `status` and the message that it gives."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


def invalid(resource: str, name: str) -> Refused:
    return Refused(422, "Validation Failed", [{"resource": resource, "field": name, "code": "invalid"}])


def refused_validation(resource: str, message: str) -> Refused:
    return Refused(422, "Validation Failed", [{"resource": resource, "code": "custom", "message": message}])

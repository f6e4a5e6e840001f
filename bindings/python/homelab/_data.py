"""What the plain data of the package has in common."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """A value with names for enumerations, lists for tuples and flags, dicts for data, and texts for bytes."""
    if isinstance(value, enum.Flag):
        return [one.name for one in type(value) if one in value]
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {plain(key): plain(one) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


class Plain:
    """What the parts of a snapshot, a plan or a decision have in common."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain data: names for enumerations, lists for tuples."""
        found: dict[str, Any] = plain(self)
        return found


def known(value: int) -> int | None:
    """None for the numbers below 0 that stand for what is unknown."""
    return None if value < 0 else value


def gib(size: int) -> str:
    """Bytes for people."""
    return f"{size / 2**30:.1f} GiB"


def json_text(given: str | bytes | Mapping[str, Any]) -> str | bytes:
    """A JSON text, of plain data where that was given."""
    return json.dumps(given) if isinstance(given, Mapping) else given

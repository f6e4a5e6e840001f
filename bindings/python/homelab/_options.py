"""Options as keywords."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from homelab import _native
from homelab._tables import OPTIONS

_Class = TypeVar("_Class", bound=Callable[..., object])


@dataclass(frozen=True)
class Option:
    """What the library says of one option."""

    keyword: str
    key: str
    type: str
    default: str
    minimum: float | None
    maximum: float | None
    unit: str
    text: str
    since: str


_TYPES = {_native.OPTION_BOOL: "bool", _native.OPTION_INT: "int", _native.OPTION_DOUBLE: "float", _native.OPTION_STRING: "str"}


def options() -> list[Option]:
    """Every option of the library, in alphabetical order."""
    found = []
    for i in range(_native.option_count()):
        key = _native.option_key(i) or ""
        kind = _TYPES[_native.option_type(i)]
        numeric = kind in ("int", "float")
        found.append(Option(key.replace(".", "_"), key, kind, _native.option_default(i) or "",
                            _native.option_min(i) if numeric else None, _native.option_max(i) if numeric else None,
                            _native.option_unit(i) or "", _native.option_text(i) or "", _native.option_since(i) or ""))
    return found


def make(given: Mapping[str, Any]) -> _native.Opts | None:
    """The bag for the keywords that were given; None for none."""
    if not given:
        return None
    opts = _native.Opts()
    for keyword, value in given.items():
        key, kind, _ = OPTIONS.get(keyword, (keyword.replace("_", "."), "", ""))
        if kind == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
            opts.set_double(key, float(value))
        elif isinstance(value, bool):
            opts.set_bool(key, value)
        elif isinstance(value, int):
            opts.set_int(key, value)
        elif isinstance(value, float):
            opts.set_double(key, value)
        elif isinstance(value, str):
            opts.set_string(key, value)
        else:
            raise TypeError(f"option {keyword}: found {type(value).__name__}, expected {kind or 'bool, int, float or str'}")
    return opts


def documented(*prefixes: str) -> Callable[[_Class], _Class]:
    """Adds the options with these prefixes to a docstring."""
    lines = []
    for keyword, (key, _, text) in OPTIONS.items():
        if not prefixes or key.startswith(prefixes):
            lines.append(textwrap.fill(f"{keyword}: {text}", 100, initial_indent="    ", subsequent_indent="        ",
                                       break_on_hyphens=False))

    def add(function: _Class) -> _Class:
        if function.__doc__:  # gone with python -OO
            function.__doc__ = textwrap.dedent(function.__doc__).rstrip() + "\n\nOptions:\n\n" + "\n".join(lines) + "\n"
        return function

    return add

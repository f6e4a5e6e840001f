"""The inventory: which tiers, nodes, endpoints, containers and models a cluster has."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from homelab import _native
from homelab._errors import NotFoundError, ParseError
from homelab._options import documented, make
from homelab._tables import Backend, Format

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from homelab._tables import Options

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]


@dataclass(frozen=True)
class Problem:
    """One problem of an inventory text. `line` and `column` count from 1; 0 where there is none."""

    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Gpu:
    """A GPU that the inventory declares; 0 where a number is unknown."""

    name: str
    memory_bytes: int
    bandwidth_bytes: int


@dataclass(frozen=True)
class Node:
    """A machine."""

    id: str
    host: str | None
    os: str | None
    ram_bytes: int
    gpus: tuple[Gpu, ...]


@dataclass(frozen=True)
class DeclaredEndpoint:
    """An endpoint as the inventory declares it."""

    id: str
    url: str
    tier: str
    node: str | None
    backend: Backend
    timeout_ms: int


@dataclass(frozen=True)
class Container:
    """A container."""

    name: str
    node: str


def _problems(report: _native.Report) -> tuple[Problem, ...]:
    return tuple(Problem(report.line(i), report.column(i), report.path(i) or "", report.message(i) or "")
                 for i in range(report.count()))


class Inventory:
    """Which tiers, nodes, GPUs, endpoints, containers and models a cluster has. Immutable.

    Made by Inventory.load(), Inventory.parse(), Inventory.from_dict() or a Builder. Iterating gives the endpoints;
    `inventory["local/ollama"]` is one of them, and `"local/ollama" in inventory` says whether there is one.
    """

    __slots__ = ("__weakref__", "_handle")
    _handle: _native.Inventory

    def __init__(self) -> None:
        raise TypeError("an inventory is made by Inventory.load, Inventory.parse, Inventory.from_dict or a Builder")

    @classmethod
    def _wrap(cls, handle: _native.Inventory) -> Inventory:
        self = object.__new__(cls)
        self._handle = handle
        return self

    @classmethod
    @documented("inventory.", "json.")
    def load(cls, path: Path, **options: Unpack[Options]) -> Inventory:
        """Reads and checks a file, JSON or YAML.

        Raises InventoryError or ParseError, whose `problems` are all that is wrong, with line and column; FileMissingError,
        FileDeniedError or SystemCallError for a file that cannot be read.
        """
        opts = make(options)
        try:
            return cls._wrap(_native.Inventory.load_file(path, opts))
        except ParseError as error:
            error.problems = _problems(_native.Report.file(path, opts))
            raise

    @classmethod
    @documented("inventory.", "json.")
    def parse(cls, text: str | bytes, format: Format = Format.AUTO, name: str | None = None,
              **options: Unpack[Options]) -> Inventory:
        """Reads and checks a text; `name` stands for the file in messages."""
        opts = make(options)
        try:
            return cls._wrap(_native.Inventory.load_text(text, format, name, opts))
        except ParseError as error:
            error.problems = _problems(_native.Report.text(text, format, name, opts))
            raise

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], **options: Unpack[Options]) -> Inventory:
        """Makes an inventory of plain data in the shape of the JSON file."""
        return cls.parse(json.dumps(data), Format.JSON, **options)

    @classmethod
    @documented("inventory.", "json.")
    def check(cls, path: Path, **options: Unpack[Options]) -> tuple[Problem, ...]:
        """Every problem of a file; touches no network."""
        return _problems(_native.Report.file(path, make(options)))

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the tiers, most preferred first."""
        return tuple(self._handle.tier_name(i) or "" for i in range(self._handle.tier_count()))

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The machines, in the order of the file."""
        native = self._handle
        return tuple(
            Node(native.node_id(i) or "", native.node_host(i), native.node_os(i), native.node_ram_bytes(i),
                 tuple(Gpu(native.gpu_name(i, j) or "", native.gpu_memory_bytes(i, j), native.gpu_bandwidth_bytes(i, j))
                       for j in range(native.gpu_count(i))))
            for i in range(native.node_count()))

    def _endpoint(self, i: int) -> DeclaredEndpoint:
        native = self._handle
        return DeclaredEndpoint(native.endpoint_id(i) or "", native.endpoint_url(i) or "", native.endpoint_tier(i) or "",
                                native.endpoint_node(i), Backend(native.endpoint_backend(i)), native.endpoint_timeout_ms(i))

    @property
    def endpoints(self) -> tuple[DeclaredEndpoint, ...]:
        """The endpoints, in the order of the file."""
        return tuple(self)

    @property
    def containers(self) -> tuple[Container, ...]:
        """The containers, in the order of the file."""
        native = self._handle
        return tuple(Container(native.container_name(i) or "", native.container_node(i) or "")
                     for i in range(native.container_count()))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in the order of the file."""
        return tuple(self._handle.model_name(i) or "" for i in range(self._handle.model_count()))

    @property
    def model_files(self) -> dict[str, str]:
        """The files of the models that have one, by name, as the inventory has them; a Planner takes them for headers."""
        return self._files(self._handle.model_file)

    @property
    def model_projectors(self) -> dict[str, str]:
        """The files of the models' image projectors, likewise."""
        return self._files(self._handle.model_mmproj)

    @property
    def model_drafts(self) -> dict[str, str]:
        """The files of the models' draft models, likewise."""
        return self._files(self._handle.model_draft)

    def _files(self, file: Callable[[int], str | None]) -> dict[str, str]:
        files = ((name, file(i)) for i, name in enumerate(self.models))
        return {name: found for name, found in files if found is not None}

    def __len__(self) -> int:
        return self._handle.endpoint_count()

    def __iter__(self) -> Iterator[DeclaredEndpoint]:
        return (self._endpoint(i) for i in range(self._handle.endpoint_count()))

    def __contains__(self, id: object) -> bool:
        try:
            return isinstance(id, str) and self._handle.endpoint_find(id) >= 0
        except NotFoundError:
            return False

    def __getitem__(self, id: str) -> DeclaredEndpoint:
        try:
            return self._endpoint(self._handle.endpoint_find(id))
        except NotFoundError as error:
            raise KeyError(id) from error

    def to_json(self) -> str:
        """The inventory as JSON: what was given, in a fixed order, without what was defaulted."""
        return self._handle.write(Format.JSON)

    def to_yaml(self) -> str:
        """The same as YAML."""
        return self._handle.write(Format.YAML)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        found: dict[str, Any] = json.loads(self.to_json())
        return found

    def __eq__(self, other: object) -> bool:
        return self.to_json() == other.to_json() if isinstance(other, Inventory) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __reduce__(self) -> tuple[Any, ...]:
        return _parse_json, (self.to_json(),)

    def __repr__(self) -> str:
        return f"<Inventory: {len(self)} endpoints in {len(self.tiers)} tiers, {self._handle.node_count()} nodes>"


#: What stands for an inventory: one, the path of a file, or plain data in the shape of the file.
InventoryLike = Union[Inventory, str, "os.PathLike[str]", Mapping[str, Any]]


def inventory_of(given: InventoryLike) -> Inventory:
    """The inventory that something stands for."""
    if isinstance(given, Inventory):
        return given
    return Inventory.from_dict(given) if isinstance(given, Mapping) else Inventory.load(given)


def _parse_json(text: str) -> Inventory:
    return Inventory.parse(text, Format.JSON)


class Builder:
    """Collects values for an inventory.

        builder = Builder()
        builder.set("endpoints", "local/ollama", "url", "http://localhost:11434").set("endpoints", "local/ollama", "tier", "LOCAL")
        inventory = builder.build()
    """

    __slots__ = ("__weakref__", "_handle")

    def __init__(self, start: Inventory | None = None, **options: Unpack[Options]) -> None:
        self._handle = _native.Builder(start._handle if start is not None else None, make(options))

    def set(self, section: str, id: str, key: str, value: str | bool | float) -> Builder:
        """Sets one value and returns the builder.

        section is "tiers", "nodes", "endpoints", "containers" or "models"; the item is made when it is not there; key may
        have dots and indices: "ssh.port", "gpus[0].memory_gib".
        """
        if isinstance(value, bool):
            self._handle.set_bool(section, id, key, value)
        elif isinstance(value, (int, float)):
            self._handle.set_number(section, id, key, value)
        else:
            self._handle.set_string(section, id, key, value)
        return self

    def remove(self, section: str, id: str, key: str | None = None) -> Builder:
        """Removes an item, or one key of it."""
        self._handle.remove(section, id, key)
        return self

    def build(self) -> Inventory:
        """Checks what was set and makes an inventory; the builder stays."""
        return Inventory._wrap(self._handle.build())

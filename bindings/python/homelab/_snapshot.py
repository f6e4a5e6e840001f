"""The state of a cluster at one time."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homelab import _native
from homelab._data import Plain, known
from homelab._errors import NotFoundError
from homelab._event import time_of
from homelab._inventory import Inventory
from homelab._options import documented, make
from homelab._tables import Backend, Cause, Verdict

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from homelab._tables import Options

_MODEL_CAPABILITIES = ("completion", "embedding", "vision", "tools")


@dataclass(frozen=True)
class Evidence(Plain):
    """One thing that was seen of an endpoint.

    layer is "tcp", "http", "scheduler", "progress", "canary" or "passive"; code an HTTP status, else an errno, else 0.
    """

    layer: str
    cause: Cause
    code: int
    elapsed_us: int
    text: str


@dataclass(frozen=True)
class Model(Plain):
    """A model that an endpoint reports; None stands for what is unknown.

    capabilities are among "completion", "embedding", "vision" and "tools".
    """

    name: str
    loaded: bool | None
    capabilities: tuple[str, ...]
    context: int | None
    size_bytes: int | None
    vram_bytes: int | None


@dataclass(frozen=True)
class Endpoint(Plain):
    """An endpoint and what is known of it; None stands for what is unknown."""

    id: str
    tier: str
    node: str | None
    backend: Backend
    version: str | None
    verdict: Verdict
    cause: Cause
    text: str
    latency_us: int | None
    probed_us: int | None
    slots: int | None
    uptime: float | None
    in_maintenance: bool
    evidence: tuple[Evidence, ...]
    models: tuple[Model, ...]

    @property
    def usable(self) -> bool:
        """Whether a request sent there now can be expected to be answered."""
        return self.verdict in (Verdict.HEALTHY, Verdict.DEGRADED, Verdict.BUSY)

    @property
    def probed(self) -> datetime.datetime | None:
        """When it was probed last, in UTC."""
        return None if self.probed_us is None else time_of(self.probed_us)


@dataclass(frozen=True)
class Tier(Plain):
    """A tier and its verdict."""

    name: str
    verdict: Verdict
    text: str


@dataclass(frozen=True)
class Capability(Plain):
    """What the cluster can do for a request: "code", "reason", "chat", "vision", "fast" or "embed".

    servers are the ids of the usable endpoints that serve it, most preferred first; lost says that it is declared and that
    none of them is usable.
    """

    name: str
    servers: tuple[str, ...]
    lost: bool


class Snapshot:
    """The state of a cluster at one time. Immutable; any thread may read it.

    Iterating gives the endpoints; `snapshot["local/ollama"]` is one of them. str() is a table for people.
    """

    __slots__ = ("__weakref__", "_endpoints", "_handle")
    _endpoints: tuple[Endpoint, ...] | None
    _handle: _native.Snapshot

    def __init__(self) -> None:
        raise TypeError("a snapshot comes from a Prober, or from Snapshot.from_json or Snapshot.assume")

    @classmethod
    def _wrap(cls, handle: _native.Snapshot) -> Snapshot:
        self = object.__new__(cls)
        self._handle = handle
        self._endpoints = None
        return self

    @classmethod
    @documented("json.")
    def from_json(cls, text: str | bytes, **options: Unpack[Options]) -> Snapshot:
        """Reads what to_json() or `homelab status --json` wrote."""
        return cls._wrap(_native.Snapshot.parse(text, make(options)))

    @classmethod
    def assume(cls, inventory: Inventory) -> Snapshot:
        """The state of a cluster in which everything works as declared; touches no network."""
        return cls._wrap(_native.Snapshot.assume(inventory._handle))

    def without(self, *nodes: str) -> Snapshot:
        """What this would become without some nodes, or without endpoints that are on none."""
        return self._wrap(_native.Snapshot.without(self._handle, ",".join(nodes)))

    @property
    def generation(self) -> int:
        """Grows with every change of a prober's state."""
        return self._handle.generation()

    @property
    def time_us(self) -> int:
        """When it was taken, wall-clock microseconds."""
        return self._handle.time_us()

    @property
    def time(self) -> datetime.datetime:
        """When it was taken, in UTC."""
        return time_of(self.time_us)

    @property
    def verdict(self) -> Verdict:
        """The overall verdict."""
        return Verdict(self._handle.verdict())

    @property
    def text(self) -> str:
        """The prognosis in one line."""
        return self._handle.text() or ""

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers, most preferred first."""
        native = self._handle
        return tuple(Tier(native.tier_name(i) or "", Verdict(native.tier_verdict(i)), native.tier_text(i) or "")
                     for i in range(native.tier_count()))

    @property
    def capabilities(self) -> dict[str, Capability]:
        """What the cluster serves, by name."""
        native = self._handle
        found = {}
        for i in range(native.capability_count()):
            name = native.capability_name(i) or ""
            servers = tuple(native.endpoint_id(native.server_at(i, j)) or "" for j in range(native.server_count(i)))
            found[name] = Capability(name, servers, native.capability_lost(i))
        return found

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoints, in the order of the inventory."""
        if self._endpoints is None:
            self._endpoints = tuple(self._endpoint(i) for i in range(self._handle.endpoint_count()))
        return self._endpoints

    def _endpoint(self, i: int) -> Endpoint:
        native = self._handle
        uptime = native.endpoint_uptime(i)
        return Endpoint(
            native.endpoint_id(i) or "", native.endpoint_tier(i) or "", native.endpoint_node(i),
            Backend(native.endpoint_backend(i)), native.endpoint_version(i), Verdict(native.endpoint_verdict(i)),
            Cause(native.endpoint_cause(i)), native.endpoint_text(i) or "", known(native.endpoint_latency_us(i)),
            native.endpoint_probed_us(i) or None, known(native.endpoint_slots(i)), None if uptime < 0 else uptime,
            native.endpoint_in_maintenance(i), self._evidence(i), self._models(i))

    def _evidence(self, endpoint: int) -> tuple[Evidence, ...]:
        native = self._handle
        return tuple(Evidence(native.evidence_layer(endpoint, i) or "", Cause(native.evidence_cause(endpoint, i)),
                              native.evidence_code(endpoint, i), native.evidence_elapsed_us(endpoint, i),
                              native.evidence_text(endpoint, i) or "")
                     for i in range(native.evidence_count(endpoint)))

    def _models(self, endpoint: int) -> tuple[Model, ...]:
        native = self._handle
        found = []
        for i in range(native.model_count(endpoint)):
            loaded = native.model_loaded(endpoint, i)
            capabilities = tuple(name for name in _MODEL_CAPABILITIES if native.model_has(endpoint, i, name))
            found.append(Model(native.model_name(endpoint, i) or "", None if loaded < 0 else bool(loaded), capabilities,
                               known(native.model_context(endpoint, i)), known(native.model_size_bytes(endpoint, i)),
                               known(native.model_vram_bytes(endpoint, i))))
        return tuple(found)

    def latency_us(self, endpoint: str, percent: float = 50.0) -> int | None:
        """A percentile of an endpoint's latency over its history; None without history."""
        return known(self._handle.endpoint_percentile_us(self._handle.endpoint_find(endpoint), percent))

    def to_json(self) -> str:
        """The snapshot as JSON (schema/snapshot.schema.json)."""
        return self._handle.json()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        found: dict[str, Any] = json.loads(self.to_json())
        return found

    def to_prometheus(self) -> str:
        """The snapshot in Prometheus' text format."""
        return self._handle.prometheus()

    def __len__(self) -> int:
        return self._handle.endpoint_count()

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self.endpoints)

    def __contains__(self, id: object) -> bool:
        try:
            return isinstance(id, str) and self._handle.endpoint_find(id) >= 0
        except NotFoundError:
            return False

    def __getitem__(self, id: str) -> Endpoint:
        try:
            return self._endpoint(self._handle.endpoint_find(id))
        except NotFoundError as error:
            raise KeyError(id) from error

    def __eq__(self, other: object) -> bool:
        return self.to_json() == other.to_json() if isinstance(other, Snapshot) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __reduce__(self) -> tuple[Any, ...]:
        return Snapshot.from_json, (self.to_json(),)

    def __repr__(self) -> str:
        return f"<Snapshot {self.generation}: {self.verdict.name}, {self.text}>"

    def __str__(self) -> str:
        width = max((len(one.id) for one in self), default=0)
        lines = [f"{one.id:<{width}}  {one.verdict.name:<13}  {one.text}" for one in self]
        return "\n".join([*lines, f"{self.verdict.name}: {self.text}"])

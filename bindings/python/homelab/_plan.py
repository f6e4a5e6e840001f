"""Plans: which models go on which GPU, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from homelab import _native
from homelab._data import Plain, gib, known
from homelab._gguf import Gguf
from homelab._inventory import Inventory, InventoryLike, Path, inventory_of
from homelab._options import documented, make
from homelab._tables import PlanStatus

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from homelab._tables import Options

_GPU = re.compile(r"(.+)/gpu(\d+)")


def _gguf_of(header: Gguf | Path) -> Gguf:
    return header if isinstance(header, Gguf) else Gguf.load(header)


@dataclass(frozen=True)
class PlanDevice(Plain):
    """A GPU, `NODE/gpuNUMBER`, or a CPU, `NODE/cpu`, and its memory in bytes.

    others_bytes is what others keep of it; was_read says that this is a reading and not the inventory's word. planned_bytes is
    what the planned models take. None stands for what is unknown.
    """

    id: str
    name: str | None
    is_gpu: bool
    capacity_bytes: int | None
    others_bytes: int
    was_read: bool
    planned_bytes: int


@dataclass(frozen=True)
class PlanPart(Plain):
    """What a model takes of one device, in bytes."""

    device: str
    weights_bytes: int
    context_bytes: int
    compute_bytes: int
    overhead_bytes: int

    @property
    def total_bytes(self) -> int:
        """All of it."""
        return self.weights_bytes + self.context_bytes + self.compute_bytes + self.overhead_bytes


@dataclass(frozen=True)
class PlanModel(Plain):
    """A model, or one of its replicas: where it goes, and one line why; None stands for what is unknown.

    layers are those on GPUs, context the tokens of one request, kv the type of the cache. llama_server are the arguments that
    run it so, docker a whole command, ollama the environment of an Ollama server. A model that is left out has no parts and
    none of these.
    """

    name: str
    placed: bool
    on_cpu: bool
    layers: int | None
    context: int | None
    kv: str | None
    why: str
    parts: tuple[PlanPart, ...]
    llama_server: str | None
    docker: str | None
    ollama: str | None


class Plan:
    """Which models go where. Immutable; any thread may read it.

    Iterating gives the models, also those left out. str() is a table for people.
    """

    __slots__ = ("__weakref__", "_handle")
    _handle: _native.Plan

    def __init__(self) -> None:
        raise TypeError("a plan comes from Planner.plan")

    @classmethod
    def _wrap(cls, handle: _native.Plan) -> Plan:
        self = object.__new__(cls)
        self._handle = handle
        return self

    @property
    def status(self) -> PlanStatus:
        """Whether all is placed, something optional is left out, or something required."""
        return PlanStatus(self._handle.status())

    @property
    def optimal(self) -> bool:
        """Whether no better plan exists."""
        return self._handle.is_optimal()

    @property
    def levels(self) -> tuple[int, ...]:
        """Values of the objective's levels, most important first; docs/plan.md names them."""
        return tuple(self._handle.level(i) for i in range(self._handle.level_count()))

    @property
    def bounds(self) -> tuple[int, ...]:
        """What no plan exceeds at each level; the same as the levels in an optimal plan."""
        return tuple(self._handle.bound(i) for i in range(self._handle.level_count()))

    @property
    def devices(self) -> tuple[PlanDevice, ...]:
        """The GPUs of each node, then its CPU."""
        native = self._handle
        return tuple(
            PlanDevice(native.device_id(i) or "", native.device_name(i), native.device_is_gpu(i), native.device_capacity(i) or None,
                       native.device_others(i), native.device_was_read(i), native.device_planned(i))
            for i in range(native.device_count()))

    @property
    def models(self) -> tuple[PlanModel, ...]:
        """The models that have a place, in the order of the inventory."""
        return tuple(one for one in self if one.placed)

    @property
    def left_out(self) -> tuple[PlanModel, ...]:
        """The models that have none; `why` says what would make room."""
        return tuple(one for one in self if not one.placed)

    def _model(self, i: int) -> PlanModel:
        native = self._handle
        return PlanModel(native.model_name(i) or "", native.model_is_placed(i), native.model_on_cpu(i), known(native.model_layers(i)),
                         native.model_context(i) or None, native.model_kv(i), native.model_why(i) or "", self._parts(i),
                         native.model_llama_server(i), native.model_docker(i), native.model_ollama(i))

    def _parts(self, i: int) -> tuple[PlanPart, ...]:
        native = self._handle
        return tuple(
            PlanPart(native.device_id(native.part_device(i, part)) or "", native.part_weights(i, part), native.part_context(i, part),
                     native.part_compute(i, part), native.part_overhead(i, part))
            for part in range(native.part_count(i)))

    def diff(self, before: Plan) -> tuple[str, ...]:
        """What changes from another plan to this one, a line a change; none when nothing does."""
        return tuple(self._handle.diff(before._handle).splitlines())

    def to_json(self) -> str:
        """The plan as JSON (schema/plan.schema.json)."""
        return self._handle.json()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        found: dict[str, Any] = json.loads(self.to_json())
        return found

    def to_svg(self) -> str:
        """A picture of each device's memory by model and part, an SVG document."""
        return self._handle.svg()

    def __len__(self) -> int:
        return self._handle.model_count()

    def __iter__(self) -> Iterator[PlanModel]:
        return (self._model(i) for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return self.to_json() == other.to_json() if isinstance(other, Plan) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        return f"<Plan {self.status.name}: {len(self.models)} of {len(self)} models placed>"

    def __str__(self) -> str:
        width = max((len(one.name) for one in self), default=0)
        lines = [f"{one.name:<{width}}  {self._where(one)}  {one.why}" for one in self]
        sure = "proven the best" if self.optimal else "the best found"
        return "\n".join([*lines, f"{self.status.name}: {len(self.models)} of {len(self)} models placed, {sure}"])

    @staticmethod
    def _where(model: PlanModel) -> str:
        return ", ".join(f"{part.device} {gib(part.total_bytes)}" for part in model.parts) or "left out"


class Planner:
    """Finds the best place for each model of an inventory; the same input gives the same plan.

        plan = homelab.Planner("cluster.yaml", headers={"llama3.1:8b": "llama.gguf"}, used={"gpu0/gpu0": 2 << 30}).plan()
        print(plan)

    inventory   an Inventory, the path of a file, or plain data in the shape of the file
    headers     a Gguf, or the path of a file, for each model that has one, so that what it takes is worked out; the sizes of
                the others are taken as the inventory gives them. inventory.model_files fits, with paths as they are there
    projectors  the same for the image projectors of models, and drafts for their draft models, which the same server loads
    used        readings of memory in use, in bytes, by GPU: "NODE/gpuNUMBER"; they go before the inventory's
    """

    __slots__ = ("__weakref__", "_handle", "_inventory")

    def __init__(self, inventory: InventoryLike, headers: Mapping[str, Gguf | Path] | None = None,
                 used: Mapping[str, int] | None = None, *, projectors: Mapping[str, Gguf | Path] | None = None,
                 drafts: Mapping[str, Gguf | Path] | None = None, **options: Unpack[Options]) -> None:
        self._inventory = inventory_of(inventory)
        self._handle = _native.Planner(self._inventory._handle, make(options))
        for model, header in (headers or {}).items():
            self.set_header(model, header)
        for model, header in (projectors or {}).items():
            self.set_projector(model, header)
        for model, header in (drafts or {}).items():
            self.set_draft(model, header)
        for device, used_bytes in (used or {}).items():
            self.set_used(device, used_bytes)

    @property
    def inventory(self) -> Inventory:
        """The inventory that it plans for."""
        return self._inventory

    def set_header(self, model: str, header: Gguf | Path) -> None:
        """Gives a model its header, or the path of its file. NotFoundError for a model that the inventory has not."""
        self._handle.set_header(model, _gguf_of(header)._handle)

    def set_projector(self, model: str, header: Gguf | Path) -> None:
        """Gives a model the header, or file, of its image projector. ArgumentError for one that is no projector."""
        self._handle.set_projector(model, _gguf_of(header)._handle)

    def set_draft(self, model: str, header: Gguf | Path) -> None:
        """Gives a model the header, or file, of its draft model. ArgumentError for a projector."""
        self._handle.set_draft(model, _gguf_of(header)._handle)

    def set_used(self, device: str, used_bytes: int) -> None:
        """Gives a reading of what others than the planned models take of a GPU, "NODE/gpuNUMBER"."""
        match = _GPU.fullmatch(device)
        if not match:
            raise ValueError(f"device: found {device!r}, expected NODE/gpuNUMBER")
        self._handle.set_used(match[1], int(match[2]), used_bytes)

    def plan(self) -> Plan:
        """Searches for the best plan. May take long; other threads run meanwhile."""
        return Plan._wrap(self._handle.plan())

    def __repr__(self) -> str:
        return f"<Planner of {len(self._inventory.models)} models>"


documented("plan.", "vram.")(Planner)

"""Model files: what a GGUF header says, and what a model needs of each device."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from homelab import _native
from homelab._context import Context, Op
from homelab._data import Plain, gib, json_text, known
from homelab._inventory import Path
from homelab._options import documented, make
from homelab._tables import Confidence, GgufSource

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from homelab._tables import Options

# The format's numbers for types.
_BOOL, _TEXT, _FLOATS = 7, 8, (6, 12)

#: A value of a GGUF key; None for what was counted and not kept.
Value = Union[bool, int, float, str, tuple[Union[bool, int, float], ...], None]


@dataclass(frozen=True)
class Tensor(Plain):
    """One tensor of a model.

    type is llama.cpp's name, such as "q4_K"; shape has the row first; offset counts from the start of the tensor data of its
    part, the number of a file from 0.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    size_bytes: int
    offset: int
    part: int


class Gguf(Mapping[str, Value]):
    """What a model file says of its model, without the vocabulary and the tensors' data. Immutable; any thread may read it.

        gguf = homelab.Gguf.load("Llama-3.1-8B.Q4_K_M.gguf")
        print(gguf.layers, gguf["llama.rope.freq_base"])
        print(gguf.estimate(vram_context=32768))

    Made by Gguf.load(), Gguf.parse(), Gguf.load_url(), `await Gguf.fetch()`, and from what servers tell by Gguf.from_show()
    and Gguf.from_models(). A mapping of the keys of the file to their values: numbers, texts, tuples of numbers. None stands
    for a value that is counted and not kept, such as the vocabulary and long texts; length() tells how many items it has.
    """

    __slots__ = ("__weakref__", "_handle", "_tensors")
    _handle: _native.Gguf
    _tensors: tuple[Tensor, ...] | None

    def __init__(self) -> None:
        raise TypeError("made by Gguf.load, Gguf.parse, Gguf.load_url, Gguf.fetch, Gguf.from_show or Gguf.from_models")

    @classmethod
    def _wrap(cls, handle: _native.Gguf) -> Gguf:
        self = object.__new__(cls)
        self._handle = handle
        self._tensors = None
        return self

    # --- Where it comes from ---

    @classmethod
    @documented("gguf.")
    def load(cls, path: Path, **options: Unpack[Options]) -> Gguf:
        """Reads the header of a file, and of the other parts beside it where it is one of several.

        Raises FormatError for what is no GGUF file or a broken one, UnsupportedError for another version than 2 and 3,
        LimitError, FileMissingError and other SystemCallErrors.
        """
        return cls._wrap(_native.Gguf.load_file(path, make(options)))

    @classmethod
    @documented("gguf.")
    def parse(cls, data: bytes, name: str | None = None, **options: Unpack[Options]) -> Gguf:
        """Reads bytes: a whole file, or at least all before its tensor data; `name` stands for the file in messages."""
        return cls._wrap(_native.Gguf.load_memory(data, name, make(options)))

    @classmethod
    def _fetch(cls, context: Context, url: str, timeout: float, options: Options) -> Op:
        handle = context._handle.fetch_gguf(url, math.ceil(timeout * 1000), make(options))
        return Op(context, handle, lambda: cls._wrap(_native.Gguf.take(handle)))

    @classmethod
    @documented("gguf.", "http.")
    def load_url(cls, url: str, timeout: float = 60.0, **options: Unpack[Options]) -> Gguf:
        """Reads the header of a file on a web server, and waits for it; the tensor data stay there.

        Not for asyncio: `await Gguf.fetch()` there. Raises NotFoundError for a 404, TimeoutError, NetworkError.
        """
        with Context(**options) as context:
            found: Gguf = cls._fetch(context, url, timeout, options).wait()
            return found

    @classmethod
    async def fetch(cls, url: str, timeout: float = 60.0, *, context: Context | None = None,
                    **options: Unpack[Options]) -> Gguf:
        """load_url() for asyncio: `await Gguf.fetch(url)`; in a context of its own unless one is given."""
        if context is not None:
            found: Gguf = await cls._fetch(context, url, timeout, options)
            return found
        async with Context(**options) as own:
            return await cls.fetch(url, timeout, context=own, **options)

    @classmethod
    @documented("gguf.", "json.")
    def from_show(cls, answer: str | bytes | Mapping[str, Any], **options: Unpack[Options]) -> Gguf:
        """Takes what Ollama tells of a model, the answer to `POST /api/show` as text or as plain data."""
        return cls._wrap(_native.Gguf.load_show(json_text(answer), make(options)))

    @classmethod
    @documented("gguf.", "json.")
    def from_models(cls, answer: str | bytes | Mapping[str, Any], model: str | None = None,
                    **options: Unpack[Options]) -> Gguf:
        """Takes what llama.cpp's server tells of a model, the answer to `GET /v1/models`; without a name of the first.

        Neither layers nor tensors are told, so no estimate can be made from it. NotFoundError without such a model.
        """
        return cls._wrap(_native.Gguf.load_models(json_text(answer), model, make(options)))

    # --- The file ---

    @property
    def source(self) -> GgufSource:
        """Where it was read from."""
        return GgufSource(self._handle.source())

    @property
    def certain(self) -> bool:
        """Whether it was read from the model itself; what a server tells of one lacks facts."""
        return self._handle.is_certain()

    @property
    def version(self) -> int | None:
        """Version of the format, 2 or 3; None where there is no file."""
        return self._handle.version() or None

    @property
    def big_endian(self) -> bool:
        """Whether its numbers are stored with the most significant byte first."""
        return self._handle.is_big_endian()

    @property
    def data_offset(self) -> int:
        """Offset of the tensor data in the (first) file, in bytes."""
        return self._handle.data_offset()

    @property
    def alignment(self) -> int:
        """Bytes that tensors are aligned to in the file."""
        return self._handle.alignment()

    @property
    def tensor_bytes(self) -> int:
        """Bytes of all tensors together, without padding."""
        return self._handle.tensor_total_bytes()

    @property
    def file_bytes(self) -> int | None:
        """Bytes of the file, all parts together, as far as it is there; None where unknown."""
        return known(self._handle.file_bytes())

    @property
    def complete(self) -> bool:
        """Whether the file is known to hold all tensor data."""
        return self._handle.is_complete()

    @property
    def parts(self) -> int:
        """Number of files that the model consists of."""
        return self._handle.part_count()

    # --- The model ---

    @property
    def architecture(self) -> str | None:
        """The architecture, such as "llama"."""
        return self._handle.architecture()

    @property
    def name(self) -> str | None:
        """The name that it gives itself."""
        return self._handle.name()

    @property
    def file_type(self) -> int | None:
        """llama.cpp's number for the mix of tensor types."""
        return known(self._handle.file_type())

    @property
    def file_type_name(self) -> str | None:
        """The name of that, such as "Q4_K_M"; None for an unknown number."""
        return _native.gguf_file_type_name(self._handle.file_type())

    @property
    def layers(self) -> int | None:
        """Number of layers."""
        return known(self._handle.layer_count())

    @property
    def trained_context(self) -> int | None:
        """Context that it was trained with, in tokens."""
        return known(self._handle.trained_context())

    @property
    def embedding_length(self) -> int | None:
        """Width of the embedding."""
        return known(self._handle.embedding_length())

    @property
    def vocabulary_size(self) -> int | None:
        """Tokens of the vocabulary."""
        return known(self._handle.vocabulary_size())

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors of all parts, in the order of the files."""
        if self._tensors is None:
            self._tensors = tuple(self._tensor(i) for i in range(self._handle.tensor_count()))
        return self._tensors

    def _tensor(self, i: int) -> Tensor:
        native = self._handle
        shape = [native.tensor_elements(i, dimension) for dimension in range(4)]
        while len(shape) > 1 and shape[-1] == 1:
            shape.pop()
        return Tensor(native.tensor_name(i) or "", native.tensor_type_name(i) or "", tuple(shape), native.tensor_bytes(i),
                      native.tensor_offset(i), native.tensor_part(i))

    # --- The keys ---

    def __getitem__(self, key: str) -> Value:
        return self._value(self._find(key))

    def __iter__(self) -> Iterator[str]:
        return (self._handle.key_name(i) or "" for i in range(len(self)))

    def __len__(self) -> int:
        return self._handle.key_count()

    def length(self, key: str) -> int:
        """Number of items of an array, kept or not; 1 for what is no array."""
        return self._handle.key_length(self._find(key))

    def _find(self, key: str) -> int:
        found = self._handle.key_find(key) if isinstance(key, str) else -1
        if found < 0:
            raise KeyError(key)
        return found

    def _value(self, i: int) -> Value:
        native = self._handle
        if not native.key_is_array(i):
            return native.key_text(i) if native.key_type(i) == _TEXT else self._number(i, 0)
        count = native.key_length(i)
        if count and self._number(i, 0) is None:
            return None
        return tuple(number for number in (self._number(i, item) for item in range(count)) if number is not None)

    def _number(self, i: int, item: int) -> bool | int | float | None:
        native, kind = self._handle, self._handle.key_type(i)
        if kind in _FLOATS:
            real = native.key_double(i, item, 0.0)
            return real if real == native.key_double(i, item, 1.0) else None
        whole = native.key_int(i, item, 0)
        if whole != native.key_int(i, item, 1):
            return None
        return bool(whole) if kind == _BOOL else whole

    # --- What it needs ---

    @documented("vram.")
    def estimate(self, **options: Unpack[Options]) -> Estimate:
        """What the model, or an image projector, needs of each device.

        Raises UnsupportedError where llama.cpp refuses such settings, ArgumentError without tensors.
        """
        return Estimate._wrap(_native.Estimate(self._handle, make(options)))

    @documented("vram.")
    def fit(self, **options: Unpack[Options]) -> Estimate:
        """The same with the largest number of layers for which each device stays within its free memory (vram_free_mib).

        Raises NotFoundError where even without layers on devices their memory is too small.
        """
        return Estimate._wrap(_native.Estimate.fit_layers(self._handle, make(options)))

    def to_json(self) -> str:
        """The facts as JSON (schema/gguf.schema.json)."""
        return self._handle.json()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        found: dict[str, Any] = json.loads(self.to_json())
        return found

    # Not those of a mapping: two models may have the same keys.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __repr__(self) -> str:
        facts = " ".join(filter(None, (self.architecture, repr(self.name) if self.name else None, self.file_type_name)))
        layers = "" if self.layers is None else f"{self.layers} layers, "
        return f"<Gguf {facts}: {layers}{gib(self.tensor_bytes)}>"


@dataclass(frozen=True)
class EstimateDevice(Plain):
    """What a model takes of one device, in bytes.

    name is llama.cpp's: CUDA0, ROCm0, RPC0[HOST:PORT], HOST. overhead is what the process takes beside its buffers, with
    correction_bytes of it by Estimate.calibrate().
    """

    name: str
    weights_bytes: int
    context_bytes: int
    compute_bytes: int
    overhead_bytes: int
    correction_bytes: int
    total_bytes: int


class Estimate:
    """What a model needs of each device and, last, of the host. Immutable; any thread may read it.

    Iterating gives the devices; `estimate["CUDA0"]` is one of them. str() is a table for people.
    """

    __slots__ = ("__weakref__", "_handle")
    _handle: _native.Estimate

    def __init__(self) -> None:
        raise TypeError("an estimate comes from Gguf.estimate or Gguf.fit")

    @classmethod
    def _wrap(cls, handle: _native.Estimate) -> Estimate:
        self = object.__new__(cls)
        self._handle = handle
        return self

    @property
    def confidence(self) -> Confidence:
        """Whether it is exact or an upper bound."""
        return Confidence(self._handle.confidence())

    @property
    def gpu_layers(self) -> int:
        """Number of layers on devices, the output layer included."""
        return self._handle.gpu_layers()

    @property
    def context_tokens(self) -> int:
        """Context of all slots together as the runtime rounds it."""
        return self._handle.context_tokens()

    @property
    def slot_tokens(self) -> int:
        """Context of one slot."""
        return self._handle.slot_tokens()

    @property
    def flash_attention(self) -> bool:
        """Whether flash attention is used."""
        return self._handle.flash_attention()

    @property
    def output_buffer_bytes(self) -> int:
        """Buffer for logits and embeddings in host memory, which is not part of the host's compute buffer."""
        return self._handle.output_buffer_bytes()

    @property
    def devices(self) -> tuple[EstimateDevice, ...]:
        """The devices, and last the host."""
        native = self._handle
        return tuple(
            EstimateDevice(native.device_name(i) or "", native.weights_bytes(i), native.context_bytes(i),
                           native.compute_bytes(i), native.overhead_bytes(i), native.correction_bytes(i), native.total_bytes(i))
            for i in range(native.device_count()))

    def calibrate(self, device: str, observed_bytes: int) -> Estimate:
        """A copy whose overhead of a device is corrected by what the process was seen to take of it, such as a reading of
        nvidia-smi."""
        return self._wrap(_native.Estimate.calibrate(self._handle, self._find(device), observed_bytes))

    def _find(self, name: str) -> int:
        for i in range(len(self)):
            if self._handle.device_name(i) == name:
                return i
        raise KeyError(name)

    def __len__(self) -> int:
        return self._handle.device_count()

    def __iter__(self) -> Iterator[EstimateDevice]:
        return iter(self.devices)

    def __getitem__(self, name: str) -> EstimateDevice:
        return self.devices[self._find(name)]

    def to_json(self) -> str:
        """The estimate as JSON."""
        return self._handle.json()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        found: dict[str, Any] = json.loads(self.to_json())
        return found

    def __eq__(self, other: object) -> bool:
        return self.to_json() == other.to_json() if isinstance(other, Estimate) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        devices = ", ".join(f"{one.name} {gib(one.total_bytes)}" for one in self)
        return f"<Estimate {self.confidence.name}: {self.gpu_layers} layers on devices, {devices}>"

    def __str__(self) -> str:
        width = max(len(one.name) for one in self)
        lines = [f"{one.name:<{width}}  weights {gib(one.weights_bytes)}, context {gib(one.context_bytes)}, "
                 f"compute {gib(one.compute_bytes)}, overhead {gib(one.overhead_bytes)}: {gib(one.total_bytes)}" for one in self]
        return "\n".join([*lines, f"{self.confidence.name}: {self.gpu_layers} layers on devices, {self.context_tokens} tokens"])

"""What a router decides."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from homelab import _native
from homelab._classify import TASKS
from homelab._data import Plain, json_text, known
from homelab._tables import Backend, Dialect, Need, Reject, RequestKind, Task, Term


@dataclass(frozen=True)
class Candidate(Plain):
    """A model on an endpoint that may answer a request.

    model is its name there; url is where the request goes, base_url what clients of the dialect want. key_reference names the
    API key and is never the key. weight is its share among the candidates; score the sum of its terms in points. load_s are
    the seconds until the model is loaded; loaded is None where unknown; sticky says that affinity put it first, trial that it
    failed of late. The times are how long to wait for what.
    """

    endpoint: str
    model: str
    url: str
    base_url: str
    dialect: Dialect
    backend: Backend
    tier: str
    node: str | None
    key_reference: str | None
    weight: float
    score: float
    terms: dict[Term, float] = field(hash=False)
    load_s: float
    loaded: bool | None
    sticky: bool
    trial: bool
    connect_ms: int
    first_byte_ms: int
    stall_ms: int
    total_ms: int

    def __str__(self) -> str:
        return f"{self.model} on {self.endpoint}"


@dataclass(frozen=True)
class Rejected(Plain):
    """A model on an endpoint that was not considered, and why."""

    endpoint: str
    model: str
    why: Reject


class Decision:
    """Which models on which endpoints answer a request, best first, and why. Does not change; no prompt stands in it.

    Iterating gives the candidates; `decision[0]` is the best. str() is a table for people.
    """

    __slots__ = ("__weakref__", "_candidates", "_handle")
    _candidates: tuple[Candidate, ...] | None
    _handle: _native.Decision

    def __init__(self) -> None:
        raise TypeError("a decision comes from Router.decide")

    @classmethod
    def _wrap(cls, handle: _native.Decision) -> Decision:
        self = object.__new__(cls)
        self._handle = handle
        self._candidates = None
        return self

    @property
    def task(self) -> Task:
        """The task that the request was taken for."""
        return Task(self._handle.task())

    @property
    def task_source(self) -> str:
        """What fixed it: "request", "rule", "callback", "classifier" or "default"."""
        return self._handle.task_source() or ""

    @property
    def mixed(self) -> bool:
        """Whether the classifier was not sure, so that all tasks count by their probability."""
        return self._handle.mixed()

    @property
    def probabilities(self) -> dict[Task, float]:
        """Probabilities of the tasks."""
        return {task: self._handle.probability(task) for task in TASKS}

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer need, as estimated."""
        return self._handle.context()

    @property
    def generation(self) -> int:
        """Generation of the snapshot that it goes by; 0 without one."""
        return self._handle.generation()

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates, best first."""
        if self._candidates is None:
            self._candidates = tuple(self._candidate(i) for i in range(len(self)))
        return self._candidates

    def _candidate(self, i: int) -> Candidate:
        native = self._handle
        loaded = native.loaded(i)
        return Candidate(
            native.endpoint(i) or "", native.model(i) or "", native.url(i) or "", native.base_url(i) or "",
            Dialect(native.dialect(i)), Backend(native.backend(i)), native.tier(i) or "", native.node(i), native.key_reference(i),
            native.weight(i), native.score(i), {term: native.term(i, term) for term in Term}, native.load_s(i),
            None if loaded < 0 else bool(loaded), native.sticky(i), native.trial(i), native.connect_ms(i),
            native.first_byte_ms(i), native.stall_ms(i), native.total_ms(i))

    @property
    def eligible(self) -> int:
        """How many passed all filters, candidates and others."""
        return self._handle.eligible()

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """What did not pass a filter."""
        native = self._handle
        return tuple(Rejected(native.rejected_endpoint(i) or "", native.rejected_model(i) or "", Reject(native.rejected_why(i)))
                     for i in range(native.rejected_count()))

    @property
    def retry_ms(self) -> int | None:
        """Milliseconds after which what only its failures exclude may be tried again."""
        return known(self._handle.retry_ms())

    def rewrite(self, body: str | bytes | Mapping[str, Any], candidate: int = 0) -> str:
        """The body of the request as a candidate wants it: with its name of the model in it, and nothing else changed."""
        return self._handle.rewrite(candidate, json_text(body))

    def to_json(self) -> str:
        """The decision with reasons as JSON (schema/decision.schema.json)."""
        return self._handle.json()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        found: dict[str, Any] = json.loads(self.to_json())
        return found

    def __len__(self) -> int:
        return self._handle.count()

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def __getitem__(self, i: int) -> Candidate:
        return self.candidates[i]

    def __repr__(self) -> str:
        best = f"{self[0]} first of {len(self)}" if len(self) else "nobody"
        return f"<Decision {self.task.name}: {best}>"

    def __str__(self) -> str:
        lines = [f"{self.task.name.lower()} ({self.task_source})"]
        lines += [f"{100 * one.weight:3.0f} %  {one}, {one.score:.1f} points" for one in self]
        lines += [f"   -   {one.model} on {one.endpoint}: {one.why.name.lower()}" for one in self.rejected]
        return "\n".join(lines)


class Asked(TypedDict, total=False):
    """What is said of a request beside its text, as keywords; see Router."""

    kind: RequestKind
    task: Task
    tag: str
    key: str
    endpoint: str
    model: str
    exclude: str | Iterable[str]
    needs: Need
    context_tokens: int
    answer_tokens: int


def request(text: str | bytes | Mapping[str, Any], *, kind: RequestKind | None = None, task: Task = Task.NONE,
            tag: str | None = None, key: str | None = None, endpoint: str | None = None, model: str | None = None,
            exclude: str | Iterable[str] = (), needs: Need = Need(0), context_tokens: int = 0,
            answer_tokens: int = 0) -> tuple[_native.Request, str | bytes]:
    """The request of the library, and its text."""
    if kind is None:
        kind = RequestKind.OPENAI_CHAT if isinstance(text, Mapping) else RequestKind.TEXT
    native = _native.Request()
    native.set_kind(kind)
    native.set_task(task)
    native.set_tag(tag)
    native.set_affinity(key)
    native.set_pin(endpoint, model)
    for one in [exclude] if isinstance(exclude, str) else exclude:
        native.exclude(one)
    native.require(needs)
    native.set_tokens(context_tokens, answer_tokens)
    return native, json_text(text)

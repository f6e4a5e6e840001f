"""Events."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from typing import Any

from homelab import _native
from homelab._tables import Cause, EventType, Verdict

_VERDICTS = (EventType.ENDPOINT, EventType.TIER, EventType.PROGNOSIS)


def time_of(microseconds: int) -> datetime.datetime:
    """Wall-clock microseconds as an aware datetime in UTC."""
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(microseconds=microseconds)


@dataclass(frozen=True)
class Event:
    """Something that happened.

    type        an EventType: ENDPOINT, TIER, PROGNOSIS, CAPABILITY, INVENTORY, OVERFLOW, OP_DONE
    subject     an endpoint's id, a tier's or capability's name; "" where nothing is named
    before      a Verdict; for a capability True when it was served; else a number
    after       the same; how many events were lost for OVERFLOW, the result for OP_DONE
    cause       a Cause
    text        one line that a person understands
    generation  generation of the first snapshot that shows it; 0 where none does
    time_us     when it happened, wall-clock microseconds; `time` is a datetime of it
    """

    type: EventType
    subject: str
    before: Verdict | bool | int
    after: Verdict | bool | int
    cause: Cause
    text: str
    generation: int
    time_us: int
    _json: str = field(repr=False, compare=False, default="")

    @property
    def time(self) -> datetime.datetime:
        """When it happened, in UTC."""
        return time_of(self.time_us)

    def to_json(self) -> str:
        """The event as JSON (schema/event.schema.json)."""
        return self._json

    def to_dict(self) -> dict[str, Any]:
        """The event as plain data, in the shape of its JSON."""
        found: dict[str, Any] = json.loads(self._json)
        return found

    def __str__(self) -> str:
        return f"{self.type.name.lower()} {self.subject}: {self.text}" if self.subject else f"{self.type.name.lower()}: {self.text}"


def from_native(event: _native.Event) -> Event:
    """The data of an event of the library."""
    kind = EventType(event.type())
    before: int = event.before()
    after: int = event.after()
    if kind in _VERDICTS:
        before, after = Verdict(before), Verdict(after)
    elif kind == EventType.CAPABILITY:
        before, after = bool(before), bool(after)
    return Event(kind, event.subject(), before, after, Cause(event.cause()), event.text(), event.generation(),
                 event.time_us(), event.json())


def overflow(lost: int, time_us: int) -> Event:
    """What stands for events that this package had to drop."""
    text = json.dumps({"schema": 1, "type": "overflow", "time_us": time_us, "generation": 0, "subject": "", "before": 0,
                       "after": lost, "cause": 0, "text": ""}, separators=(",", ":"))
    return Event(EventType.OVERFLOW, "", 0, lost, Cause.NONE, "", 0, time_us, text)

"""The prober: looks at the endpoints of an inventory, once or for as long as it runs."""

from __future__ import annotations

import contextlib
import datetime
from typing import TYPE_CHECKING

from homelab import _native
from homelab._context import Context, EventStream, Log, Op, SecretProvider
from homelab._errors import HomelabError, from_record
from homelab._inventory import Inventory, InventoryLike, inventory_of
from homelab._options import documented, make
from homelab._snapshot import Snapshot
from homelab._tables import ErrorCode, LogLevel, Outcome

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from homelab._tables import Options

def _microseconds(time: datetime.datetime | float) -> int:
    seconds = time.timestamp() if isinstance(time, datetime.datetime) else time
    return round(seconds * 1_000_000)


class Prober:
    """Probes the endpoints of an inventory: once with check_now() or check(), or all the time after start().

        with Prober("cluster.json") as prober:
            print(prober.check_now())

        async with Prober("cluster.json") as prober:
            prober.start()
            async for event in prober.events():
                print(event)

    inventory   an Inventory, the path of a file, or plain data in the shape of the file
    context     the Context to work in; without one it makes its own, which it closes with itself, with the options and log and
                secrets as for a Context

    A probe never loads, evicts, wakes or aborts a model.
    """

    __slots__ = ("__weakref__", "_context", "_handle", "_inventory", "_own")

    def __init__(self, inventory: InventoryLike, *, context: Context | None = None, log: Log | None = None,
                 log_level: int = LogLevel.INFO, secrets: SecretProvider | None = None, **options: Unpack[Options]) -> None:
        if context is not None and (log is not None or secrets is not None):
            raise TypeError("log and secrets belong to the context that was given")
        self._inventory = inventory_of(inventory)
        opts = make(options)
        self._own = context is None
        self._context = Context(log=log, log_level=log_level, secrets=secrets, **options) if context is None else context
        self._handle = _native.Prober(self._context._handle, self._inventory._handle, opts)

    @property
    def context(self) -> Context:
        """The context that it works in."""
        return self._context

    @property
    def inventory(self) -> Inventory:
        """The inventory that it probes."""
        return self._inventory

    def check(self) -> Op:
        """Starts one sweep over all endpoints; `await` it, or op.wait(), for the Snapshot after it."""
        return Op(self._context, self._handle.check(), self.snapshot)

    def check_now(self, timeout: float = 60.0) -> Snapshot:
        """Sweeps once and returns the Snapshot; the package's TimeoutError after so many seconds, and the sweep is cancelled.

        Not for asyncio: `await prober.check()` there.
        """
        op = self.check()
        try:
            done = op._drive(timeout)
        except BaseException:
            with contextlib.suppress(HomelabError):
                op.cancel()
            raise
        if not done:
            op.cancel()
            raise from_record(ErrorCode.TIMEOUT, 0, "sweep", f"sweep: not complete after {timeout} s")
        snapshot: Snapshot = op.result()
        return snapshot

    def start(self) -> None:
        """Starts monitoring: probes at the intervals of the inventory, and an event on every change."""
        self._handle.start()

    def stop(self) -> None:
        """Stops monitoring; state and history stay."""
        self._handle.stop()

    def snapshot(self) -> Snapshot:
        """The present state. Works after close()."""
        return Snapshot._wrap(self._handle.snapshot())

    def events(self, timeout: float | None = None) -> EventStream:
        """The events of its context, for `for` and `async for`; see Context.events()."""
        return self._context.events(timeout)

    def set_inventory(self, inventory: InventoryLike) -> None:
        """Takes a changed inventory; endpoints with the same id and URL keep history and state."""
        changed = inventory_of(inventory)
        self._handle.set_inventory(changed._handle)
        self._inventory = changed

    def observe(self, endpoint: str, outcome: Outcome, elapsed: float = 0.0) -> None:
        """Reports what a request of your own to an endpoint met; elapsed is in seconds."""
        self._handle.observe(endpoint, outcome, round(elapsed * 1_000_000))

    def add_maintenance(self, subject: str, start: datetime.datetime | float, end: datetime.datetime | float) -> None:
        """Plans maintenance of an endpoint, node or tier: failures in the window queue no events and count in no history.

        Times are datetimes, or seconds since 1970-01-01 UTC.
        """
        self._handle.add_maintenance(subject, _microseconds(start), _microseconds(end))

    def close(self) -> None:
        """Stops all probing, and closes the context if it is its own. Snapshots may still be taken."""
        with contextlib.suppress(HomelabError):
            self._handle.close()
        if self._own:
            self._context.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Prober of {len(self._inventory)} endpoints, {self._context!r}>"


documented("health.", "probe.")(Prober)


def check(inventory: InventoryLike, timeout: float = 60.0, **options: Unpack[Options]) -> Snapshot:
    """Looks at a cluster once and returns its Snapshot: the shortest way to know.

        >>> print(homelab.check("cluster.json"))
    """
    with Prober(inventory, **options) as prober:
        return prober.check_now(timeout)

"""What a home AI cluster can do right now: the Python package of libhomelab.

    import homelab

    print(homelab.check("cluster.json"))          # look once, and a table of what was found

    with homelab.Prober("cluster.json") as prober:  # the same in steps
        snapshot = prober.check_now()
        for endpoint in snapshot:
            print(endpoint.id, endpoint.verdict.name, endpoint.text)

    async def watch():                            # asyncio: one descriptor in the loop, no thread
        async with homelab.Prober("cluster.json") as prober:
            snapshot = await prober.check()
            prober.start()
            async for event in prober.events():
                print(event)

Where things are:

    Inventory       what the cluster consists of; load(), parse(), from_dict(), Builder
    Prober          probes it: check_now(), check(), start(), events(), snapshot()
    Snapshot        the state at one time: tiers, endpoints with models and evidence, capabilities; to_dict(), to_json()
    Event           what changed
    Context         the event loop of the library; log and secrets are handed to it; a Prober makes its own
    Op              work that was started: await it, or wait()
    HomelabError    the base of all exceptions: code, sub_code, subject, message, retryable
    options()       every option; all of them are keywords of Context and Prober, with underscores for the dots

Durations that are arguments are seconds; fields that end in _us and _ms say what they are. Enumerations (Verdict, Cause,
Backend, EventType, Outcome, LogLevel) are integers with the numbers of the C headers.

Threads: snapshots, inventories and events may be read by any thread. A Context and what belongs to it are for one thread at a
time, but for wakeup() and SecretRequest. After a fork, use none of them in the child: calls raise ForkedError, and closing is
quiet. At exit the package closes what is still open.
"""

from homelab import _native
from homelab._context import LATER, Context, EventStream, Op, SecretRequest
from homelab._errors import (AlreadyExistsError, ArgumentError, ClosedError, FileDeniedError, FileMissingError, ForkedError,
                             HomelabError, InputError, InventoryError, LimitError, NetworkError, NetworkTimeoutError,
                             NotFoundError, OperationCancelledError, OptionValueError, OutOfMemoryError, ParseError,
                             SecretError, StateError, SystemCallError, TimeoutError, UnknownOptionError, UnsupportedError)
from homelab._event import Event
from homelab._inventory import Builder, Container, DeclaredEndpoint, Gpu, Inventory, Node, Problem
from homelab._options import Option, options
from homelab._prober import Prober, check
from homelab._snapshot import Capability, Endpoint, Evidence, Model, Snapshot, Tier
from homelab._tables import Backend, Cause, ErrorCode, EventType, Format, LogLevel, Outcome, SecretKind, Verdict

__version__: str = _native.version()

__all__ = [
    "LATER", "AlreadyExistsError", "ArgumentError", "Backend", "Builder", "Capability", "Cause", "ClosedError", "Container",
    "Context", "DeclaredEndpoint", "Endpoint", "ErrorCode", "Event", "EventStream", "EventType", "Evidence",
    "FileDeniedError", "FileMissingError", "ForkedError", "Format", "Gpu", "HomelabError", "InputError", "Inventory",
    "InventoryError", "LimitError", "LogLevel", "Model", "NetworkError", "NetworkTimeoutError", "Node", "NotFoundError", "Op",
    "OperationCancelledError", "Option", "OptionValueError", "OutOfMemoryError", "Outcome", "ParseError", "Prober", "Problem",
    "SecretError", "SecretKind", "SecretRequest", "Snapshot", "StateError", "SystemCallError", "Tier", "TimeoutError",
    "UnknownOptionError", "UnsupportedError", "Verdict", "check", "options",
]

for _name in __all__:
    if hasattr(globals()[_name], "__module__") and isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name

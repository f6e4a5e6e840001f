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

    plan = homelab.Planner("cluster.json").plan()  # which models go on which GPU, and why

    router = homelab.Router(inventory, snapshot)  # who answers a request
    for piece in router.send(context, "Why is the sky blue?"):
        print(piece, end="")

Where things are:

    Inventory       what the cluster consists of; load(), parse(), from_dict(), Builder
    Prober          probes it: check_now(), check(), start(), events(), snapshot()
    Snapshot        the state at one time: tiers, endpoints with models and evidence, capabilities; to_dict(), to_json()
    Event           what changed
    Context         the event loop of the library; log and secrets are handed to it; a Prober makes its own
    Op              work that was started: await it, or wait()
    Gguf            what a model file says: load(), parse(), load_url(), fetch(); a mapping of its keys
    Estimate        what a model needs of each device, from Gguf.estimate() and Gguf.fit()
    Planner, Plan   which models go where: plan(); to_json(), to_svg(), diff()
    classify()      what kind of work a request is, a Classification
    Router          who answers a request: decide() gives a Decision, send() an Answer, which gives pieces and then a Reply;
                    begin() counts requests of your own with a Ticket
    HomelabError    the base of all exceptions: code, sub_code, subject, message, retryable
    options()       every option; they are keywords of what they are for, with underscores for the dots

Durations that are arguments are seconds; fields that end in _us, _ms and _bytes say what they are. Enumerations (Verdict,
Cause, Backend, EventType, Outcome, LogLevel, PlanStatus, Confidence, GgufSource, Task, Need, RequestKind, Dialect, Reject,
Term) are integers with the numbers of the C headers.

Threads: snapshots, inventories, events, models' headers, estimates, plans and decisions may be read by any thread, and any
thread may decide. A Context and what belongs to it, an Answer too, are for one thread at a time, but for wakeup() and
SecretRequest. After a fork, use none of them in the child: calls raise ForkedError, and closing is
quiet. At exit the package closes what is still open.
"""

from homelab import _native
from homelab._answer import Answer, Attempt, Reply
from homelab._classify import Classification, classify
from homelab._context import LATER, Context, EventStream, Op, SecretRequest
from homelab._decision import Candidate, Decision, Rejected
from homelab._errors import (AlreadyExistsError, AnswerCutError, ArgumentError, ClosedError, FileDeniedError, FileMissingError,
                             ForkedError, FormatError, HomelabError, InputError, InventoryError, LimitError, NetworkError,
                             NetworkTimeoutError, NoRouteError, NotFoundError, OperationCancelledError, OptionValueError,
                             OutOfMemoryError, ParseError, RequestRejectedError, RouteError, RouteFailedError, SecretError,
                             StateError, SystemCallError, TimeoutError, UnknownOptionError, UnsupportedError)
from homelab._event import Event
from homelab._gguf import Estimate, EstimateDevice, Gguf, Tensor
from homelab._inventory import Builder, Container, DeclaredEndpoint, Gpu, Inventory, Node, Problem
from homelab._options import Option, options
from homelab._plan import Plan, PlanDevice, PlanModel, Planner, PlanPart
from homelab._prober import Prober, check
from homelab._router import Router, Ticket
from homelab._snapshot import Capability, Endpoint, Evidence, Model, Snapshot, Tier
from homelab._tables import (Backend, Cause, Confidence, Dialect, ErrorCode, EventType, Format, GgufSource, LogLevel, Need,
                             Outcome, PlanStatus, Reject, RequestKind, SecretKind, Task, Term, Verdict)

__version__: str = _native.version()

__all__ = [
    "LATER", "AlreadyExistsError", "Answer", "AnswerCutError", "ArgumentError", "Attempt", "Backend", "Builder",
    "Candidate", "Capability", "Cause", "Classification", "ClosedError", "Confidence", "Container", "Context", "Decision",
    "DeclaredEndpoint", "Dialect", "Endpoint", "ErrorCode", "Estimate", "EstimateDevice", "Event", "EventStream",
    "EventType", "Evidence", "FileDeniedError", "FileMissingError", "ForkedError", "Format", "FormatError", "Gguf",
    "GgufSource", "Gpu", "HomelabError", "InputError", "Inventory", "InventoryError", "LimitError", "LogLevel", "Model",
    "Need", "NetworkError", "NetworkTimeoutError", "NoRouteError", "Node", "NotFoundError", "Op", "OperationCancelledError",
    "Option", "OptionValueError", "OutOfMemoryError", "Outcome", "ParseError", "Plan", "PlanDevice", "PlanModel",
    "PlanPart", "PlanStatus", "Planner", "Prober", "Problem", "Reject", "Rejected", "Reply", "RequestKind",
    "RequestRejectedError", "RouteError", "RouteFailedError", "Router", "SecretError", "SecretKind", "SecretRequest",
    "Snapshot", "StateError", "SystemCallError", "Task", "Tensor", "Term", "Ticket", "Tier", "TimeoutError",
    "UnknownOptionError", "UnsupportedError", "Verdict", "check", "classify", "options",
]

for _name in __all__:
    if hasattr(globals()[_name], "__module__") and isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name

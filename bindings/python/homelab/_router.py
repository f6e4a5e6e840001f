"""The router: which model on which endpoint answers a request, what next if that fails, and why."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import socket
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

from homelab import _native
from homelab._answer import Answer, texts
from homelab._context import Context
from homelab._decision import Candidate, Decision, request
from homelab._errors import HomelabError, NoRouteError
from homelab._inventory import Inventory, InventoryLike, inventory_of
from homelab._options import documented, make
from homelab._tables import Outcome, RequestKind, Task

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from homelab._decision import Asked
    from homelab._prober import Prober
    from homelab._snapshot import Snapshot
    from homelab._tables import Options

#: A function of the prompt, or body, and its kind that tells the task; None leaves it to the built-in classifier.
Classifier = Callable[[str, RequestKind], "Task | None"]


#: Longest chain of exceptions that is followed.
_CAUSES_MAX = 16


def _outcome(error: BaseException | None, before: BaseException | None = None) -> Outcome:
    """What an exception says of the server, or what made it: clients wrap those of the socket. before was there already."""
    if error is None:
        return Outcome.OK
    for _ in range(_CAUSES_MAX):
        if error is None or error is before:
            break
        outcome = _told(error)
        if outcome != Outcome.CANCELLED:
            return outcome
        reason = getattr(error, "reason", None)  # of urllib and urllib3
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
    return Outcome.CANCELLED


def _told(error: BaseException) -> Outcome:
    """What one exception says; of those that say nothing the caller is the cause."""
    if isinstance(error, (builtins.TimeoutError, asyncio.TimeoutError)):
        return Outcome.TIMEOUT
    if isinstance(error, (ConnectionRefusedError, socket.gaierror)):
        return Outcome.UNREACHABLE
    return Outcome.SERVER_ERROR if isinstance(error, ConnectionError) else Outcome.CANCELLED


def _microseconds(seconds: float | None) -> int:
    return -1 if seconds is None else round(seconds * 1_000_000)


class Ticket:
    """A request of your own to a candidate, from Router.begin(): counted until it is finished.

        with router.begin(decision) as ticket:
            answer = your_client.post(ticket.candidate.url, ...)
            ticket.tokens = answer.tokens

    The end of `with` finishes it by the exception that was raised, or what that was made of: a time-out, a refused or a broken
    connection; any other says nothing about the server. One that is dropped unfinished counts no longer, with a ResourceWarning.
    """

    __slots__ = ("__weakref__", "_before", "_candidate", "_first_byte", "_number", "_router", "_start", "tokens")

    def __init__(self, router: Router, number: int, candidate: Candidate) -> None:
        self._router = router
        self._number = number
        self._candidate = candidate
        self._start = time.monotonic()
        self._first_byte: float | None = None
        self._before: BaseException | None = None
        self.tokens: int | None = None

    @property
    def candidate(self) -> Candidate:
        """Whom it goes to."""
        return self._candidate

    @property
    def finished(self) -> bool:
        """Whether it was finished."""
        return self._number == 0

    def first_byte(self) -> None:
        """Notes that the answer begins now."""
        if self._first_byte is None:
            self._first_byte = time.monotonic() - self._start

    def finish(self, outcome: Outcome = Outcome.OK, *, retry_after: float | None = None) -> None:
        """Tells what came of it; only the first time counts. retry_after are the seconds that a busy server asked for."""
        number, self._number = self._number, 0
        if number:
            self._router._handle.finish(number, outcome, _microseconds(self._first_byte), _microseconds(time.monotonic() - self._start),
                                        -1 if self.tokens is None else self.tokens,
                                        -1 if retry_after is None else round(retry_after * 1000))

    def __enter__(self) -> Self:
        self._before = sys.exc_info()[1]  # what is raised inside has it as its context
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        before, self._before = self._before, None
        self.finish(_outcome(error, before))

    def __del__(self) -> None:
        if not self.finished:
            message = f"{self!r} was not finished"
            self.finish(Outcome.CANCELLED)
            warnings.warn(message, ResourceWarning, source=self)

    def __repr__(self) -> str:
        return f"<Ticket {self._candidate}{', finished' if self.finished else ''}>"


class Router:
    """Chooses who answers a request, and sends it there. Any thread may decide; sending is for the context's thread.

        with homelab.Prober("cluster.yaml") as prober:
            router = homelab.Router(prober.inventory, prober.check_now())
            print(router.decide("Write a function that reverses a list"))
            for piece in router.send(prober.context, "Why is the sky blue?"):
                print(piece, end="", flush=True)

    inventory   an Inventory, the path of a file, or plain data in the shape of the file: what there is, what to prefer
    snapshot    how it is; without one nothing was looked at yet. update() brings a newer one
    classifier  a function that tells tasks in place of the built-in classifier; see set_classifier()

    A request is a prompt, or the body of a request to a server as plain data or text. What else decide() and send() take:

    kind            a RequestKind: what the text is. Without it a text is a prompt, plain data the body of OpenAI's chat
    task            a Task, which then nothing else decides
    tag             who asks, for rules of the inventory
    key             requests with the same key go to the same model while it is healthy: the id of a conversation
    endpoint        only this endpoint
    model           only this model
    exclude         endpoints that are not to be asked, or one
    needs           a Need, or several, that the text does not show
    context_tokens  of prompt and answer, where you know better than an estimate
    answer_tokens   that are expected

    Of the options, router_buffer_bytes, router_max_answer_bytes and router_max_request_bytes count in the Context that sends.
    """

    __slots__ = ("__weakref__", "_classifier", "_failed", "_handle", "_inventory")

    def __init__(self, inventory: InventoryLike, snapshot: Snapshot | None = None, *, classifier: Classifier | None = None,
                 **options: Unpack[Options]) -> None:
        self._inventory = inventory_of(inventory)
        self._handle = _native.Router(self._inventory._handle, snapshot._handle if snapshot is not None else None, make(options))
        self._classifier: Classifier | None = None
        self._failed: dict[int, BaseException] = {}
        if classifier is not None:
            self.set_classifier(classifier)

    @property
    def inventory(self) -> Inventory:
        """The inventory that it goes by."""
        return self._inventory

    @property
    def expert_count(self) -> int:
        """Number of experts: models on endpoints."""
        return self._handle.expert_count()

    def update(self, snapshot: Snapshot | None = None, inventory: InventoryLike | None = None) -> None:
        """Takes a newer snapshot, a changed inventory, or both. Any thread, also while others decide."""
        changed = None if inventory is None else inventory_of(inventory)
        self._handle.update(None if changed is None else changed._handle, None if snapshot is None else snapshot._handle)
        if changed is not None:
            self._inventory = changed

    def set_classifier(self, classifier: Classifier | None) -> None:
        """Sets who tells the task of requests whose task nothing else fixed; None: the built-in classifier again.

        The function gets the prompt, or the body's text, and its RequestKind, and returns a Task, or None to leave it to the
        built-in classifier. It runs inside decide() and send(), on their thread; an exception is raised by them.
        """
        self._classifier = classifier
        if classifier is None:
            self._handle.set_classifier(None)
            return
        here = weakref.ref(self)  # or the callback would keep the router, which keeps the callback

        def tell(text: bytes, kind: int) -> int:
            router = here()
            return router._classify(text, kind) if router is not None else Task.NONE

        self._handle.set_classifier(tell)

    def _classify(self, text: bytes, kind: int) -> int:
        try:
            if self._classifier is not None:
                return Task(self._classifier(text.decode("utf-8", "replace"), RequestKind(kind)) or Task.NONE)
        except BaseException as error:  # noqa: BLE001
            self._failed[threading.get_ident()] = error
        return Task.NONE

    def _failure(self) -> BaseException | None:
        """What the classifier raised in this thread."""
        return self._failed.pop(threading.get_ident(), None)

    def decide(self, text: str | bytes | Mapping[str, Any], **asked: Unpack[Asked]) -> Decision:
        """Decides who answers a request; takes microseconds and sends nothing.

        Raises NoRouteError, whose `decision` tells more, when nobody passes the filters, and ParseError for a body that is no
        JSON object.
        """
        native, given = request(text, **asked)
        decision = _native.Decision(self._handle)
        try:
            self._handle.decide(native, given, decision, _native.DECIDE_EXPLAIN)
        except NoRouteError as error:
            error.decision = Decision._wrap(decision)
            raise
        finally:
            if failure := self._failure():
                raise failure
        return Decision._wrap(decision)

    def _why(self, native: _native.Request, given: str | bytes) -> Decision:
        """The decision that a request found nobody by."""
        decision = _native.Decision(self._handle)
        with contextlib.suppress(NoRouteError):
            self._handle.decide(native, given, decision, _native.DECIDE_EXPLAIN)
        self._failure()  # the classifier had no objection a moment ago
        return Decision._wrap(decision)

    # --- Sending ---

    @overload
    def send(self, context: Context, text: str | bytes | Mapping[str, Any], *, raw: Literal[False] = False,
             **asked: Unpack[Asked]) -> Answer[str]: ...

    @overload
    def send(self, context: Context, text: str | bytes | Mapping[str, Any], *, raw: Literal[True],
             **asked: Unpack[Asked]) -> Answer[bytes]: ...

    def send(self, context: Context, text: str | bytes | Mapping[str, Any], *, raw: bool = False,
             **asked: Unpack[Asked]) -> Answer[str] | Answer[bytes]:
        """Sends a request to the best candidate, and to the next one when that fails before it said anything.

        Of a prompt a streamed chat is made, or embeddings with `task=Task.EMBED`, in the candidate's dialect; a body goes as it
        is, but for its model. With raw the pieces are the bytes of the body as they come. API keys are asked for as those of
        probes are. Raises what decide() raises; the Answer fails with RouteFailedError, RequestRejectedError, AnswerCutError,
        TimeoutError or OperationCancelledError.
        """
        native, given = request(text, **asked)
        try:
            handle = self._handle.send(context._handle, native, given, _native.SEND_RAW if raw else 0)
        except HomelabError as error:
            if failure := self._failure():
                raise failure from None
            if isinstance(error, NoRouteError):
                error.decision = self._why(native, given)
            raise
        answer = Answer(context, handle, bytes) if raw else Answer(context, handle, texts())
        if failure := self._failure():
            answer.cancel()
            raise failure
        return answer

    # --- Feedback ---

    def begin(self, decision: Decision, candidate: int = 0) -> Ticket:
        """Counts a request of your own to a candidate, until the Ticket is finished. Any thread.

        StateError when another request has the candidate's trial: take the next one.
        """
        return Ticket(self, self._handle.begin(decision._handle, candidate), decision[candidate])

    def report(self, prober: Prober) -> None:
        """Tells a prober what finished requests met, which makes it look soon. On the prober's thread."""
        self._handle.report(prober._handle)

    def in_flight(self, endpoint: str) -> int | None:
        """Requests in flight at an endpoint that this router knows of; None for an unknown endpoint."""
        count = self._handle.in_flight(endpoint)
        return None if count < 0 else count

    def __repr__(self) -> str:
        return f"<Router of {self.expert_count} experts>"


documented("router.", "classify.")(Router)

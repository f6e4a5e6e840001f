"""The context: one event loop behind one descriptor."""

from __future__ import annotations

import asyncio
import atexit
import collections
import contextlib
import inspect
import json
import logging
import math
import select
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Union

from homelab import _native
from homelab._errors import ClosedError, ForkedError, HomelabError, StateError, from_record
from homelab._event import Event, from_native, overflow
from homelab._options import documented, make
from homelab._tables import ErrorCode, EventType, LogLevel, SecretKind

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from homelab._tables import Options

_LOGGING = {LogLevel.ERROR: logging.ERROR, LogLevel.WARN: logging.WARNING, LogLevel.INFO: logging.INFO,
            LogLevel.DEBUG: logging.DEBUG}


class Later:
    """The type of LATER."""

    def __repr__(self) -> str:
        return "LATER"


#: What a secret provider returns when it keeps the request and answers it later.
LATER: Final = Later()


class SecretRequest:
    """A request for one secret. May be answered from any thread; one that is dropped unanswered is refused."""

    __slots__ = ("__weakref__", "_answered", "_handle")

    def __init__(self, handle: _native.SecretRequest) -> None:
        self._handle = handle
        self._answered = False

    @property
    def kind(self) -> SecretKind:
        """What kind of secret is wanted."""
        return SecretKind(self._handle.kind())

    @property
    def reference(self) -> str:
        """The reference in the inventory, such as "env:OLLAMA_KEY"."""
        return self._handle.reference()

    @property
    def subject(self) -> str:
        """Who needs it: an endpoint's id, or a node."""
        return self._handle.subject()

    @property
    def attempt(self) -> int:
        """1 for the first time; more after the peer refused the secret."""
        return self._handle.attempt()

    def answer(self, secret: str) -> None:
        """Answers with the secret. StateError when it was answered before or nobody waits any more."""
        self._handle.answer(secret)
        self._answered = True

    def refuse(self, reason: str | None = None) -> None:
        """Answers that there is no such secret; the reason is one line without secrets."""
        self._handle.refuse(reason)
        self._answered = True

    def __repr__(self) -> str:
        return f"<SecretRequest {self.reference} for {self.subject}, attempt {self.attempt}>"


#: A method that gets the events of an operation while its object lives.
Taker = weakref.WeakMethod[Callable[[_native.Event], None]]


class Claim(NamedTuple):
    """An operation whose object tells of it, in place of events."""

    op: _native.Op
    take: Taker | None


Log = Union[Callable[[int, str, str], object], logging.Logger]
SecretProvider = Callable[[SecretRequest], Union[str, None, Later, Awaitable[Union[str, None]]]]


class Op:
    """Work that was started and completes exactly once.

    `await op` in asyncio, op.wait() elsewhere; both give what the work gives (a check: the Snapshot after it) or raise what
    it failed with. Dropping the object does not end the work; cancel() does.
    """

    __slots__ = ("__weakref__", "_claimed", "_context", "_give", "_handle")

    def __init__(self, context: Context, handle: _native.Op, give: Callable[[], Any]) -> None:
        self._context = context
        self._handle = handle
        self._give = give
        self._claimed = False

    @property
    def done(self) -> bool:
        """Whether it completed."""
        return self._handle.is_done()

    @property
    def error(self) -> HomelabError | None:
        """What it failed with; None while it runs and when it succeeded."""
        code = self._handle.result()
        return None if code in (ErrorCode.OK, ErrorCode.PENDING) else from_record(code, 0, "", self._handle.message())

    def cancel(self) -> None:
        """Asks it to end, which makes it fail with OperationCancelledError unless it was done already."""
        self._handle.cancel()

    def result(self) -> Any:
        """What the work gave. StateError while it runs; what it failed with is raised."""
        if not self.done:
            raise StateError(ErrorCode.PENDING, message="operation: still running")
        error = self.error
        if error:
            raise error
        return self._give()

    def wait(self, timeout: float | None = None) -> Any:
        """Dispatches until it is done and returns its result; the package's TimeoutError after so many seconds."""
        if not self._drive(timeout):
            raise from_record(ErrorCode.TIMEOUT, 0, "operation", f"operation: not complete after {timeout} s")
        return self.result()

    def __await__(self) -> Any:
        return self._complete().__await__()

    def _claim(self, take: Taker | None = None) -> None:
        """From now on the operation is told of by this object, not by events; `take` gets those on the way."""
        if not self._claimed:
            self._claimed = True
            self._context._claims.append(Claim(self._handle, take))

    def _drive(self, timeout: float | None) -> bool:
        self._claim()
        return self._context._drive(lambda: self.done, timeout)

    async def _complete(self) -> Any:
        self._claim()
        try:
            await self._context._until(lambda: self.done)
        except asyncio.CancelledError:
            with contextlib.suppress(HomelabError):
                self.cancel()
            raise
        return self.result()

    def __repr__(self) -> str:
        state = "running" if not self.done else repr(self.error) if self.error else "done"
        return f"<Op {state}>"


class EventStream:
    """The events of a context, for `for` and `async for`. Completions of operations are left out."""

    __slots__ = ("_context", "_timeout")

    def __init__(self, context: Context, timeout: float | None) -> None:
        self._context = context
        self._timeout = timeout

    def __iter__(self) -> Iterator[Event]:
        context = self._context
        while True:
            event = context._next(False)
            if event is None:
                if context.closed or not context._drive(lambda: bool(context._queue), self._timeout):
                    return
                continue
            yield event

    async def __aiter__(self) -> AsyncIterator[Event]:
        context = self._context
        while True:
            event = context._next(False)
            if event is None:
                if context.closed:
                    return
                try:
                    waiting = context._until(lambda: bool(context._queue) or context.closed)
                    await asyncio.wait_for(waiting, self._timeout)
                except asyncio.TimeoutError:
                    return
                continue
            yield event


class Context:
    """One event loop behind one descriptor, with what works on it.

    A Prober makes one of its own unless it is given one. Three ways to drive it, one at a time:

        asyncio     nothing to do: awaiting an Op or iterating over events with `async for` attaches the context to the
                    running loop, with add_reader on the descriptor, until it is closed
        blocking    wait(), events() with `for`, Op.wait(), Prober.check_now()
        your loop   wait until the descriptor is readable (a Context has fileno()), then dispatch(), then next_event() until
                    there is none

    start_thread() moves the work to a thread of the library; the ways to drive it stay the same. Callbacks (log, secrets) run
    in the thread that dispatches, never elsewhere.

    log         a logging.Logger, or a function of level, subsystem and message
    log_level   the least severe level wanted
    secrets     a function that is asked for each secret; see set_secret_provider()
    """

    __slots__ = ("__weakref__", "_cap", "_claims", "_handle", "_log", "_loop", "_queue", "_secrets", "_tasks", "_waiters",
                 "_woken")

    def __init__(self, *, log: Log | None = None, log_level: int = LogLevel.INFO, secrets: SecretProvider | None = None,
                 **options: Unpack[Options]) -> None:
        opts = make(options)
        self._handle = _native.Ctx(opts)
        self._cap = (opts or _native.Opts()).get_int(_native.OPT_QUEUE_EVENTS)
        self._queue: collections.deque[Event] = collections.deque()
        self._claims: list[Claim] = []
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = False
        self._log: Log | None = None
        self._secrets: SecretProvider | None = None
        _alive.add(self)
        if log is not None:
            self.set_log(log, log_level)
        if secrets is not None:
            self.set_secret_provider(secrets)

    # --- Driving it ---

    @property
    def fd(self) -> int:
        """The one descriptor: wait until it is readable, then dispatch(). Never read, write or close it."""
        return self._handle.fd()

    def fileno(self) -> int:
        """The same, for select and selectors."""
        return self._handle.fd()

    def dispatch(self) -> int:
        """Does what is due, at most a few milliseconds of work, and never blocks. Returns how many events wait."""
        return self._handle.dispatch() + len(self._queue)

    def wait(self, timeout: float | None = None) -> int:
        """Dispatches until an event waits to be taken, somebody calls wakeup(), or so many seconds are over.

        Returns how many events wait. Signal handlers of Python run meanwhile, so Ctrl-C works.
        """
        self._drive(lambda: bool(self._queue) or self._woken, timeout)
        self._woken = False
        return len(self._queue)

    def wakeup(self) -> None:
        """Makes a running or the next wait() return. Any thread, and signal handlers."""
        self._woken = True
        self._handle.wakeup()

    def next_event(self) -> Event | None:
        """Takes the oldest event; None when there is none. Works after close()."""
        return self._next(True)

    def events(self, timeout: float | None = None) -> EventStream:
        """The events, for `for` and `async for`, until the context is closed or none came for so many seconds."""
        return EventStream(self, timeout)

    def start_thread(self) -> None:
        """Moves the work into a thread of the library."""
        self._handle.start_thread()

    def close(self) -> None:
        """Stops all work. Operations fail with ClosedError; events already queued may still be taken."""
        self._detach()
        self._handle.close()
        with contextlib.suppress(ForkedError):
            self._collect()
        self._settle()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        try:
            self._handle.fd()
        except ClosedError:
            return True
        except ForkedError:
            return False
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        self.close()

    # --- Callbacks ---

    def set_log(self, log: Log | None, level: int = LogLevel.INFO) -> None:
        """Hands log lines to a logging.Logger, or to a function of level, subsystem and message; None ends it.

        An exception of the function is raised by the call that dispatched (dispatch, wait, check_now …); a second one in the
        same call goes to sys.unraisablehook. In asyncio that is the loop's exception handler.
        """
        self._log = log
        if log is None:
            self._handle.set_log(LogLevel.OFF, None)
            return
        here = weakref.ref(self)  # or the callback would keep the context, which keeps the callback

        def receive(level: int, subsystem: str, message: str) -> None:
            context = here()
            target = context._log if context else None
            if isinstance(target, logging.Logger):
                target.log(_LOGGING.get(LogLevel(level), logging.DEBUG), "%s: %s", subsystem, message)
            elif target is not None:
                target(level, subsystem, message)

        self._handle.set_log(level, receive)

    def set_secret_provider(self, provider: SecretProvider | None) -> None:
        """Sets who is asked for each secret before the built-in providers (`env:NAME`); None removes it.

        The provider gets a SecretRequest and returns the secret; or None, and the built-in provider is asked; or LATER, and it
        answers the request later from any thread; or, while an asyncio loop runs, an awaitable of the secret (an `async def`
        provider). It may also call request.refuse() and return None. An exception refuses the request and is raised by the
        call that dispatched.
        """
        self._secrets = provider
        if provider is None:
            self._handle.set_secret_provider(None)
            return
        here = weakref.ref(self)

        def ask(native: _native.SecretRequest) -> int:
            context = here()
            if context is None or context._secrets is None:
                return _native.SECRET_PASS
            return context._ask(context._secrets, SecretRequest(native))

        self._handle.set_secret_provider(ask)

    def _ask(self, provider: SecretProvider, request: SecretRequest) -> int:
        given = provider(request)
        if request._answered:
            return _native.SECRET_DONE
        if given is None:
            return _native.SECRET_PASS
        if isinstance(given, Later):
            return _native.SECRET_LATER
        if isinstance(given, str):
            request.answer(given)
            return _native.SECRET_DONE
        if not inspect.isawaitable(given):
            raise TypeError(f"a secret provider returns str, None, LATER or an awaitable, found {type(given).__name__}")
        task = asyncio.get_running_loop().create_task(_answer(request, given))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _native.SECRET_LATER

    def log_text(self) -> str:
        """The last log lines, oldest first."""
        return self._handle.log_text()

    def stats(self) -> dict[str, Any]:
        """Counters: dispatches, wake-ups, longest dispatch, transfers, connections, allocations."""
        found: dict[str, Any] = json.loads(self._handle.stats_json())
        return found

    # --- Events: those that the library has, and those that were taken out of it while something else was waited for ---

    def _told(self, native: _native.Event) -> bool:
        """Whether the event is of an operation that an object tells of."""
        op = native.op()
        claim = next((one for one in self._claims if one.op.is_same(op)), None) if op is not None else None
        if claim is None:
            return False
        take = claim.take() if claim.take is not None else None
        if native.type() == EventType.OP_DONE:
            self._claims.remove(claim)
        elif take is not None:
            take(native)
        return True

    def _collect(self) -> None:
        """Takes all events out of the library, so that its descriptor falls silent."""
        while (native := self._handle.next_event()) is not None:
            if not self._told(native):
                self._put(from_native(native))

    def _put(self, event: Event) -> None:
        queue = self._queue
        if len(queue) < self._cap or event.type == EventType.OP_DONE:
            queue.append(event)
        elif queue[-1].type == EventType.OVERFLOW:
            queue[-1] = overflow(queue[-1].after + 1, queue[-1].time_us)
        else:
            queue.append(overflow(1, event.time_us))

    def _next(self, operations: bool) -> Event | None:
        while True:
            if not self._queue:
                self._collect()
            if not self._queue:
                return None
            event = self._queue.popleft()
            if operations or event.type != EventType.OP_DONE:
                return event

    def _drive(self, done: Callable[[], bool], timeout: float | None) -> bool:
        """Dispatches until something is so; False when the time is over. Python's poll() lets signal handlers run."""
        until = None if timeout is None else time.monotonic() + timeout
        poll = None
        while True:
            try:
                self._handle.dispatch()
            finally:
                self._collect()
            if done():
                return True
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            if poll is None:
                poll = select.poll()
                poll.register(self._handle.fd(), select.POLLIN)
            poll.poll(None if left is None else math.ceil(left * 1000))

    # --- asyncio ---

    def _attach(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None and not self._loop.is_closed():
                raise StateError(ErrorCode.STATE, 0, "context", "context: driven by another asyncio loop")
            loop.add_reader(self._handle.fd(), self._on_readable)
            self._loop = loop
        return loop

    def _detach(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(HomelabError):
                loop.remove_reader(self._handle.fd())

    def _on_readable(self) -> None:
        try:
            self._handle.dispatch()
        finally:
            self._collect()
            self._settle()

    def _settle(self) -> None:
        for done, future in self._waiters:
            if not future.done() and done():
                future.set_result(None)

    async def _until(self, done: Callable[[], bool]) -> None:
        if done():
            return
        waiter = (done, self._attach().create_future())
        self._waiters.append(waiter)
        try:
            await waiter[1]
        finally:
            self._waiters.remove(waiter)

    def __repr__(self) -> str:
        try:
            return f"<Context fd={self._handle.fd()}>"
        except HomelabError as error:
            return f"<Context {'closed' if isinstance(error, ClosedError) else 'of another process'}>"


async def _answer(request: SecretRequest, given: Awaitable[str | None]) -> None:
    try:
        secret = await given
        if not request._answered:
            request.refuse("the provider knows no such secret") if secret is None else request.answer(secret)
    except BaseException:
        with contextlib.suppress(HomelabError):
            request.refuse("the provider failed")
        raise


#: Closed before the interpreter goes: a thread of the library must not outlive it.
_alive: weakref.WeakSet[Context] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for context in list(_alive):
        with contextlib.suppress(Exception):
            context.close()


documented()(Context)

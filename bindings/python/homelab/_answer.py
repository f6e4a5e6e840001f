"""Answers of models to requests that a router sent."""

from __future__ import annotations

import codecs
import collections
import contextlib
import json
import weakref
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, AnyStr, Generic

from homelab import _native
from homelab._context import Context, Op
from homelab._data import Plain, known
from homelab._errors import HomelabError, RouteError, from_record
from homelab._tables import ErrorCode, EventType, Outcome


@dataclass(frozen=True)
class Attempt(Plain):
    """One candidate that was tried: what it met, and one line on how it failed; "" when it did not."""

    endpoint: str
    outcome: Outcome
    message: str


@dataclass(frozen=True)
class Reply(Plain):
    """What a request brought; None stands for what is unknown.

    status          HTTP status of the last attempt
    endpoint        the endpoint of the last attempt, model the model there
    text            what the model says, streamed or not
    body            the answer as it came: of one that was not streamed, of raw pieces, or of a refusal
    finish          why the model stopped, such as "stop" or "length"
    prompt_tokens   as the server counted them; so answer_tokens
    first_byte_us   from the start of the last attempt to the first byte of its answer
    total_us        from the start of the first attempt to the end
    attempts        what was tried
    """

    status: int | None
    endpoint: str | None
    model: str | None
    text: str
    body: bytes
    finish: str | None
    prompt_tokens: int | None
    answer_tokens: int | None
    first_byte_us: int | None
    total_us: int
    attempts: tuple[Attempt, ...]

    def json(self) -> Any:
        """The body as plain data."""
        return json.loads(self.body)

    @property
    def embeddings(self) -> list[list[float]]:
        """The vectors of an answer to a request for embeddings, of OpenAI's API or Ollama's."""
        answer = self.json()
        return answer["embeddings"] if "embeddings" in answer else [one["embedding"] for one in answer["data"]]

    def __str__(self) -> str:
        return self.text


def _reply(op: _native.Op, pieces: list[str] | list[bytes]) -> Reply:
    native = _native.Reply.of(op)
    attempts = tuple(Attempt(native.attempt_endpoint(i) or "", Outcome(native.attempt_outcome(i)), native.attempt_message(i) or "")
                     for i in range(native.attempt_count()))
    text = "".join(one for one in pieces if isinstance(one, str)) or native.text() or ""
    body = b"".join(one for one in pieces if isinstance(one, bytes)) or native.body() or b""
    return Reply(native.status() or None, native.endpoint(), native.model(), text, body, native.finish() or None,
                 known(native.prompt_tokens()), known(native.answer_tokens()), known(native.first_byte_us()), native.total_us(),
                 attempts)


def texts() -> Callable[[bytes], str]:
    """Reads pieces of UTF-8, which may end amid a character."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return decoder.decode


class Answer(Op, Generic[AnyStr]):
    """An answer that is under way, from Router.send().

        for piece in router.send(context, "Why is the sky blue?"):          # or async for
            print(piece, end="", flush=True)

        reply = await router.send(context, "Why is the sky blue?")          # or .wait()
        print(reply.text, reply.answer_tokens)

    Iterating gives the pieces of a streamed answer as they come, and raises at the end what the request failed with; an answer
    that is not streamed has none. Leaving the loop early cancels the request. Each piece is given once; the Reply has all of
    them in any case.
    """

    __slots__ = ("_all", "_pieces", "_read", "_tried")

    def __init__(self, context: Context, handle: _native.Op, read: Callable[[bytes], AnyStr]) -> None:
        pieces: list[AnyStr] = []
        super().__init__(context, handle, lambda: _reply(handle, pieces))
        self._all: list[AnyStr] = pieces
        self._pieces: collections.deque[AnyStr] = collections.deque()
        self._read: Callable[[bytes], AnyStr] = read
        self._tried: list[str] = []
        self._claim(weakref.WeakMethod(self._take))

    def _take(self, event: _native.Event) -> None:
        if event.type() == EventType.ATTEMPT:
            self._tried.append(event.subject())
        elif piece := self._read(event.data()):
            self._all.append(piece)
            self._pieces.append(piece)

    @property
    def tried(self) -> tuple[str, ...]:
        """The endpoints that were turned to so far; the last one is at work."""
        return tuple(self._tried)

    @property
    def reply(self) -> Reply:
        """What it brought, also when it failed. StateError while it runs."""
        if not self.done:
            self.result()  # raises
        self._context._collect()
        reply: Reply = self._give()
        return reply

    @property
    def error(self) -> HomelabError | None:
        """What it failed with; None while it runs and when it succeeded."""
        code = self._handle.result()
        if code in (ErrorCode.OK, ErrorCode.PENDING):
            return None
        reply = self.reply
        error = from_record(code, reply.status or 0, reply.endpoint or "", self._handle.message())
        if isinstance(error, RouteError):
            error.reply = reply
        return error

    def result(self) -> Reply:
        """The Reply. StateError while it runs; what it failed with is raised."""
        if self.done:
            self._context._collect()
        reply: Reply = super().result()
        return reply

    def wait(self, timeout: float | None = None) -> Reply:
        """Dispatches until it is done and returns the Reply; the package's TimeoutError after so many seconds."""
        reply: Reply = super().wait(timeout)
        return reply

    def __await__(self) -> Generator[Any, None, Reply]:
        return self._complete().__await__()

    def next_piece(self) -> AnyStr | None:
        """Takes the oldest piece; None when there is none. For loops of your own, after dispatch()."""
        if not self._pieces:
            self._context._collect()
        return self._pieces.popleft() if self._pieces else None

    def _moved(self) -> bool:
        return bool(self._pieces) or self.done

    def _leave(self) -> None:
        if not self.done:
            with contextlib.suppress(HomelabError):
                self.cancel()

    def __iter__(self) -> Iterator[AnyStr]:
        try:
            ended = False
            while not ended:
                ended = self.done  # before its last pieces are taken
                while (piece := self.next_piece()) is not None:
                    yield piece
                if not ended:
                    self._context._drive(self._moved, None)
        finally:
            self._leave()
        self.result()

    async def __aiter__(self) -> AsyncIterator[AnyStr]:
        try:
            ended = False
            while not ended:
                ended = self.done
                while (piece := self.next_piece()) is not None:
                    yield piece
                if not ended:
                    await self._context._until(self._moved)
        finally:
            self._leave()
        self.result()

    def __enter__(self) -> Answer[AnyStr]:
        return self

    def __exit__(self, *_: object) -> None:
        """Cancels what is still under way."""
        self._leave()

    def __repr__(self) -> str:
        where = f" from {self._tried[-1]}" if self._tried else ""
        return f"<Answer{where} {'running' if not self.done else repr(self.error) if self.error else 'done'}>"

"""Exceptions, by error family. All of them are a HomelabError."""

from __future__ import annotations

import builtins
import errno
from typing import TYPE_CHECKING, Any

from homelab import _native
from homelab._tables import ErrorCode

if TYPE_CHECKING:
    from homelab._answer import Reply
    from homelab._decision import Decision
    from homelab._inventory import Problem

__all__ = ["HomelabError", "ArgumentError", "OutOfMemoryError", "SystemCallError", "FileMissingError", "FileDeniedError",
           "ClosedError", "ForkedError", "StateError", "NotFoundError", "AlreadyExistsError", "UnsupportedError", "LimitError",
           "TimeoutError", "OperationCancelledError", "InputError", "UnknownOptionError", "OptionValueError", "ParseError",
           "InventoryError", "FormatError", "NetworkError", "NetworkTimeoutError", "SecretError", "RouteError", "NoRouteError",
           "RouteFailedError", "RequestRejectedError", "AnswerCutError"]


class HomelabError(Exception):
    """A call of the library failed.

    code      the number, an ErrorCode where it is known
    sub_code  detail: an errno, an HTTP status, or 0
    subject   what it was about: an option's key, a file, an endpoint's id; "" where nothing is named
    message   one line that names the subject and the observed fact
    """

    def __init__(self, code: int, sub_code: int = 0, subject: str = "", message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.sub_code = sub_code
        self.subject = subject
        self.message = message

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, code={self.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.sub_code, self.subject, self.message)

    @property
    def name(self) -> str:
        """Name of the code, such as "HOMELAB_E_TIMEOUT"."""
        return _native.error_name(self.code)

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later without a change by the caller."""
        return _native.error_is_retryable(self.code)


class ArgumentError(HomelabError, ValueError):
    """An argument is out of range."""


class OutOfMemoryError(HomelabError, MemoryError):
    """Memory could not be allocated."""


class SystemCallError(HomelabError, OSError):
    """A system call failed; `errno` says how."""

    def __init__(self, code: int, sub_code: int = 0, subject: str = "", message: str = "") -> None:
        super().__init__(code, sub_code, subject, message)
        self.errno = sub_code


class FileMissingError(SystemCallError, FileNotFoundError):
    """A file is not there."""


class FileDeniedError(SystemCallError, PermissionError):
    """A file may not be read."""


class ClosedError(HomelabError):
    """The object was closed."""


class ForkedError(HomelabError, RuntimeError):
    """The object was made before a fork, and this is the child."""


class StateError(HomelabError, RuntimeError):
    """The call does not fit the object's state."""


class NotFoundError(HomelabError, LookupError):
    """Nothing has that name."""


class AlreadyExistsError(HomelabError, ValueError):
    """Something has that name already."""


class UnsupportedError(HomelabError, NotImplementedError):
    """This build or platform cannot do it."""


class LimitError(HomelabError, ValueError):
    """A documented limit would be exceeded."""


class TimeoutError(HomelabError, builtins.TimeoutError):
    """The time given ran out."""


class OperationCancelledError(HomelabError):
    """The operation was cancelled."""


class InputError(HomelabError, ValueError):
    """What was handed in is wrong: the family of options, texts and inventories."""


class UnknownOptionError(InputError, TypeError):
    """No option has that name; the message names the nearest known one."""


class OptionValueError(InputError):
    """An option's value is of the wrong type or out of range."""


class ParseError(InputError):
    """A text is not well-formed JSON or YAML, or not UTF-8."""

    #: Every problem of the text, where it is an inventory.
    problems: tuple[Problem, ...] = ()


class InventoryError(ParseError):
    """An inventory is well-formed but wrong; `problems` are all of them, the message is the first."""


class FormatError(InputError):
    """A file or an answer is not in the format that was expected."""


class NetworkError(HomelabError, ConnectionError):
    """The family of network failures."""


class NetworkTimeoutError(NetworkError, builtins.TimeoutError):
    """A peer did not answer in time."""


class SecretError(HomelabError):
    """The family of secrets: nobody knows it, or a provider refused."""


class RouteError(HomelabError):
    """The family of requests that a Router could not get answered."""

    #: What was tried, where the request was sent.
    reply: Reply | None = None


class NoRouteError(RouteError, LookupError):
    """No model on any endpoint passed the filters; the message says how many each filter took."""

    #: What was decided: which model was rejected why, and when to try again.
    decision: Decision | None = None


class RouteFailedError(RouteError):
    """Every candidate failed before it said anything."""


class RequestRejectedError(RouteError, ValueError):
    """A server refused the request itself; sub_code is the HTTP status, `reply.body` what it said."""


class AnswerCutError(RouteError, ConnectionError):
    """The answer broke off after its first piece."""


_CLASSES: dict[int, type[HomelabError]] = {
    ErrorCode.INVALID: ArgumentError, ErrorCode.NOMEM: OutOfMemoryError, ErrorCode.SYSTEM: SystemCallError,
    ErrorCode.CLOSED: ClosedError, ErrorCode.FORKED: ForkedError, ErrorCode.STATE: StateError,
    ErrorCode.NOT_FOUND: NotFoundError, ErrorCode.EXISTS: AlreadyExistsError, ErrorCode.UNSUPPORTED: UnsupportedError,
    ErrorCode.LIMIT: LimitError, ErrorCode.TIMEOUT: TimeoutError, ErrorCode.CANCELLED: OperationCancelledError,
    ErrorCode.OPTION_UNKNOWN: UnknownOptionError, ErrorCode.OPTION_VALUE: OptionValueError, ErrorCode.SYNTAX: ParseError,
    ErrorCode.UTF8: ParseError, ErrorCode.INVENTORY: InventoryError, ErrorCode.NET_CONNECT_TIMEOUT: NetworkTimeoutError,
    ErrorCode.NET_TIMEOUT: NetworkTimeoutError, ErrorCode.FORMAT: FormatError, ErrorCode.ROUTE_NONE: NoRouteError,
    ErrorCode.ROUTE_FAILED: RouteFailedError, ErrorCode.ROUTE_REJECTED: RequestRejectedError,
    ErrorCode.ROUTE_CUT: AnswerCutError,
}
_FILES: dict[int, type[HomelabError]] = {errno.ENOENT: FileMissingError, errno.EACCES: FileDeniedError,
                                         errno.EPERM: FileDeniedError}


def _class_of(code: int, sub_code: int) -> type[HomelabError]:
    if code == ErrorCode.SYSTEM:
        return _FILES.get(sub_code, SystemCallError)
    if code in _CLASSES:
        return _CLASSES[code]
    if -39 <= code <= -20:
        return InputError
    if -59 <= code <= -40:
        return NetworkError
    if -69 <= code <= -60:
        return SecretError
    return RouteError if -79 <= code <= -70 else HomelabError


def from_record(code: int, sub_code: int, subject: str, message: str) -> HomelabError:
    """The exception for an error record; the module calls it."""
    number = ErrorCode(code) if code in ErrorCode._value2member_map_ else code
    return _class_of(code, sub_code)(number, sub_code, subject, message)

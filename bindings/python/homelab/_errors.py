"""Exceptions, by error family."""


class HomelabError(Exception):
    """A call of the library failed."""

    def __init__(self, code, sub_code, subject, message):
        super().__init__(message)
        self.code = code
        self.sub_code = sub_code
        self.subject = subject
        self.message = message


def from_record(code, sub_code, subject, message):
    """The exception for the thread's error record; the module calls it."""
    return HomelabError(code, sub_code, subject, message)

"""One HTTP/1.1 exchange on a plain socket, with the answer's head kept exactly as it was sent."""

import json
import socket
import time


class Answer:
    def __init__(self, head, body, elapsed):
        self.head = head
        self.body = body
        self.elapsed = elapsed
        self.status = int(head.split(" ", 2)[1])

    def header(self, name):
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)


def request_bytes(port, path, method="GET", body=None, headers=None):
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: */*"]
    payload = b""
    if body is not None:
        payload = json.dumps(body).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


def exchange(port, path, method="GET", body=None, headers=None, timeout=5.0):
    """Raises OSError (TimeoutError included) when no whole answer arrives within the timeout."""
    start = time.monotonic()
    deadline = start + timeout
    with socket.create_connection(("127.0.0.1", port), timeout) as sock:
        sock.sendall(request_bytes(port, path, method, body, headers))
        stream = _Stream(sock, deadline)
        head = stream.until(b"\r\n\r\n").decode("latin-1")
        answer = Answer(head, b"", 0.0)
        if "chunked" in (answer.header("Transfer-Encoding") or "").lower():
            answer.body = _chunks(stream)
        elif answer.header("Content-Length") is not None:
            answer.body = stream.exactly(int(answer.header("Content-Length")))
        else:
            answer.body = stream.rest()
    answer.elapsed = time.monotonic() - start
    return answer


def _chunks(stream):
    parts = []
    while True:
        size = int(stream.until(b"\r\n").split(b";")[0], 16)
        parts.append(stream.exactly(size))
        stream.until(b"\r\n")
        if size == 0:
            return b"".join(parts)


class _Stream:
    def __init__(self, sock, deadline):
        self.sock = sock
        self.deadline = deadline
        self.data = b""

    def _more(self):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no whole answer in time")
        self.sock.settimeout(left)
        piece = self.sock.recv(65536)
        self.data += piece
        return bool(piece)

    def until(self, mark):
        while mark not in self.data:
            if not self._more():
                raise ConnectionError("closed before the end of the answer")
        found, _, self.data = self.data.partition(mark)
        return found

    def exactly(self, size):
        while len(self.data) < size:
            if not self._more():
                raise ConnectionError("closed before the end of the answer")
        found, self.data = self.data[:size], self.data[size:]
        return found

    def rest(self):
        while self._more():
            pass
        return self.data

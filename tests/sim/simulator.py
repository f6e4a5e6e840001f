"""Starts homelab-sim for a test and talks to it, byte by byte where that matters."""

import errno
import json
import os
import socket
import struct
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

PROGRAM = os.environ.get("HOMELAB_SIM", "homelab-sim")


class Simulator:
    """A running simulator; the scenario is a dict, or None for the demo."""

    def __init__(self, scenario, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="homelab-sim-test-")
        self.inventory_file = os.path.join(self.folder.name, "inventory.json")
        command = [PROGRAM, "--write-inventory", self.inventory_file, "--control", "0", "--die-with-parent"]
        if scenario is None:
            command.append("--demo")
        else:
            path = os.path.join(self.folder.name, "scenario.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(scenario, file)
            command.append(path)
        self.process = subprocess.Popen(command + list(options), stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        if not line.startswith("ready control="):
            self.close()
            raise AssertionError(f"found {line!r}, expected the ready line")
        self.control_url = line.partition("=")[2]
        with open(self.inventory_file, encoding="utf-8") as file:
            self.inventory = json.load(file)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        status = self.close()
        if status != 0 and unused[0] is None:
            raise AssertionError(f"homelab-sim ended with {status}")

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(20)
        self.process.stdout.close()
        self.folder.cleanup()
        return status

    def address(self, endpoint):
        url = urllib.parse.urlparse(self.inventory["endpoints"][endpoint]["url"])
        return url.hostname, url.port

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control_url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def fault(self, endpoint, *faults):
        self.control("PUT", f"/sim/endpoint/{endpoint}/fault", list(faults))

    def stats(self, endpoint):
        return self.control("GET", "/sim/stats")["endpoints"][endpoint]

    def connect(self, endpoint, timeout=2.0):
        return socket.create_connection(self.address(endpoint), timeout)

    def ask(self, endpoint, path="/", method="GET", body=None, headers=None, timeout=3.0):
        with self.connect(endpoint, timeout) as sock:
            sock.sendall(request_bytes(path, method, body, headers))
            return read_answer(sock, method)


class Answer:
    def __init__(self, head, body, complete):
        self.lines = head.decode("latin-1").split("\r\n")
        self.body = body
        self.complete = complete  # the body has the length that was promised
        self.status = int(self.lines[0].split(" ")[1])

    def header(self, name):
        for line in self.lines[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None

    def json(self):
        return json.loads(self.body)


def request_bytes(path, method="GET", body=None, headers=None):
    lines = [f"{method} {path} HTTP/1.1", "Host: simulator"]
    data = b""
    if body is not None:
        data = json.dumps(body).encode()
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def read_answer(sock, method="GET"):
    """Raises TimeoutError, ConnectionResetError, or EOFError (nothing came at all)."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(65536)
        if not chunk:
            raise EOFError(f"closed after {len(data)} bytes")
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    answer = Answer(head, body, True)
    if method == "HEAD":
        return answer
    if (answer.header("Transfer-Encoding") or "") == "chunked":
        return read_chunks(sock, answer)
    length = int(answer.header("Content-Length") or 0)
    while len(answer.body) < length:
        chunk = sock.recv(65536)
        if not chunk:
            answer.complete = False
            break
        answer.body += chunk
    return answer


def read_chunks(sock, answer):
    raw = answer.body
    while not raw.endswith(b"0\r\n\r\n"):
        chunk = sock.recv(65536)
        if not chunk:
            answer.complete = False
            break
        raw += chunk
    body = b""
    while raw and answer.complete:
        size, _, raw = raw.partition(b"\r\n")
        count = int(size, 16)
        body += raw[:count]
        raw = raw[count + 2 :]
        if count == 0:
            break
    answer.body = body
    return answer


def connect_result(address, timeout=1.0):
    """'open', 'refused', 'silent' (SYNs dropped), or the errno's name."""
    sock = socket.socket()
    sock.settimeout(timeout)
    try:
        sock.connect(address)
        return "open"
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "silent"
    except OSError as problem:
        return errno.errorcode[problem.errno]
    finally:
        sock.close()


def outcome(sock, timeout=0.5):
    """What reading to the end gives: (bytes, 'closed' | 'reset' | 'silent', seconds)."""
    sock.settimeout(timeout)
    data = b""
    start = time.monotonic()
    while True:
        try:
            chunk = sock.recv(65536)
        except TimeoutError:
            return data, "silent", time.monotonic() - start
        except ConnectionResetError:
            return data, "reset", time.monotonic() - start
        if not chunk:
            return data, "closed", time.monotonic() - start
        data += chunk


def reset_on_close(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

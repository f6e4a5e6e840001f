"""Real faults for real servers: each one is made in the server or in the kernel, none is imitated."""

import contextlib
import ctypes
import fcntl
import os
import random
import shutil
import signal
import socket
import tempfile
import threading
import time

import wire
from lab import LabError, LlamaServer, component, free_port, wait_until

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000


class HeldFile:
    """A private copy of a file whose opening blocks until release(): a write lease holds back every
    open() for up to /proc/sys/fs/lease-break-time seconds. A server that loads it stays in loading."""

    def __init__(self, source, folder):
        self.path = os.path.join(folder, os.path.basename(source))
        shutil.copyfile(source, self.path)
        self.file = None
        self.handler = None

    def __enter__(self):
        # The kernel tells the holder of a broken lease by SIGIO, which ends a process by default.
        self.handler = signal.signal(signal.SIGIO, signal.SIG_IGN)
        self.file = open(self.path, "r+b")
        fcntl.fcntl(self.file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        return self

    def release(self):
        if self.file is not None:
            fcntl.fcntl(self.file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            self.file.close()
            self.file = None

    def __exit__(self, *_):
        self.release()
        signal.signal(signal.SIGIO, self.handler)
        os.unlink(self.path)


class Request:
    """A request in flight on a thread of its own; leaving the block drops its connection."""

    def __init__(self, port, path, body, headers=None):
        self.data = wire.request_bytes(port, path, "POST", body, headers)
        self.sock = socket.create_connection(("127.0.0.1", port), 5)
        self.sock.settimeout(None)
        self.answer = b""
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        with contextlib.suppress(OSError):
            self.sock.sendall(self.data)
            while True:
                piece = self.sock.recv(65536)
                if not piece:
                    break
                self.answer += piece

    def __enter__(self):
        self.thread.start()
        return self

    def pending(self):
        return self.thread.is_alive() and not self.answer

    def drop(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join(5)

    def __exit__(self, *_):
        self.drop()


def prompt_of(words):
    """About three tokens a word; no two prompts share a beginning, so that no cache shortens them."""
    dice = random.Random()
    return " ".join(str(dice.randrange(10, 100)) for _ in range(words))


@contextlib.contextmanager
def long_prompt(server, words=2300):
    """A llama.cpp server at work on a prompt of about three tokens a word, and seen to be so."""
    body = {"prompt": prompt_of(words), "n_predict": 1, "cache_prompt": False}
    before, stops = server.count("launch_slot_"), server.count("stop processing: n_tokens")
    with Request(server.port, "/completion", body, server.headers()) as request:
        wait_until(lambda: server.count("launch_slot_") > before, 20, "the long prompt's start")
        yield request
    # The server notices a dropped client at the end of a batch.
    if server.process is not None and server.process.poll() is None:
        wait_until(lambda: server.count("stop processing: n_tokens") > stops, 120, "the slot to be free")


@contextlib.contextmanager
def ollama_request(server, model="smollm2", words=2300, keep_alive="5m"):
    body = {"model": model, "prompt": prompt_of(words), "stream": False, "keep_alive": keep_alive,
            "options": {"num_predict": 1}}
    with Request(server.port, "/api/generate", body) as request:
        yield request


@contextlib.contextmanager
def loading(**options):
    """A llama.cpp server held in loading: yields it and what holds it."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        held = stack.enter_context(HeldFile(component("model"), folder))
        server = LlamaServer(model=held.path, **options)
        stack.callback(server.close)
        stack.callback(held.release)
        server.start()

        def answers():
            with contextlib.suppress(OSError):
                return server.get("/health").status == 503
        wait_until(answers, 30, "the loading server's HTTP thread")
        yield server, held


@contextlib.contextmanager
def overdue(server):
    """An Ollama at work on a model whose expires_at is past."""
    server.generate(keep_alive="1s")
    try:
        with ollama_request(server, keep_alive="1s") as request:
            # An idle model would be gone after 3 s; Ollama's clock is told in whole seconds.
            time.sleep(4.5)
            yield request
    finally:
        # The runner goes on with a prompt whose client has gone; only its unloading ends that.
        wait_until(lambda: not server.loaded(), 60, "the runner's end")


def threads_by_cpu(pid, seconds=0.5):
    """Threads of a process, the busiest of the last moments first: (ticks, thread id)."""
    def ticks():
        seen = {}
        for tid in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{tid}/stat", encoding="latin-1") as file:
                fields = file.read().rpartition(")")[2].split()
                seen[int(tid)] = int(fields[11]) + int(fields[12])
        return seen
    first = ticks()
    time.sleep(seconds)
    return sorted(((now - first.get(tid, 0), tid) for tid, now in ticks().items()), reverse=True)


def thread_states(pid):
    for tid in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{tid}/stat", encoding="latin-1") as file:
            yield file.read().rpartition(")")[2].split()[0]


def _ptrace(request, tid):
    if LIBC.ptrace(request, tid, None, None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace {request:#x} of {tid}: {os.strerror(number)}")


@contextlib.contextmanager
def busiest_thread_stopped(pid):
    """Only the thread that computes stands still; the HTTP threads live on. One thread must use the
    block from its beginning to its end, as ptrace belongs to the thread that attached."""
    ticks, tid = threads_by_cpu(pid)[0]
    if ticks == 0:
        raise LabError(f"no busy thread in {pid}")
    _ptrace(PTRACE_SEIZE, tid)
    try:
        _ptrace(PTRACE_INTERRUPT, tid)
        os.waitpid(tid, WALL)
        yield tid
    finally:
        with contextlib.suppress(OSError):
            _ptrace(PTRACE_DETACH, tid)


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: all(state == "T" for state in thread_states(pid)), 10, f"{pid} to stop", 0.01)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def black_hole():
    """A port that drops SYNs: its accept queue is full and nobody accepts."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        port = free_port()
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        for _ in range(8):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0.3)
            try:
                filler.connect(("127.0.0.1", port))
            except TimeoutError:
                yield port
                return
        raise LabError("the accept queue did not fill")


@contextlib.contextmanager
def silent_port():
    """Accepts and never says a byte."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


@contextlib.contextmanager
def counting_port():
    """Accepts, notes it, and closes when asked: yields the port and the list of connections."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        seen = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, peer = listener.accept()
                    seen.append(peer)
                    # Closing with unread data would be a reset.
                    connection.settimeout(1)
                    connection.recv(65536)
                    connection.close()
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], seen
        listener.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def later(seconds, action):
    """Does something while the block runs."""
    timer = threading.Timer(seconds, action)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()

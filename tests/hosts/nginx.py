"""Starts an nginx of one's own in a temporary folder: no privileges, no files of the system's configuration."""

import contextlib
import glob
import os
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE_S = 30
MODULES = ("ndk_http_module.so", "ngx_http_lua_module.so")
MODULE_FOLDERS = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/lib/nginx/modules")

CONFIGURATION = """
{modules}
worker_processes {workers};
worker_shutdown_timeout 10s;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
{user}
{environment}
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    lua_package_path "{lua_path}";
    lua_package_cpath "{lua_cpath}";
{http}
    server {{
        listen 127.0.0.1:{port};
{server}
    }}
}}
"""


def modules():
    """Where the modules are; an empty list if this nginx cannot run Lua."""
    for folder in MODULE_FOLDERS:
        found = [os.path.join(folder, name) for name in MODULES]
        if all(map(os.path.exists, found)):
            return found
    return []


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def eventually(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not after {PATIENCE_S} s: {what}")
        time.sleep(0.02)
    return found


def children(pid):
    """Processes that ended but were not waited for yet do not count."""
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="latin-1") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(path.split("/")[2]))
    return sorted(found)


def descriptors(pid):
    """What a process has open: number to target."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
        except OSError:
            pass  # closed meanwhile
    return found


def configure(folder, http, server, environment=(), workers=1):
    """Writes the configuration; the command and the port. `environment` names what scripts may read."""
    port, path = free_port(), os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(
            modules="\n".join(f"load_module {module};" for module in modules()), workers=workers, folder=folder,
            port=port, user="user root;" if os.geteuid() == 0 else "",
            environment="\n".join(f"env {name};" for name in environment),
            lua_path=os.environ.get("HOMELAB_LUA_PATH", "") + ";/usr/share/lua/5.1/?.lua;;",
            lua_cpath=os.environ.get("HOMELAB_LUA51_CPATH", "") + ";;", http=http, server=server))
    return [os.environ["HOMELAB_NGINX"], "-p", folder, "-e", os.path.join(folder, "error.log"), "-c", path], port


class Nginx:
    """A server under way; `http` and `server` are the configuration's parts."""

    def __init__(self, http, server, environment=None, workers=1):
        self.folder = tempfile.TemporaryDirectory(prefix="homelab-nginx-")
        environment = environment or {}
        command, self.port = configure(self.folder.name, http, server, environment, workers)
        self.log_file = os.path.join(self.folder.name, "error.log")
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        start_new_session=True)
        self.workers = workers
        try:
            self.wait_for_workers(())
        except AssertionError:
            log = self.log()
            self.__exit__()
            raise AssertionError(log) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Workers outlive a master that is killed.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()
        self.folder.cleanup()

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def complaints(self):
        return [line for line in self.log().splitlines()
                if any(f"[{level}]" in line for level in ("warn", "error", "crit", "alert", "emerg"))]

    def wait_for_workers(self, former):
        """Until all workers are new ones."""
        def renewed():
            if self.process.poll() is not None:
                raise AssertionError(f"nginx ended with {self.process.returncode}: {self.log()}")
            present = children(self.process.pid)
            return present if len(present) == self.workers and not set(present) & set(former) else None
        return eventually("new workers, and the old ones gone", renewed)

    def worker_pids(self):
        return children(self.process.pid)

    def reload(self):
        former = self.worker_pids()
        self.process.send_signal(signal.SIGHUP)
        return self.wait_for_workers(former)

    def quit(self, number=signal.SIGQUIT):
        """The exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def get(self, path, timeout=10):
        """Status and body; a connection of its own each time."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as sock:
            sock.sendall(f"GET {path} HTTP/1.0\r\nHost: nginx\r\n\r\n".encode())
            answer = b""
            while chunk := sock.recv(65536):
                answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()


def load(port, path, seconds, connections=16):
    """What wrk measured: p50_us, p99_us, max_us, requests, errors."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wrk_report.lua")
    done = subprocess.run([os.environ["HOMELAB_WRK"], "-t", "1", "-c", str(connections), "-d", f"{seconds}s",
                           "-s", script, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                          timeout=seconds + PATIENCE_S, check=True)
    fields = [field.partition("=") for field in done.stdout.splitlines()[-1].split()]
    return {key: int(value) for key, _, value in fields}

"""Real llama.cpp, Ollama and LiteLLM servers on free loopback ports, each with a folder of its own.

Every server is a context manager. It dies with its whole process group when the block is left, and
also when this process dies in any way: a guard process then reads the end of a pipe and kills it.
"""

import collections
import datetime
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import wire

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GUARD = 'read -r _; kill -s KILL -- "-$1" 2>/dev/null; sleep 0.2; rm -rf -- "$2"'


class MissingComponent(Exception):
    """The message says which one and why."""


class LabError(Exception):
    """A server did not do what the lab needs of it."""


def components():
    """Name to path of the installed ones, and name to reason of the missing ones."""
    script = os.path.join(ROOT, "scripts", "components")
    listing = subprocess.run([script, "--list"], capture_output=True, text=True, check=True).stdout
    present, missing = {}, {}
    for line in listing.splitlines():
        if line.startswith("# "):
            missing[line.split()[1]] = line[2:]
        else:
            name, path = line.split("\t")
            present[name] = path
    return present, missing


def component(name):
    present, missing = components()
    if name not in present:
        raise MissingComponent(missing.get(name, f"{name} is missing"))
    return present[name]


def free_port():
    # Below the ephemeral range, where outgoing connections of other programs take no ports.
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until(condition, timeout, what, interval=0.05):
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {timeout} s")
        time.sleep(interval)


class Server:
    """A process group with a port, a log and a folder."""

    name = "server"
    ready_timeout = 60

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix=f"homelab-{self.name}-")
        self.log_path = os.path.join(self.folder, "log")
        self.port = free_port()
        self.process = None
        self.guard = None

    def __enter__(self):
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": self.folder, "LANG": "C.UTF-8"}

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=self.environment(), start_new_session=True)
        self.guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", str(self.process.pid), self.folder],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)

    def ready(self):
        raise NotImplementedError

    def wait_ready(self):
        def condition():
            if self.process.poll() is not None:
                raise LabError(f"{self.name} ended with {self.process.returncode}:\n{self.log()[-2000:]}")
            try:
                return self.ready()
            except OSError:
                return False
        wait_until(condition, self.ready_timeout, f"{self.name} ready", 0.1)

    def kill(self):
        """SIGKILL to the whole group; start() brings it back on the same port."""
        if self.process is not None:
            self._signal_group(signal.SIGKILL)
            self.process.wait()
            self.process = None
        if self.guard is not None:
            self.guard.kill()
            self.guard.stdin.close()
            self.guard.wait()
            self.guard = None

    def _signal_group(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def headers(self):
        return {}

    def get(self, path, timeout=5.0, headers=None):
        return wire.exchange(self.port, path, headers=self.headers() if headers is None else headers,
                             timeout=timeout)

    def post(self, path, body, timeout=120.0, headers=None):
        return wire.exchange(self.port, path, "POST", body,
                             self.headers() if headers is None else headers, timeout)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def count(self, pattern):
        return len(re.findall(pattern, self.log(), re.MULTILINE))


class LlamaServer(Server):
    """Options: api_key, alias, metrics, slots, props, n_parallel, n_ctx, n_batch, threads, embedding,
    sleep_idle_seconds, model (a path; the real model without it)."""

    name = "llamacpp"

    def __init__(self, api_key=None, alias=None, metrics=True, slots=True, props=True, n_parallel=2,
                 n_ctx=2048, n_batch=512, threads=1, embedding=False, sleep_idle_seconds=-1, model=None):
        self.python = component("llamacpp")
        self.model = model or component("model")
        super().__init__()
        self.api_key = api_key
        self.options = {
            "model": self.model, "port": self.port, "n_parallel": n_parallel, "n_ctx": n_ctx,
            "n_batch": n_batch, "n_ubatch": n_batch, "threads": threads, "embedding": embedding,
            "sleep_idle_seconds": sleep_idle_seconds, "endpoint_metrics": metrics,
            "endpoint_slots": slots, "endpoint_props": props,
        }
        if api_key:
            self.options["api_keys"] = [api_key]
        if alias:
            self.options["model_alias"] = [alias]

    def command(self):
        return [self.python, os.path.join(HERE, "llamacpp_server.py"), json.dumps(self.options)]

    def ready(self):
        return self.get("/health").status == 200

    def headers(self):
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def complete(self, prompt="Once upon a time", tokens=4):
        return self.post("/completion", {"prompt": prompt, "n_predict": tokens}).json()

    def metrics(self):
        pairs = re.findall(r"^llamacpp:(\w+) (\S+)$", self.get("/metrics").text, re.MULTILINE)
        return {name: float(value) for name, value in pairs}

    def asleep(self):
        return self.get("/props").json()["is_sleeping"]

    def harm(self):
        """What a probe must leave as it is: loads, wake-ups and generations so far."""
        seen = {"load": self.count(r"loading model '"), "wake": self.count("server is exiting sleeping"),
                "task": self.count("launch_slot_")}
        if self.options["endpoint_metrics"]:
            counters = self.metrics()
            for name in ("prompt_tokens_total", "tokens_predicted_total", "n_decode_total"):
                seen[name] = counters[name]
        return seen


def timestamp(text):
    """Seconds since 1970 of an RFC 3339 date with up to nine digits of a second."""
    seconds, fraction, zone = re.fullmatch(r"([^.Z+]+?)(\.\d+)?(Z|[+-]\d\d:\d\d)", text).groups()
    moment = datetime.datetime.fromisoformat(seconds + zone.replace("Z", "+00:00"))
    return moment.timestamp() + float(fraction or 0)


class OllamaServer(Server):
    """Model "smollm2" (and each name of `names`) with one inference thread."""

    name = "ollama"

    def __init__(self, names=(), n_ctx=8192, threads=1, environment=None):
        self.program = component("ollama")
        self.gguf = component("model")
        super().__init__()
        self.names = names
        # Ollama shifts a full context, so an answer that nothing else bounds may go on for minutes.
        self.parameters = {"num_ctx": n_ctx, "num_thread": threads, "num_predict": 64}
        self.extra = environment or {}

    def command(self):
        return [self.program, "serve"]

    def environment(self):
        return {**super().environment(), "OLLAMA_HOST": f"127.0.0.1:{self.port}", "OLLAMA_NO_CLOUD": "1",
                "OLLAMA_MODELS": os.path.join(self.folder, "models"), **self.extra}

    def ready(self):
        return self.get("/api/version").status == 200

    def wait_ready(self):
        super().wait_ready()
        # The search for GPUs starts a runner of its own at first.
        wait_until(lambda: "inference compute" in self.log(), 30, "ollama's search for GPUs")
        if not self.get("/api/tags").json()["models"]:
            self.create("smollm2")
            for name in self.names:
                self.copy("smollm2", name)

    def create(self, name):
        path = os.path.join(self.folder, "Modelfile")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"FROM {self.gguf}\n")
            file.writelines(f"PARAMETER {key} {value}\n" for key, value in self.parameters.items())
        subprocess.run([self.program, "create", name, "-f", path], check=True, timeout=120,
                       env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def copy(self, source, target):
        answer = self.post("/api/copy", {"source": source, "destination": target})
        if answer.status != 200:
            raise LabError(f"ollama copy {source} {target}: {answer.status} {answer.text}")

    def generate(self, model="smollm2", prompt="Once upon a time", tokens=2, keep_alive="5m", timeout=120):
        body = {"model": model, "prompt": prompt, "stream": False, "keep_alive": keep_alive,
                "options": {"num_predict": tokens}}
        answer = self.post("/api/generate", body, timeout)
        if answer.status != 200:
            raise LabError(f"ollama generate: {answer.status} {answer.text}")
        self.await_completion(model, answer.json()["created_at"], keep_alive)
        return answer.json()

    def await_completion(self, model, answered_at, keep_alive):
        """Ollama moves expires_at on completion, some time after the answer: what is read before is not final."""
        units = {"s": 1, "m": 60, "h": 3600}
        if not isinstance(keep_alive, str) or keep_alive[-1:] not in units:
            return
        least = timestamp(answered_at) + float(keep_alive[:-1]) * units[keep_alive[-1]]

        def moved():
            listed = [m for m in self.loaded() if m["name"].split(":")[0] == model.split(":")[0]]
            return not listed or timestamp(listed[0]["expires_at"]) >= least

        wait_until(moved, 20, f"completion of the request to {model}")

    def unload(self, model="smollm2"):
        self.post("/api/generate", {"model": model, "keep_alive": 0})
        wait_until(lambda: not self.loaded(), 20, f"{model} unloaded")

    def loaded(self):
        return self.get("/api/ps").json()["models"]

    def runners(self):
        """Process ids of the children that hold a model."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat", encoding="latin-1") as file:
                    fields = file.read().rpartition(")")[2].split()
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[1]) == self.pid and b"runner" in words:
                found.append(int(entry))
        return found

    def harm(self):
        """What a probe must leave as it is. POST /api/show only reads and is a probe's right. A load
        that is aborted early has no line of its own, but its request always ends with 499."""
        posts = re.findall(r'POST\s+"([^"]+)"', self.log())
        return {"load": self.count("starting runner"), "abort": self.count(r"\| 499 \|"),
                "post": sum(1 for path in posts if path != "/api/show"),
                "expires": {model["name"]: model["expires_at"] for model in self.loaded()}}


class LiteLLMProxy(Server):
    """`backends`: list of (alias, model with provider prefix, api_base). Without a key it is open."""

    name = "litellm"
    ready_timeout = 180

    def __init__(self, backends, master_key=None):
        self.program = component("litellm")
        super().__init__()
        self.master_key = master_key
        self.config = {"model_list": [
            {"model_name": alias, "litellm_params": {"model": model, "api_base": base, "api_key": "none"}}
            for alias, model, base in backends]}
        if master_key:
            self.config["general_settings"] = {"master_key": "os.environ/LITELLM_MASTER_KEY"}

    def command(self):
        path = os.path.join(self.folder, "config.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.config, file)  # JSON is YAML
        return [self.program, "--config", path, "--host", "127.0.0.1", "--port", str(self.port)]

    def environment(self):
        extra = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
        if self.master_key:
            extra["LITELLM_MASTER_KEY"] = self.master_key
        else:
            extra["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"
        return {**super().environment(), **extra}

    def ready(self):
        return self.get("/health/liveliness").status == 200

    def headers(self):
        return {"Authorization": f"Bearer {self.master_key}"} if self.master_key else {}

    def chat(self, alias):
        return self.post("/v1/chat/completions", {
            "model": alias, "max_tokens": 2, "messages": [{"role": "user", "content": "Hi"}]})

    def requests(self):
        """How often each route was asked, from its access log."""
        lines = re.findall(r'"([A-Z]+) (\S+) HTTP/1\.1" \d+', self.log())
        return collections.Counter(f"{method} {path.partition('?')[0]}" for method, path in lines)

    def harm(self):
        asked = self.requests()
        return {"post": sum(n for route, n in asked.items() if route.startswith("POST ")),
                "health": asked["GET /health"]}

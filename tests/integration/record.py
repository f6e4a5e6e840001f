#!/usr/bin/env python3
"""Records what the real servers answer into tests/data/wire: record.py [llamacpp|ollama|litellm ...]

Bodies are whole (chunks joined, Content-Length set to match); keys, temporary folders and ports are
replaced by fixed values."""

import contextlib
import os
import re
import sys

import faults
import lab
import wire

TARGET = os.path.join(lab.ROOT, "tests", "data", "wire")
KEY = "sk-4a9f1c7be2d86035-integration-only"
WRONG_KEY = "sk-0000000000000000-not-the-right-one"
LLAMA_PATHS = ("/", "/health", "/v1/models", "/props", "/metrics", "/slots", "/nope")
OLLAMA_PATHS = ("/", "/api/version", "/api/tags", "/api/ps", "/v1/models", "/api/nope")
LITELLM_PATHS = ("/health/liveliness", "/health/readiness", "/v1/models", "/model/info", "/nope")


def slug(path, method):
    name = re.sub(r"[^A-Za-z0-9.]+", "-", path).strip("-") or "root"
    return name if method == "GET" else f"{method.lower()}-{name}"


class Recorder:
    def __init__(self, server, port):
        self.server = server
        self.standard = {server.port: port}
        self.folders = {server.folder: "/srv/" + server.name}

    def clean(self, text):
        for folder, fixed in self.folders.items():
            text = text.replace(folder, fixed)
        for path in filter(None, (getattr(self.server, "model", None), getattr(self.server, "gguf", None))):
            text = text.replace(path, "/models/" + os.path.basename(path))
        for port, fixed in self.standard.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{fixed}")
        for key in (KEY, WRONG_KEY):
            text = text.replace(key, "sk-REDACTED")
        return text

    def record(self, situation, path, method="GET", body=None, headers=None, timeout=30):
        headers = self.server.headers() if headers is None else headers
        answer = wire.exchange(self.server.port, path, method, body, headers, timeout)
        text = self.clean(answer.text)
        head = re.sub(r"\r\n(Content-Length|Transfer-Encoding): [^\r]*", "", answer.head, flags=re.I)
        head += f"\r\nContent-Length: {len(text.encode())}"
        folder = os.path.join(TARGET, self.server.name)
        os.makedirs(folder, exist_ok=True)
        name = os.path.join(folder, f"{situation}__{slug(path, method)}.http")
        with open(name, "w", encoding="utf-8", newline="") as file:
            file.write(self.clean(head) + "\r\n\r\n" + text)

    def all(self, situation, paths, headers=None):
        for path in paths:
            self.record(situation, path, headers=headers)


@contextlib.contextmanager
def llama(**options):
    with lab.LlamaServer(alias="smollm2", **options) as server:
        yield server, Recorder(server, 8080)


def record_llamacpp():
    chat = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    with llama() as (server, recorder):
        recorder.all("ready", LLAMA_PATHS)
        recorder.record("ready", "/v1/completions", "POST", {"prompt": "Hi", "max_tokens": 1})
        recorder.record("ready", "/v1/chat/completions", "POST", chat)
        recorder.record("ready", "/v1/embeddings", "POST", {"input": "Hi"})
        recorder.all("used", ("/metrics", "/slots"))
    with llama(sleep_idle_seconds=1) as (server, recorder):
        lab.wait_until(server.asleep, 20, "sleep")
        # /slots would wake it.
        recorder.all("sleeping", [path for path in LLAMA_PATHS if path != "/slots"])
        if not server.asleep():
            raise lab.LabError("the recording woke the server")
    with llama(api_key=KEY) as (server, recorder):
        recorder.all("keyed-no-key", LLAMA_PATHS, {})
        recorder.all("keyed-wrong-key", LLAMA_PATHS, {"Authorization": f"Bearer {WRONG_KEY}"})
        recorder.all("keyed-right-key", LLAMA_PATHS)
    with llama(metrics=False, slots=False, props=False) as (server, recorder):
        recorder.all("no-metrics", LLAMA_PATHS)
    with llama(embedding=True) as (server, recorder):
        recorder.all("embedding", LLAMA_PATHS)
        recorder.record("embedding", "/v1/embeddings", "POST", {"input": "Hi"})
        recorder.record("embedding", "/v1/chat/completions", "POST", chat)
    with llama(n_parallel=1, n_ctx=8192, n_batch=512) as (server, recorder):
        with faults.long_prompt(server):
            recorder.all("busy", LLAMA_PATHS)
    with faults.loading(alias="smollm2") as (server, _):
        Recorder(server, 8080).all("loading", LLAMA_PATHS)


def record_ollama():
    with lab.OllamaServer(names=["qwen2.5-coder:7b"]) as server:
        recorder = Recorder(server, 11434)
        show = {"model": "smollm2"}
        recorder.all("idle", OLLAMA_PATHS)
        recorder.record("idle", "/api/show", "POST", show)
        recorder.record("unknown-model", "/api/show", "POST", {"model": "nope"})
        recorder.record("unknown-model", "/api/generate", "POST", {"model": "nope", "stream": False})
        server.generate()
        recorder.all("loaded", OLLAMA_PATHS)
        recorder.record("loaded", "/api/show", "POST", show)
        recorder.record("loaded", "/api/generate", "POST", {
            "model": "smollm2", "prompt": "Hi", "stream": False, "options": {"num_predict": 1}})
        recorder.record("loaded", "/api/embed", "POST", {"model": "smollm2", "input": "Hi"})
        with faults.overdue(server):
            recorder.all("expired-in-flight", OLLAMA_PATHS)
        recorder.all("unloaded", ("/api/ps",))


def record_litellm():
    with lab.LlamaServer(alias="smollm2") as llamacpp, lab.OllamaServer() as ollama:
        backends = [("remote/small", "openai/smollm2", llamacpp.url + "/v1"),
                    ("local/small", "ollama_chat/smollm2", ollama.url)]
        with lab.LiteLLMProxy(backends, KEY) as server:
            recorder = Recorder(server, 4000)
            recorder.standard.update({llamacpp.port: 8081, ollama.port: 11434})
            recorder.all("keyed-no-key", LITELLM_PATHS, {})
            recorder.all("keyed-wrong-key", LITELLM_PATHS, {"Authorization": f"Bearer {WRONG_KEY}"})
            recorder.all("keyed-right-key", LITELLM_PATHS)
            llamacpp.kill()
            ollama.kill()
            recorder.all("backends-dead", LITELLM_PATHS)
        with lab.LiteLLMProxy(backends) as server:
            recorder = Recorder(server, 4000)
            recorder.standard.update({llamacpp.port: 8081, ollama.port: 11434})
            recorder.all("open", LITELLM_PATHS)


def main():
    recorders = {"llamacpp": record_llamacpp, "ollama": record_ollama, "litellm": record_litellm}
    for name in sys.argv[1:] or recorders:
        recorders[name]()
        print(f"record: {name} done")


if __name__ == "__main__":
    main()

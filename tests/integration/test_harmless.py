"""200 sweeps over real servers change nothing in their logs and counters."""

import time

import cluster
import faults
import lab
from cluster import status

SWEEPS = 200


class Harmless(cluster.LabTest):
    @classmethod
    def prepare(cls):
        enter = cls.enterClassContext
        cls.llama = enter(lab.LlamaServer(alias="smollm2"))
        cls.ollama = enter(lab.OllamaServer(names=["qwen2.5-coder:7b"]))
        cls.proxy = enter(lab.LiteLLMProxy([
            ("remote/small", "openai/smollm2", cls.llama.url + "/v1"),
            ("local/small", "ollama_chat/smollm2", cls.ollama.url)], cluster.KEY))
        cls.llama.complete()
        cls.ollama.generate(keep_alive="1h")
        # Awake for 5 s more: the sweeps see it fall asleep and must not hinder that.
        cls.drowsy = enter(lab.LlamaServer(alias="drowsy", sleep_idle_seconds=5))
        cls.asleep = enter(lab.LlamaServer(alias="asleep", sleep_idle_seconds=1))
        lab.wait_until(cls.asleep.asleep, 20, "sleep")

    def document(self):
        return {"endpoints": {
            "local/ollama": {"url": self.ollama.url, "tier": "LOCAL", "models": ["smollm2"]},
            "local/drowsy": {"url": self.drowsy.url + "/health", "tier": "LOCAL"},
            "local/asleep": {"url": self.asleep.url, "tier": "LOCAL", "models": ["asleep"]},
            "remote/llama": {"url": self.llama.url + "/v1/models", "tier": "REMOTE"},
            "gateway/litellm": {"url": self.proxy.url, "tier": "GATEWAY", "api_key": "env:LAB_KEY"}}}

    def sweeps(self, number, depth=None):
        servers = (self.llama, self.ollama, self.proxy, self.drowsy, self.asleep)
        before = [server.harm() for server in servers]
        for sweep in range(number):
            report = status(self.document(), secrets={"LAB_KEY": cluster.KEY}, depth=depth)
            self.assertEqual(report.document["prognosis"]["verdict"], "HEALTHY", f"sweep {sweep}: {report.stdout}")
        self.assertEqual([server.harm() for server in servers], before, "a sweep did harm")
        return report

    def test_sweeps_change_nothing(self):
        start = time.monotonic()
        report = self.sweeps(SWEEPS)
        if time.monotonic() - start < 8:
            lab.wait_until(lambda: self.sweeps(1) and self.drowsy.asleep(), 30, "sleep while it is polled")
            report = self.sweeps(1)
        self.assertTrue(self.drowsy.asleep(), "polling kept the server awake")
        self.assert_verdict(report, "local/drowsy", "HEALTHY", "sleeping")
        self.assert_verdict(report, "local/asleep", "HEALTHY", "sleeping")

    def test_other_depths_change_nothing(self):
        for depth in ("tcp", "http", "scheduler"):
            with self.subTest(depth=depth):
                self.sweeps(5, depth)

    def test_only_reading_requests_were_made(self):
        self.sweeps(1)
        asked = set(self.proxy.requests())
        self.assertFalse({route for route in asked if route.startswith("POST ")}, asked)
        self.assertNotIn("GET /health", asked)


class HarmlessIdleOllama(cluster.LabTest):
    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.OllamaServer(names=["qwen2.5-coder:7b"]))

    def test_nothing_is_loaded_or_kept(self):
        document = cluster.inventory(llm={"url": self.server.url, "models": ["smollm2"]})
        with self.unharmed(self.server):
            for _ in range(20):
                self.assert_verdict(status(document), "llm", "HEALTHY")
        self.assertEqual(self.server.loaded(), [])
        # Polling must not stretch a loaded model's time either.
        self.server.generate(keep_alive="3s")
        deadline = time.monotonic() + 20
        while self.server.loaded() and time.monotonic() < deadline:
            status(document)
        self.assertEqual(self.server.loaded(), [])


class HarmlessUnderFault(cluster.LabTest):
    """A server that is busy or stopped must not get work from probes that gave up."""

    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.LlamaServer(n_parallel=1, n_ctx=8192, n_batch=128))

    def test_probes_of_a_stopped_server_leave_nothing_behind(self):
        document = cluster.inventory(llm={"url": self.server.url, "timeout": 0.5})
        before = self.server.harm()
        with faults.stopped(self.server.pid):
            for _ in range(5):
                self.assert_verdict(status(document), "llm", "BUSY", "timeout-after-accept")
        self.assert_verdict(status(document), "llm", "HEALTHY")
        self.assertEqual(self.server.harm(), before)

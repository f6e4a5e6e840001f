"""A real LiteLLM proxy before real backends: with and without keys, with backends alive and dead."""

import contextlib
import socket

import cluster
import faults
import lab
from cluster import inventory, status


def with_key(url, **more):
    return {"url": url, "tier": "GATEWAY", "api_key": "env:LAB_KEY", **more}


class Keyed(cluster.LabTest):
    @classmethod
    def prepare(cls):
        cls.llama = cls.enterClassContext(lab.LlamaServer(alias="smollm2"))
        cls.ollama = cls.enterClassContext(lab.OllamaServer())
        cls.proxy = cls.enterClassContext(lab.LiteLLMProxy([
            ("remote/small", "openai/smollm2", cls.llama.url + "/v1"),
            ("local/small", "ollama_chat/smollm2", cls.ollama.url)], cluster.KEY))

    def look(self, key=cluster.KEY, backends=True, path="", depth=None, confirm=None, **more):
        endpoints = {"gateway": with_key(self.proxy.url + path, **more)}
        if backends:
            endpoints.update(llama={"url": self.llama.url}, ollama={"url": self.ollama.url})
        with self.unharmed(self.proxy):
            return status(inventory(**endpoints), secrets={"LAB_KEY": key}, depth=depth, confirm=confirm)

    def test_healthy_with_its_models(self):
        with self.unharmed(self.llama), self.unharmed(self.ollama):
            report = self.look()
        self.assert_verdict(report, "gateway", "HEALTHY")
        self.assertEqual(report.endpoint("gateway")["backend"], "litellm")
        names = {model["name"] for model in report.endpoint("gateway")["models"]}
        self.assertEqual(names, {"remote/small", "local/small"})
        self.assertEqual(report.code, 0)

    def test_probe_paths(self):
        for path in ("/health/liveliness", "/health/readiness", "/v1/models"):
            with self.subTest(path=path):
                report = self.look(path=path)
                self.assert_verdict(report, "gateway", "HEALTHY")
                self.assertEqual(report.endpoint("gateway")["backend"], "litellm")

    def test_no_key(self):
        with self.unharmed(self.proxy):
            report = status(inventory(gateway={"url": self.proxy.url, "tier": "GATEWAY"}))
        self.assert_verdict(report, "gateway", "MISCONFIGURED", "auth")
        self.assertEqual(report.code, 2)

    def test_wrong_key(self):
        report = self.look(key=cluster.WRONG_KEY)
        self.assert_verdict(report, "gateway", "MISCONFIGURED", "auth")
        self.assert_code(report, "gateway", 400)

    def test_required_models(self):
        self.assert_verdict(self.look(models=["remote/small"]), "gateway", "HEALTHY")
        self.assert_verdict(self.look(models=["nas/embed"]), "gateway", "DEGRADED", "model-missing")

    def test_harmless_depths(self):
        for depth in ("tcp", "http", "scheduler", "progress"):
            with self.subTest(depth=depth), self.unharmed(self.llama), self.unharmed(self.ollama):
                self.assert_verdict(self.look(depth=depth), "gateway", "HEALTHY")

    def test_one_backend_dead_then_all(self):
        self.llama.kill()
        try:
            report = self.look()
            self.assert_verdict(report, "gateway", "DEGRADED", "backend-dead")
            self.assert_verdict(report, "llama", "DOWN", "refused")
            self.assertIn(str(self.llama.port), report.endpoint("gateway")["text"] + report.evidence("gateway"))
            self.ollama.kill()
            try:
                report = self.look()
                self.assert_verdict(report, "gateway", "DOWN", "backend-dead")
                self.assertEqual(report.code, 2)
            finally:
                self.ollama.start()
                self.ollama.wait_ready()
        finally:
            self.llama.start()
            self.llama.wait_ready()
        self.assert_verdict(self.look(), "gateway", "HEALTHY")

    def test_stopped_proxy_is_busy_then_wedged(self):
        self.enterContext(faults.stopped(self.proxy.pid))
        endpoints = {"gateway": with_key(self.proxy.url, timeout=1)}
        report = status(inventory(**endpoints), secrets={"LAB_KEY": cluster.KEY})
        self.assert_verdict(report, "gateway", "BUSY", "timeout-after-accept")
        report = status(inventory(**endpoints), secrets={"LAB_KEY": cluster.KEY}, confirm=3)
        self.assert_verdict(report, "gateway", "WEDGED", "timeout-after-accept")

    def test_three_tiers_and_what_is_left_of_them(self):
        document = {"endpoints": {
            "local/ollama": {"url": self.ollama.url + "/api/tags", "tier": "LOCAL"},
            "remote/llama": {"url": self.llama.url + "/v1/models", "tier": "REMOTE", "timeout": 8},
            "gateway/litellm": with_key(self.proxy.url + "/health/liveliness")}}
        secrets = {"LAB_KEY": cluster.KEY}
        report = status(document, secrets=secrets)
        self.assertEqual([tier["verdict"] for tier in report.document["tiers"]], ["HEALTHY"] * 3)
        with faults.stopped(self.ollama.pid):
            document["endpoints"]["local/ollama"]["timeout"] = 1
            report = status(document, secrets=secrets)
        tiers = {tier["name"]: tier["verdict"] for tier in report.document["tiers"]}
        self.assertEqual(tiers["remote"], "HEALTHY")
        self.assertEqual(tiers["local"], "DEGRADED")
        self.assertEqual(report.code, 1)
        self.assertIn("remote/llama", report.document["prognosis"]["capabilities"]["chat"])


class Open(cluster.LabTest):
    """No master key, and its only backend on a host that the inventory does not know."""

    @classmethod
    def prepare(cls):
        cls.foreign = cls.enterClassContext(socket.socket())
        cls.foreign.bind(("127.0.0.2", 0))
        cls.foreign.listen(8)
        port = cls.foreign.getsockname()[1]
        cls.proxy = cls.enterClassContext(lab.LiteLLMProxy([("a", "openai/a", f"http://127.0.0.2:{port}/v1")]))

    def test_healthy_and_foreign_hosts_left_alone(self):
        with self.unharmed(self.proxy):
            report = status(inventory(gateway={"url": self.proxy.url, "tier": "GATEWAY"}))
        self.assert_verdict(report, "gateway", "HEALTHY")
        for said in self.heard():
            # LiteLLM itself asks a backend for its models when it starts.
            self.assertIn(b"user-agent: litellm/", said)

    def heard(self):
        self.foreign.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            while True:
                connection, _ = self.foreign.accept()
                with connection:
                    connection.settimeout(0.5)
                    yield connection.recv(4096)

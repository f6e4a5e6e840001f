"""A real Ollama: what its API shows, what it hides, and what a probe must not touch."""

import os
import signal
import time

import cluster
import faults
import lab
from cluster import inventory, status

GPU_NODE = {"box": {"host": "127.0.0.1", "gpus": [{"name": "RTX 4090", "memory_gib": 24}]}}
CPU_NODE = {"box": {"host": "127.0.0.1"}}


class OllamaTest(cluster.LabTest):
    n_ctx = 2048

    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.OllamaServer(names=["qwen2.5-coder:7b"], n_ctx=cls.n_ctx))

    def look(self, nodes=None, confirm=None, depth=None, path="", **keys):
        return status(inventory(nodes, llm={"url": self.server.url + path, **keys}), confirm=confirm, depth=depth)


class Idle(OllamaTest):
    """No model is loaded, and none gets loaded."""

    def test_healthy_with_its_models(self):
        with self.unharmed(self.server):
            report = self.look()
        self.assert_verdict(report, "llm", "HEALTHY")
        self.assertEqual(report.endpoint("llm")["backend"], "ollama")
        model = report.model("llm", "qwen2.5-coder:7b")
        self.assertIs(model["loaded"], False)
        self.assertIn("completion", model["capabilities"])
        self.assertEqual(report.code, 0)
        self.assertEqual(report.document["prognosis"]["capabilities"]["chat"], ["llm"])

    def test_any_probe_path(self):
        for path in ("/", "/api/tags", "/api/version", "/api/ps", "/v1/models"):
            with self.subTest(path=path):
                report = self.look(path=path)
                self.assert_verdict(report, "llm", "HEALTHY")
                self.assertEqual(report.endpoint("llm")["backend"], "ollama")

    def test_required_models(self):
        self.assert_verdict(self.look(models=["smollm2", "qwen2.5-coder:7b"]), "llm", "HEALTHY")
        self.assert_verdict(self.look(models=["smollm2:latest"]), "llm", "HEALTHY")
        report = self.look(models=["smollm2", "llama3.2-vision"])
        self.assert_verdict(report, "llm", "DEGRADED", "model-missing")
        self.assertIn("llama3.2-vision", report.endpoint("llm")["text"] + report.evidence("llm"))

    def test_wrong_backend(self):
        self.assert_verdict(self.look(backend="llamacpp"), "llm", "MISCONFIGURED", "wrong-backend")

    def test_canary_loads_nothing(self):
        with self.unharmed(self.server):
            report = self.look(depth="canary")
        self.assert_verdict(report, "llm", "HEALTHY")
        self.assertEqual(self.server.loaded(), [])

    def test_declared_gpu_without_a_loaded_model(self):
        self.assert_verdict(self.look(GPU_NODE, node="box"), "llm", "HEALTHY")


class Loaded(OllamaTest):
    def setUp(self):
        super().setUp()
        self.server.generate()

    def test_loaded_model_with_its_memory(self):
        with self.unharmed(self.server):
            report = self.look()
        self.assert_verdict(report, "llm", "HEALTHY")
        model = report.model("llm", "smollm2:latest")
        self.assertIs(model["loaded"], True)
        self.assertEqual(model["vram_bytes"], 0)
        self.assertGreater(model["size_bytes"], 90_000_000)
        self.assertEqual(model["context"], 2048)

    def test_on_the_cpu_is_degraded_where_a_gpu_is_declared(self):
        report = self.look(GPU_NODE, node="box")
        self.assert_verdict(report, "llm", "DEGRADED", "cpu-fallback")
        self.assertEqual(report.code, 1)
        self.assert_verdict(self.look(CPU_NODE, node="box"), "llm", "HEALTHY")

    def test_canary_generates_once(self):
        before = self.server.harm()
        report = self.look(depth="canary")
        self.assert_verdict(report, "llm", "HEALTHY")
        after = self.server.harm()
        self.assertEqual(after["load"], before["load"])
        self.assertEqual(after["post"], before["post"] + 1)

    def test_stopped_or_killed_idle_runner_is_not_seen_and_that_is_said(self):
        runner = self.server.runners()[0]
        with faults.stopped(runner), self.unharmed(self.server):
            report = self.look()
            self.assert_verdict(report, "llm", "HEALTHY")
            self.assertRegex(report.evidence("llm").lower(), "not |only|canary|cannot|unseen")
        os.kill(runner, signal.SIGKILL)
        with self.unharmed(self.server):
            self.assert_verdict(self.look(), "llm", "HEALTHY")

    def test_polled_during_a_load_without_aborting_it(self):
        self.server.unload()
        before = self.server.harm()
        with faults.ollama_request(self.server, words=5) as request:
            time.sleep(0.1)
            while request.pending():
                self.assert_verdict(self.look(timeout=1), "llm", "HEALTHY")
        after = self.server.harm()
        self.assertEqual(after["abort"], before["abort"])
        self.assertEqual(after["load"], before["load"] + 1)


class InFlight(OllamaTest):
    """A request at work on a model that is past its time: the one sign of work there is."""

    n_ctx = 8192

    def test_request_in_flight_is_busy(self):
        with faults.overdue(self.server):
            report = self.look()
            self.assert_verdict(report, "llm", "BUSY", "busy")
            self.assertEqual(report.code, 1)

    def test_stopped_runner_is_busy_then_wedged(self):
        with faults.overdue(self.server):
            with faults.stopped(self.server.runners()[0]):
                self.assert_verdict(self.look(), "llm", "BUSY", "busy")
                report = self.look(confirm=6)
                self.assert_verdict(report, "llm", "WEDGED", "stalled")
                self.assert_within(report, 6 + 5)
                self.assertEqual(report.code, 2)

    def test_request_that_ends_while_one_looks_is_not_wedged(self):
        with faults.overdue(self.server) as request, faults.later(1.5, request.drop):
            report = self.look(confirm=30)
        self.assert_verdict(report, "llm", "HEALTHY")
        self.assertLess(report.elapsed, 28)


class Process(OllamaTest):
    def test_stopped_is_busy_then_wedged_then_healthy(self):
        with faults.stopped(self.server.pid):
            report = self.look(timeout=1)
            self.assert_verdict(report, "llm", "BUSY", "timeout-after-accept")
            self.assert_within(report, 1)
            report = self.look(timeout=1, confirm=3)
            self.assert_verdict(report, "llm", "WEDGED", "timeout-after-accept")
            self.assert_within(report, 4)
        self.assert_verdict(self.look(), "llm", "HEALTHY")

    def test_killed_is_down_and_comes_back(self):
        self.server.kill()
        try:
            report = self.look()
        finally:
            self.server.start()
            self.server.wait_ready()
        self.assert_verdict(report, "llm", "DOWN", "refused")
        self.assert_verdict(self.look(), "llm", "HEALTHY")

    @cluster.slow
    def test_canary_at_a_stopped_runner_waits_and_aborts_nothing(self):
        self.server.generate()
        before = self.server.harm()["abort"]
        with faults.stopped(self.server.runners()[0]):
            report = status(inventory(llm={"url": self.server.url}), depth="canary", limit=300)
        self.assertEqual(self.server.harm()["abort"], before)
        canary = [item for item in report.endpoint("llm")["evidence"] if item["layer"] == "canary"]
        self.assertTrue(canary, report.evidence("llm"))
        # Ollama replaces a runner that does not answer, so a patient canary gets its token at last.
        self.assertTrue(canary[0]["cause"] != "none" or canary[0]["elapsed_ms"] > 5000, canary)

"""A real llama.cpp server in every state that `homelab status` has a name for."""

import time

import cluster
import faults
import lab
from cluster import inventory, status


class Ready(cluster.LabTest):
    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.LlamaServer(alias="smollm2"))

    def look(self, path="", depth=None, **keys):
        with self.unharmed(self.server):
            return status(inventory(llm={"url": self.server.url + path, **keys}), depth=depth)

    def test_healthy_with_its_model(self):
        report = self.look()
        self.assert_verdict(report, "llm", "HEALTHY")
        self.assertEqual(report.endpoint("llm")["backend"], "llamacpp")
        model = report.model("llm", "smollm2")
        self.assertIs(model["loaded"], True)
        self.assertIn("completion", model["capabilities"])
        self.assertEqual(model["context"], 1024)
        self.assertEqual(report.code, 0)

    def test_any_probe_path_and_trailing_slash(self):
        for path in ("/", "/health", "/v1/models", "/props", "/metrics"):
            with self.subTest(path=path):
                report = self.look(path)
                self.assert_verdict(report, "llm", "HEALTHY")
                self.assertEqual(report.endpoint("llm")["backend"], "llamacpp")

    def test_every_harmless_depth(self):
        for depth in ("tcp", "http", "scheduler", "progress"):
            with self.subTest(depth=depth):
                self.assert_verdict(self.look(depth=depth), "llm", "HEALTHY")

    def test_declared_backend(self):
        self.assert_verdict(self.look(backend="llamacpp"), "llm", "HEALTHY")
        self.assert_verdict(self.look(backend="openai"), "llm", "HEALTHY")

    def test_wrong_backend(self):
        self.assert_verdict(self.look(backend="ollama"), "llm", "MISCONFIGURED", "wrong-backend")

    def test_required_models(self):
        self.assert_verdict(self.look(models=["smollm2"]), "llm", "HEALTHY")
        report = self.look(models=["smollm2", "qwen2.5-coder:7b"])
        self.assert_verdict(report, "llm", "DEGRADED", "model-missing")
        self.assertIn("qwen2.5-coder:7b", report.endpoint("llm")["text"] + report.evidence("llm"))
        self.assertEqual(report.code, 1)

    def test_canary_asks_for_one_token(self):
        before = self.server.harm()
        report = status(inventory(llm={"url": self.server.url}), depth="canary")
        self.assert_verdict(report, "llm", "HEALTHY")
        after = self.server.harm()
        self.assertEqual(after["task"], before["task"] + 1)
        self.assertEqual(after["tokens_predicted_total"], before["tokens_predicted_total"] + 1)
        self.assertIn("canary", [item["layer"] for item in report.endpoint("llm")["evidence"]])

    def test_prognosis_names_what_it_serves(self):
        served = self.look().document["prognosis"]["capabilities"]
        for task in ("chat", "code", "reason", "fast"):
            self.assertEqual(served[task], ["llm"])


class Work(cluster.LabTest):
    """One slot, one thread: busy, frozen, stopped, killed."""

    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.LlamaServer(alias="smollm2", n_parallel=1, n_ctx=8192, n_batch=128))

    def look(self, confirm=None, timeout=2):
        report = status(inventory(llm={"url": self.server.url, "timeout": timeout}), confirm=confirm)
        self.assert_within(report, (confirm or 0) + timeout)
        return report

    def test_long_prompt_is_busy_however_long_one_looks(self):
        with faults.long_prompt(self.server):
            report = self.look()
            self.assert_verdict(report, "llm", "BUSY", "busy")
            self.assertEqual(report.code, 1)
            self.assert_verdict(self.look(confirm=10), "llm", "BUSY", "busy")

    def test_frozen_inference_is_busy_then_wedged(self):
        with faults.long_prompt(self.server), faults.busiest_thread_stopped(self.server.pid):
            self.assert_verdict(self.look(), "llm", "BUSY", "busy")
            report = self.look(confirm=5)
            self.assert_verdict(report, "llm", "WEDGED", "stalled")
            self.assertEqual(report.code, 2)
        self.assert_verdict(self.look(), "llm", "HEALTHY")

    def test_stopped_is_busy_then_wedged_then_healthy(self):
        with faults.stopped(self.server.pid):
            report = self.look()
            self.assert_verdict(report, "llm", "BUSY", "timeout-after-accept")
            self.assert_within(report, 2)
            report = self.look(confirm=4)
            self.assert_verdict(report, "llm", "WEDGED", "timeout-after-accept")
            self.assertEqual(report.code, 2)
        self.assert_verdict(self.look(), "llm", "HEALTHY")

    def test_stopped_only_for_a_moment_is_not_wedged(self):
        with faults.later(1.5, self.server.thaw), faults.stopped(self.server.pid):
            report = self.look(confirm=8, timeout=1)
        self.assert_verdict(report, "llm", "HEALTHY")
        self.assertLess(report.elapsed, 8, "it went on looking at an endpoint that had become clear")

    def test_killed_is_down_and_comes_back(self):
        self.server.kill()
        try:
            report = self.look()
        finally:
            self.server.start()
            self.server.wait_ready()
        self.assert_verdict(report, "llm", "DOWN", "refused")
        self.assert_code(report, "llm", 111)
        self.assertEqual(report.code, 2)
        self.assertLess(report.elapsed, cluster.SLACK)
        self.assert_verdict(self.look(), "llm", "HEALTHY")

    @cluster.slow
    def test_large_batches_are_busy(self):
        with lab.LlamaServer(n_parallel=1, n_ctx=8192, n_batch=512) as server, faults.long_prompt(server):
            report = status(inventory(llm={"url": server.url}), confirm=40)
            self.assert_verdict(report, "llm", "BUSY", "busy")


class SecondSlot(cluster.LabTest):
    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.LlamaServer(n_parallel=2, n_ctx=16384, n_batch=128))

    def test_frozen_with_a_free_slot_is_wedged_all_the_same(self):
        with faults.long_prompt(self.server), faults.busiest_thread_stopped(self.server.pid):
            report = status(inventory(llm={"url": self.server.url}), confirm=5)
            self.assert_verdict(report, "llm", "WEDGED", "stalled")


class Loading(cluster.LabTest):
    @classmethod
    def prepare(cls):
        cls.server, cls.held = cls.enterClassContext(faults.loading(api_key=cluster.KEY))

    def test_loading_whatever_the_key_and_the_path(self):
        for path in ("", "/health", "/v1/models"):
            for key in ({}, {"api_key": "env:LAB_KEY"}):
                with self.subTest(path=path, key=key):
                    report = status(inventory(llm={"url": self.server.url + path, **key}),
                                    secrets={"LAB_KEY": cluster.WRONG_KEY})
                    self.assert_verdict(report, "llm", "LOADING", "loading")
                    self.assert_code(report, "llm", 503)
                    self.assertEqual(report.code, 1)

    def test_loading_is_clear_and_not_confirmed(self):
        report = status(inventory(llm={"url": self.server.url}), confirm=6)
        self.assert_verdict(report, "llm", "LOADING", "loading")
        self.assertLess(report.elapsed, 5)

    def test_ready_at_last(self):
        self.held.release()
        self.server.wait_ready()
        report = status(inventory(llm={"url": self.server.url, "api_key": "env:LAB_KEY"}),
                        secrets={"LAB_KEY": cluster.KEY})
        self.assert_verdict(report, "llm", "HEALTHY")


class Sleeping(cluster.LabTest):
    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.LlamaServer(alias="smollm2", sleep_idle_seconds=1))
        lab.wait_until(cls.server.asleep, 20, "sleep")

    def test_left_asleep_at_every_depth(self):
        for depth in ("http", "scheduler", "progress", "canary"):
            with self.subTest(depth=depth), self.unharmed(self.server):
                report = status(inventory(llm={"url": self.server.url, "models": ["smollm2"]}), depth=depth)
                self.assertEqual(report.endpoint("llm")["verdict"], "HEALTHY", report.evidence("llm"))
                self.assertTrue(self.server.asleep())

    def test_sleeping_is_told(self):
        report = status(inventory(llm={"url": self.server.url}))
        self.assert_verdict(report, "llm", "HEALTHY", "sleeping")
        self.assertEqual(report.code, 0)


class Keyed(cluster.LabTest):
    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.LlamaServer(alias="smollm2", api_key=cluster.KEY))

    def look(self, secrets=None, **keys):
        with self.unharmed(self.server):
            return status(inventory(llm={"url": self.server.url, **keys}), secrets=secrets)

    def test_no_key(self):
        report = self.look()
        self.assert_verdict(report, "llm", "MISCONFIGURED", "auth")
        self.assert_code(report, "llm", 401)
        self.assertEqual(report.code, 2)

    def test_wrong_key(self):
        report = self.look({"LAB_KEY": cluster.WRONG_KEY}, api_key="env:LAB_KEY")
        self.assert_verdict(report, "llm", "MISCONFIGURED", "auth")
        self.assert_code(report, "llm", 401)

    def test_unset_key_variable(self):
        report = self.look(api_key="env:LAB_KEY_THAT_NOBODY_SET")
        self.assert_verdict(report, "llm", "MISCONFIGURED", "auth")
        self.assertIn("LAB_KEY_THAT_NOBODY_SET", report.endpoint("llm")["text"] + report.evidence("llm"))

    def test_right_key(self):
        report = self.look({"LAB_KEY": cluster.KEY}, api_key="env:LAB_KEY")
        self.assert_verdict(report, "llm", "HEALTHY")
        self.assertIs(report.model("llm", "smollm2")["loaded"], True)


class WithoutMetrics(cluster.LabTest):
    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.LlamaServer(metrics=False, slots=False, n_parallel=1, n_ctx=8192,
                                                           n_batch=128))

    def test_judged_at_http_and_says_so(self):
        with self.unharmed(self.server):
            report = status(inventory(llm={"url": self.server.url}))
        self.assert_verdict(report, "llm", "HEALTHY")
        self.assertIn("progress", report.evidence("llm").lower())

    def test_stopped_is_seen_all_the_same(self):
        with faults.stopped(self.server.pid):
            time.sleep(0.1)
            report = status(inventory(llm={"url": self.server.url, "timeout": 1}), confirm=3)
        self.assert_verdict(report, "llm", "WEDGED", "timeout-after-accept")


class Embedding(cluster.LabTest):
    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.LlamaServer(alias="nomic-embed-text", embedding=True))

    def test_healthy(self):
        for depth in (None, "canary"):
            with self.subTest(depth=depth):
                report = status(inventory(llm={"url": self.server.url, "models": ["nomic-embed-text"]}), depth=depth)
                self.assert_verdict(report, "llm", "HEALTHY")

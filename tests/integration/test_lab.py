"""The faults of the lab are real: what each one looks like on the wire, without the library."""

import contextlib
import os
import signal
import time

import cluster
import faults
import lab
import wire


class Llama(cluster.LabTest):
    needs_program = False

    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.LlamaServer(n_parallel=1, n_ctx=8192, n_batch=128))

    def test_long_prompt_is_work_that_advances(self):
        with faults.long_prompt(self.server):
            start = self.server.metrics()
            self.assertEqual(start["requests_processing"], 1)
            lab.wait_until(lambda: self.server.metrics()["n_decode_total"] > start["n_decode_total"] + 1, 30,
                           "the counter")

    def test_stopped_thread_freezes_work_behind_a_live_api(self):
        with faults.long_prompt(self.server) as request, faults.busiest_thread_stopped(self.server.pid):
            first = self.server.metrics()
            time.sleep(4)
            for path in ("/health", "/v1/models", "/props", "/slots"):
                self.assertEqual(self.server.get(path, 1).status, 200)
            last = self.server.metrics()
            self.assertEqual(last["n_decode_total"], first["n_decode_total"])
            self.assertEqual(last["requests_processing"], 1)
            self.assertTrue(request.pending())

    def test_stopped_server_accepts_and_says_nothing(self):
        with faults.stopped(self.server.pid), self.assertRaises(TimeoutError):
            self.server.get("/health", 1)
        self.assertEqual(self.server.get("/health").status, 200)

    def test_killed_server_refuses(self):
        self.server.kill()
        try:
            with self.assertRaises(ConnectionRefusedError):
                self.server.get("/health")
        finally:
            self.server.start()
            self.server.wait_ready()


class LlamaModes(cluster.LabTest):
    needs_program = False

    @classmethod
    def prepare(cls):
        lab.component("llamacpp")
        lab.component("model")

    def test_loading_is_answered_before_the_key_and_on_every_path(self):
        with faults.loading(api_key=cluster.KEY) as (server, _):
            for path in ("/health", "/v1/models", "/props", "/metrics", "/nope"):
                answer = server.get(path, headers={})
                self.assertEqual(answer.status, 503)
                self.assertEqual(answer.json()["error"]["message"], "Loading model")

    def test_sleep_is_ended_by_slots_only(self):
        with lab.LlamaServer(sleep_idle_seconds=1) as server:
            lab.wait_until(server.asleep, 20, "sleep")
            before = server.harm()
            for path in ("/health", "/v1/models", "/props", "/metrics"):
                self.assertEqual(server.get(path).status, 200)
            self.assertTrue(server.asleep())
            self.assertEqual(server.harm(), before)
            server.get("/slots")
            self.assertEqual(server.harm()["wake"], before["wake"] + 1)


class Ollama(cluster.LabTest):
    needs_program = False

    @classmethod
    def prepare(cls):
        cls.server = cls.enterClassContext(lab.OllamaServer())

    def test_a_stopped_idle_runner_cannot_be_seen(self):
        self.server.generate()
        with faults.stopped(self.server.runners()[0]):
            for path in ("/", "/api/version", "/api/tags", "/api/ps"):
                self.assertEqual(self.server.get(path, 1).status, 200)
            self.assertEqual(len(self.server.loaded()), 1)

    def test_a_killed_idle_runner_heals_when_asked(self):
        self.server.generate()
        runner = self.server.runners()[0]
        os.kill(runner, signal.SIGKILL)
        self.assertEqual(len(self.server.loaded()), 1)
        self.server.generate()
        self.assertNotEqual(self.server.runners(), [runner])

    def test_a_request_in_flight_shows_as_expired_and_listed(self):
        with faults.overdue(self.server):
            time.sleep(2)
            self.assertEqual(len(self.server.loaded()), 1)

    def test_a_client_that_goes_aborts_the_load(self):
        self.server.generate()
        self.server.unload()
        before = self.server.harm()
        with faults.ollama_request(self.server):
            lab.wait_until(lambda: self.server.harm()["load"] > before["load"], 20, "the load", 0.01)
        lab.wait_until(lambda: self.server.harm()["abort"] > before["abort"], 20, "the abort")


class LiteLLM(cluster.LabTest):
    needs_program = False

    @classmethod
    def prepare(cls):
        with contextlib.closing(lab.LlamaServer()) as dead:
            backends = [("remote/small", "openai/smollm2", dead.url + "/v1")]
        cls.server = cls.enterClassContext(lab.LiteLLMProxy(backends, cluster.KEY))

    def test_alive_with_every_backend_dead(self):
        self.assertEqual(self.server.get("/health/liveliness").text, '"I\'m alive!"')
        self.assertEqual(self.server.get("/health/readiness").status, 200)

    def test_no_key_and_wrong_key_are_no_401(self):
        wrong = {"Authorization": f"Bearer {cluster.WRONG_KEY}"}
        for path in ("/v1/models", "/model/info"):
            self.assertEqual(self.server.get(path, headers={}).status, 500)
            self.assertEqual(self.server.get(path, headers=wrong).status, 400)
            self.assertEqual(self.server.get(path).status, 200)


class Network(cluster.LabTest):
    needs_program = False

    def test_a_black_hole_drops_connections(self):
        with faults.black_hole() as port:
            start = time.monotonic()
            with self.assertRaises(TimeoutError):
                wire.exchange(port, "/", timeout=1)
            self.assertGreater(time.monotonic() - start, 0.9)

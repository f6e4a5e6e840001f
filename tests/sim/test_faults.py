"""Every scripted fault, looked at on the wire."""

import json
import random
import ssl
import threading
import time
import unittest

import simulator as sim

MODELS = [{"name": "a:latest", "loaded": True, "load": 0.3}, {"name": "b:latest", "load": 0.3}]


def scenario(**endpoints):
    for endpoint in endpoints.values():
        endpoint.setdefault("tier", "local")
    nodes = {"gpu0": {"host": "127.0.0.1", "gpus": [{"name": "G", "memory_gib": 24}]}}
    return {"nodes": nodes, "endpoints": endpoints}


def ollama(**more):
    return {"backend": "ollama", "models": MODELS, "node": "gpu0", **more}


class Wire(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = sim.Simulator(
            scenario(
                o=ollama(),
                l={"backend": "llamacpp", "models": [{"name": "m"}], "slots": 2},
                v={"backend": "vllm", "models": [{"name": "m"}]},
                t={"backend": "tcp", "banner": "SSH-2.0-test\r\n"},
                w={"backend": "http", "routes": {"/": {"body": "fine"}, "/a": {"body": "page a"}}},
            )
        )

    @classmethod
    def tearDownClass(cls):
        assert cls.sim.close() == 0

    def tearDown(self):
        for endpoint in "olvtw":
            self.sim.control("DELETE", f"/sim/endpoint/{endpoint}/fault")

    def send(self, endpoint="o", path="/api/tags"):
        sock = self.sim.connect(endpoint)
        self.addCleanup(sock.close)
        sock.sendall(sim.request_bytes(path))
        return sock

    # ---- before a connection ----

    def test_refused_and_back(self):
        kept = self.sim.connect("o")
        self.addCleanup(kept.close)
        kept.sendall(sim.request_bytes("/"))
        self.assertEqual(sim.read_answer(kept).status, 200)
        self.sim.fault("o", {"fault": "refused"})
        self.assertEqual(sim.connect_result(self.sim.address("o")), "refused")
        self.assertEqual(sim.outcome(kept)[1], "closed")
        self.sim.fault("o")
        self.assertEqual(self.sim.ask("o").status, 200)

    def test_drop_syn_and_back(self):
        kept = self.sim.connect("o")
        self.addCleanup(kept.close)
        self.sim.fault("o", {"fault": "drop_syn"})
        for _ in range(3):
            self.assertEqual(sim.connect_result(self.sim.address("o"), 0.4), "silent")
        kept.sendall(sim.request_bytes("/"))
        self.assertEqual(sim.outcome(kept, 0.3)[:2], (b"", "silent"))
        self.sim.fault("o")
        kept.settimeout(2)
        self.assertEqual(sim.read_answer(kept).status, 200)
        self.assertEqual(self.sim.ask("o").status, 200)

    # ---- after accept ----

    def test_hang_after_accept_is_answered_when_over(self):
        self.sim.fault("o", {"fault": "hang"})
        sock = self.send()
        self.assertEqual(sim.outcome(sock, 0.3)[:2], (b"", "silent"))
        self.sim.fault("o")
        sock.settimeout(2)
        self.assertEqual(sim.read_answer(sock).status, 200)

    def test_hang_in_time(self):
        self.sim.fault("o", {"fault": "hang", "for": 0.5})
        start = time.monotonic()
        sock = self.send()
        sock.settimeout(3)
        self.assertEqual(sim.read_answer(sock).status, 200)
        self.assertGreater(time.monotonic() - start, 0.4)

    def test_hang_client_leaves(self):
        self.sim.fault("o", {"fault": "hang", "stage": "request"})
        for _ in range(3):
            sock = self.send()
            self.assertEqual(sim.outcome(sock, 0.1)[:2], (b"", "silent"))
            sock.close()
        time.sleep(0.2)
        self.assertEqual(self.sim.stats("o")["open_connections"], 0)

    def test_reset(self):
        expected = {"accept": 0, "request": 0, "header": 1, "body": 1}
        for stage, some in expected.items():
            with self.subTest(stage):
                self.sim.fault("o", {"fault": "reset", "stage": stage})
                try:
                    data, end, _ = sim.outcome(self.send(), 1)
                except ConnectionResetError:
                    data, end = b"", "reset"
                self.assertEqual(end, "reset")
                self.assertEqual(len(data) > 0, some == 1)

    def test_close(self):
        for stage in ("accept", "request", "header", "body"):
            with self.subTest(stage):
                self.sim.fault("o", {"fault": "close", "stage": stage})
                data, end, _ = sim.outcome(self.send(), 1)
                self.assertEqual(end, "closed")
                self.check_part(stage, data)

    def test_half_close(self):
        for stage in ("accept", "request", "header", "body"):
            with self.subTest(stage):
                self.sim.fault("o", {"fault": "half_close", "stage": stage})
                sock = self.send()
                data, end, _ = sim.outcome(sock, 1)
                self.assertEqual(end, "closed")
                self.check_part(stage, data)
                # The other direction is still open: no reset for what is sent now.
                sock.sendall(b"x" * 1000)
                time.sleep(0.05)
                sock.sendall(b"x")

    def test_silence_in_the_middle(self):
        for stage in ("header", "body"):
            with self.subTest(stage):
                self.sim.fault("o", {"fault": "hang", "stage": stage})
                data, end, _ = sim.outcome(self.send(), 0.3)
                self.assertEqual(end, "silent")
                self.check_part(stage, data)

    def check_part(self, stage, data):
        if stage in ("accept", "request"):
            self.assertEqual(data, b"")
        elif stage == "header":
            self.assertTrue(data.startswith(b"HTTP/1.1"), data)
            self.assertNotIn(b"\r\n\r\n", data)
        else:
            head, _, body = data.partition(b"\r\n\r\n")
            promised = int(sim.Answer(head, body, False).header("Content-Length"))
            self.assertEqual(len(body), promised // 2)

    def test_slow_header(self):
        self.sim.fault("o", {"fault": "slow_header", "seconds": 0.02, "bytes": 10})
        data, end, seconds = sim.outcome(self.send(), 1)
        self.assertEqual(end, "closed")
        self.assertGreater(seconds, 0.02 * (len(data) / 10 - 2))
        self.assertEqual(len(json.loads(data.partition(b"\r\n\r\n")[2])["models"]), 2)

    def test_slow_body(self):
        self.sim.fault("o", {"fault": "slow_body", "seconds": 0.02, "bytes": 20})
        sock = self.send()
        sock.settimeout(1)
        first = sock.recv(65536)
        self.assertIn(b"\r\n\r\n", first)
        rest, end, seconds = sim.outcome(sock, 1)
        self.assertEqual(end, "closed")
        self.assertGreater(seconds, 0.02 * (len(rest) / 20 - 2))
        json.loads((first + rest).partition(b"\r\n\r\n")[2])

    def test_garbage(self):
        self.sim.fault("o", {"fault": "garbage"})
        self.assertEqual(sim.outcome(self.send(), 1)[:2], (b"SSH-2.0-OpenSSH_9.2p1\r\n", "closed"))
        self.sim.fault("o", {"fault": "garbage", "body": "220 mail\r\n"})
        self.assertEqual(sim.outcome(self.send(), 1)[0], b"220 mail\r\n")

    def test_on_a_kept_connection(self):
        sock = self.send()
        self.assertEqual(sim.read_answer(sock).status, 200)
        self.sim.fault("o", {"fault": "reset"})
        sock.sendall(sim.request_bytes("/api/tags"))
        self.assertEqual(sim.outcome(sock, 1)[:2], (b"", "reset"))

    def test_tcp(self):
        with self.sim.connect("t") as sock:
            self.assertEqual(sim.outcome(sock, 0.2)[:2], (b"SSH-2.0-test\r\n", "silent"))
        self.sim.fault("t", {"fault": "close"})
        with self.sim.connect("t") as sock:
            self.assertEqual(sim.outcome(sock, 1)[:2], (b"", "closed"))
        self.sim.fault("t", {"fault": "loading"})
        self.assertEqual(sim.connect_result(self.sim.address("t")), "refused")

    # ---- answers ----

    def test_latency(self):
        self.sim.fault("o", {"fault": "latency", "seconds": 0.4})
        start = time.monotonic()
        self.assertEqual(self.sim.ask("o", "/api/version").json()["version"], "0.17.4")
        self.assertGreater(time.monotonic() - start, 0.38)

    def test_status(self):
        for status in (401, 403, 404, 429, 500, 502, 503):
            for endpoint in "olvw":
                with self.subTest(status=status, endpoint=endpoint):
                    self.sim.fault(endpoint, {"fault": "status", "status": status, "retry_after": 7})
                    answer = self.sim.ask(endpoint, "/v1/models")
                    self.assertEqual(answer.status, status)
                    self.assertEqual(answer.header("Retry-After"), "7")
        self.sim.fault("o", {"fault": "status", "status": 418, "body": "no coffee"})
        self.assertEqual(self.sim.ask("o").body, b"no coffee")

    def test_queue_full(self):
        self.sim.fault("o", {"fault": "queue_full"})
        self.assertEqual(self.sim.ask("o", "/api/tags").status, 200)
        answer = self.sim.ask("o", "/api/generate", "POST", {"model": "a", "prompt": "x"})
        self.assertEqual(answer.status, 503)
        self.assertIn("server busy", answer.json()["error"])
        self.sim.fault("o", {"fault": "queue_full", "paths": ["/api/ps"]})
        self.assertEqual(self.sim.ask("o", "/api/ps").status, 503)

    def test_wrong_body(self):
        self.sim.fault("o", {"fault": "wrong_body"})
        answer = self.sim.ask("o")
        self.assertEqual((answer.status, answer.body), (200, b"hello"))

    def test_bad_json(self):
        self.sim.fault("o", {"fault": "bad_json"})
        answer = self.sim.ask("o", "/api/tags")
        self.assertTrue(answer.complete)
        self.assertRaises(ValueError, answer.json)

    def test_huge_body(self):
        self.sim.fault("o", {"fault": "huge_body", "bytes": 5000000})
        answer = self.sim.ask("o", "/api/tags")
        self.assertEqual(len(answer.body), 5000000)
        self.assertEqual(answer.header("Content-Length"), "5000000")
        self.sim.fault("o", {"fault": "huge_body"})
        sock = self.send()
        head = sock.recv(4000)
        self.assertIn(b"Content-Length: 1073741824", head)

    def test_endless_body(self):
        self.sim.fault("o", {"fault": "endless_body"})
        sock = self.send()
        total = 0
        while total < 20000000:
            total += len(sock.recv(1 << 20))
        sock.close()
        self.sim.fault("o")
        self.assertEqual(self.sim.ask("o").status, 200)

    def test_redirects(self):
        self.sim.fault("w", {"fault": "redirect"})
        answer = self.sim.ask("w", "/a")
        self.assertEqual((answer.status, answer.header("Location")), (302, "/elsewhere"))
        self.assertEqual(self.sim.ask("w", "/elsewhere").status, 404)
        self.sim.fault("w", {"fault": "redirect", "location": "http://127.0.0.1:9/x", "status": 308})
        answer = self.sim.ask("w", "/a")
        self.assertEqual((answer.status, answer.header("Location")), (308, "http://127.0.0.1:9/x"))
        self.sim.fault("w", {"fault": "redirect_loop"})
        answer = self.sim.ask("w", "/a")
        self.assertEqual((answer.status, answer.header("Location")), (302, "/a"))

    def test_paths(self):
        self.sim.fault("o", {"fault": "status", "status": 500, "paths": ["/api/p*", "/v1/models"]})
        self.assertEqual(self.sim.ask("o", "/api/ps").status, 500)
        self.assertEqual(self.sim.ask("o", "/v1/models").status, 500)
        self.assertEqual(self.sim.ask("o", "/api/tags").status, 200)

    # ---- windows ----

    def test_window_in_requests(self):
        self.sim.fault("o", {"fault": "status", "status": 500, "after_requests": 1, "for_requests": 2})
        self.assertEqual([self.sim.ask("o").status for _ in range(4)], [200, 500, 500, 200])

    def test_every_few_requests(self):
        self.sim.fault("o", {"fault": "status", "status": 500, "every_requests": 3, "burst_requests": 1})
        self.assertEqual([self.sim.ask("o").status for _ in range(6)], [500, 200, 200] * 2)

    def test_connections_that_a_fault_ends_count_as_requests(self):
        self.sim.fault("o", {"fault": "close", "for_requests": 2})
        ends = []
        for _ in range(3):
            try:
                ends.append(self.sim.ask("o").status)
            except (EOFError, ConnectionError):
                ends.append("closed")
        self.assertEqual(ends, ["closed", "closed", 200])

    def test_parked_connections_keep_their_own_window(self):
        self.sim.fault("o", {"fault": "hang", "for_requests": 1})
        first = self.send()
        self.assertEqual(self.sim.ask("o").status, 200)
        self.assertEqual(sim.outcome(first, 0.2)[:2], (b"", "silent"))

    def test_dies_after_a_request(self):
        self.sim.fault("o", {"fault": "refused", "after_requests": 1})
        self.assertEqual(self.sim.ask("o").status, 200)
        self.assertEqual(sim.connect_result(self.sim.address("o")), "refused")

    def test_flapping(self):
        self.sim.fault("o", {"fault": "refused", "period": 0.4, "duty": 0.5})
        seen = set()
        for _ in range(40):
            seen.add(sim.connect_result(self.sim.address("o")))
            time.sleep(0.025)
        self.assertEqual(seen, {"open", "refused"})

    def test_window_in_time(self):
        self.sim.fault("o", {"fault": "status", "status": 500, "at": 0.3, "for": 0.4})
        seen = []
        for _ in range(10):
            seen.append(self.sim.ask("o").status)
            time.sleep(0.1)
        self.assertEqual(seen[0], 200)
        self.assertIn(500, seen)
        self.assertEqual(seen[-1], 200)

    # ---- state ----

    def test_loading(self):
        self.sim.fault("l", {"fault": "loading", "for": 0.5})
        for path in ("/health", "/v1/models", "/metrics", "/nope"):
            answer = self.sim.ask("l", path)
            self.assertEqual(answer.status, 503)
            self.assertEqual(answer.json()["error"]["message"], "Loading model")
        time.sleep(0.6)
        self.assertEqual(self.sim.ask("l", "/health").json(), {"status": "ok"})
        self.sim.fault("v", {"fault": "loading"})
        self.assertEqual(sim.connect_result(self.sim.address("v")), "refused")
        self.sim.fault("o", {"fault": "loading"})
        self.assertEqual(self.sim.ask("o", "/api/ps").json(), {"models": []})

    def metrics(self):
        text = self.sim.ask("l", "/metrics").body.decode()
        lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
        return {name.partition(":")[2]: float(value) for name, value in lines}

    def test_busy_advances(self):
        self.assertEqual(self.metrics()["requests_processing"], 0)
        self.sim.fault("l", {"fault": "busy"})
        before = self.metrics()
        time.sleep(0.5)
        after = self.metrics()
        self.assertEqual(before["requests_processing"], 2)
        self.assertGreater(after["n_decode_total"], before["n_decode_total"])
        self.sim.fault("l", {"fault": "busy", "slots": 1})
        self.assertEqual(self.metrics()["requests_processing"], 1)
        answer = self.sim.ask("l", "/v1/chat/completions", "POST", {"messages": []})
        self.assertEqual(answer.status, 200)

    def test_busy_keeps_waiting(self):
        self.sim.fault("l", {"fault": "busy", "for": 0.6})
        start = time.monotonic()
        self.assertEqual(self.sim.ask("l", "/v1/chat/completions", "POST", {}).status, 200)
        self.assertGreater(time.monotonic() - start, 0.5)

    def test_wedge_stands_still(self):
        self.sim.fault("l", {"fault": "wedge"})
        before = self.metrics()
        with self.sim.connect("l") as sock:
            sock.sendall(sim.request_bytes("/v1/chat/completions", "POST", {}))
            self.assertEqual(sim.outcome(sock, 0.4)[:2], (b"", "silent"))
            after = self.metrics()
        self.assertEqual(before["requests_processing"], 1)
        self.assertEqual(before["n_decode_total"], after["n_decode_total"])
        self.assertEqual(self.sim.ask("l", "/health").status, 200)

    def test_wedge_without_sign(self):
        self.sim.fault("l", {"fault": "wedge", "in_flight": False})
        self.assertEqual(self.metrics()["requests_processing"], 0)

    def test_expires_at(self):
        def expiry():
            text = self.sim.ask("o", "/api/ps").json()["models"][0]["expires_at"]
            now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            return "past" if text < now else "future"

        self.assertEqual(expiry(), "future")
        for fault in ("busy", "wedge"):
            self.sim.fault("o", {"fault": fault})
            time.sleep(1.1)
            self.assertEqual(expiry(), "past")
            self.sim.fault("o")
            self.assertEqual(expiry(), "future")

    def test_cpu_fallback(self):
        def model():
            return self.sim.ask("o", "/api/ps").json()["models"][0]

        self.assertEqual(model()["size_vram"], model()["size"])
        self.sim.fault("o", {"fault": "cpu_fallback"})
        self.assertEqual(model()["size_vram"], 0)
        self.sim.fault("o", {"fault": "cpu_fallback", "fraction": 0.25})
        self.assertAlmostEqual(model()["size_vram"], model()["size"] / 4, delta=1)

    def test_model_missing(self):
        def names():
            return [model["name"] for model in self.sim.ask("o", "/api/tags").json()["models"]]

        self.sim.fault("o", {"fault": "model_missing"})
        self.assertEqual(names(), ["b:latest"])
        self.sim.fault("o", {"fault": "model_missing", "model": "b:latest"})
        self.assertEqual(names(), ["a:latest"])
        answer = self.sim.ask("o", "/api/generate", "POST", {"model": "b", "prompt": "x"})
        self.assertEqual(answer.status, 404)

    def test_sleeping(self):
        self.sim.fault("l", {"fault": "sleeping"})
        self.sim.control("POST", "/sim/stats/reset")
        for path in ("/health", "/v1/models", "/metrics"):
            self.assertEqual(self.sim.ask("l", path).status, 200)
        self.assertTrue(self.sim.ask("l", "/props").json()["is_sleeping"])
        self.assertEqual(self.sim.stats("l")["harm"]["wakes"], 0)
        start = time.monotonic()
        self.assertEqual(len(self.sim.ask("l", "/slots").json()), 2)
        self.assertGreater(time.monotonic() - start, 0.7)
        self.assertFalse(self.sim.ask("l", "/props").json()["is_sleeping"])
        harm = self.sim.stats("l")["harm"]
        self.assertEqual((harm["wakes"], harm["slots_reads"]), (1, 1))


class Streams(unittest.TestCase):
    """Answers that are cut after their first bytes."""

    def test_streams(self):
        slow = ollama(token=0.1)
        body = {"model": "a", "messages": [], "stream": True}
        with sim.Simulator(scenario(o=slow)) as running:
            for fault, end in (("reset", "reset"), ("close", "closed"), ("hang", "silent")):
                running.fault("o", {"fault": fault, "stage": "body"})
                with running.connect("o") as sock:
                    sock.sendall(sim.request_bytes("/v1/chat/completions", "POST", body))
                    data, seen, _ = sim.outcome(sock, 0.5)
                self.assertEqual(seen, end)
                self.assertIn(b"data: ", data)
                self.assertNotIn(b"[DONE]", data)
            running.fault("o")
            with running.connect("o") as sock:
                sock.sendall(sim.request_bytes("/v1/chat/completions", "POST", body))
                first = sock.recv(4000)
                running.fault("o", {"fault": "wedge"})
                data, seen, _ = sim.outcome(sock, 0.5)
                self.assertEqual(seen, "silent")
                running.fault("o")
                rest, seen, _ = sim.outcome(sock, 0.5)
                self.assertIn(b"[DONE]", first + data + rest)
            with running.connect("o") as sock:
                sock.sendall(sim.request_bytes("/v1/chat/completions", "POST", body))
                sock.recv(4000)
                running.fault("o", {"fault": "refused"})
                self.assertNotIn(b"[DONE]", sim.outcome(sock, 1)[0])
            running.fault("o")
            self.assertEqual(running.stats("o")["open_connections"], 0)


class Churn(unittest.TestCase):
    """Faults come and go under clients that come and go: nothing crashes, leaks or stays occupied."""

    BACKENDS = ("ollama", "llamacpp", "vllm", "lmstudio", "tabbyapi", "llamaswap", "openai")
    PATHS = ("/", "/api/tags", "/api/ps", "/v1/models", "/health", "/metrics", "/slots", "/nope")
    FAULTS = (
        "refused", "drop_syn", "hang", "reset", "close", "half_close", "garbage", "slow_header", "slow_body",
        "latency", "status", "queue_full", "wrong_body", "bad_json", "huge_body", "endless_body", "redirect",
        "redirect_loop", "loading", "busy", "wedge", "sleeping", "cpu_fallback", "model_missing",
    )  # fmt: skip

    def make_fault(self, draw):
        fault = {"fault": draw.choice(self.FAULTS)}
        if fault["fault"] in ("hang", "reset", "close", "half_close"):
            fault["stage"] = draw.choice(("accept", "request", "header", "body"))
        if fault["fault"] in ("slow_header", "slow_body"):
            fault.update(seconds=0.005, bytes=20)
        if draw.random() < 0.5:
            fault["for"] = draw.random() * 0.3
        if draw.random() < 0.2:
            fault["every_requests"] = 2
        return fault

    def client(self, running, draw):
        while not self.over:
            try:
                with running.connect(draw.choice(self.BACKENDS), 0.2) as sock:
                    for _ in range(draw.randint(1, 3)):
                        self.request(sock, draw)
            except OSError:
                pass

    def request(self, sock, draw):
        if draw.random() < 0.4:
            path = draw.choice(("/v1/chat/completions", "/api/generate", "/v1/embeddings"))
            body = {"model": draw.choice("abz"), "prompt": "x", "stream": draw.random() < 0.6}
            sock.sendall(sim.request_bytes(path, "POST", body))
        else:
            sock.sendall(sim.request_bytes(draw.choice(self.PATHS)))
        sock.settimeout(draw.choice((0.001, 0.02, 0.2)))
        for _ in range(draw.randint(0, 4)):
            sock.recv(65536)
        if draw.random() < 0.2:
            sim.reset_on_close(sock)

    def test_churn(self):
        endpoints = {name: {"backend": name, "models": MODELS, "slots": 2} for name in self.BACKENDS}
        draw = random.Random(1)
        self.over = False
        with sim.Simulator(scenario(**endpoints)) as running:
            threads = [
                threading.Thread(target=self.client, args=(running, random.Random(seed))) for seed in range(6)
            ]
            for thread in threads:
                thread.start()
            for _ in range(150):
                faults = [self.make_fault(draw) for _ in range(draw.randint(0, 2))]
                running.fault(draw.choice(self.BACKENDS), *faults)
                time.sleep(0.02)
            self.over = True
            for thread in threads:
                thread.join()
            for name in self.BACKENDS:
                running.fault(name)
            time.sleep(2.5)
            for name in self.BACKENDS:
                self.assertEqual(running.stats(name)["open_connections"], 0, name)
                answer = running.ask(name, "/v1/chat/completions", "POST", {"model": "a"})
                self.assertEqual(answer.status, 200, name)


class Tls(unittest.TestCase):
    def test_certificates(self):
        kinds = ("ca", "self_signed", "expired", "wrong_host")
        endpoints = {kind: ollama(tls=kind) for kind in kinds}
        endpoints["plain"] = ollama(scheme="https")
        with sim.Simulator(scenario(**endpoints)) as running:
            ca = running.inventory["endpoints"]["ca"]["ca"]
            results = {kind: self.handshake(running, kind, ca) for kind in endpoints}
        self.assertEqual(results["ca"], "Ollama is running")
        self.assertIn("self-signed", results["self_signed"].replace("self signed", "self-signed"))
        self.assertIn("expired", results["expired"])
        self.assertIn("mismatch", results["wrong_host"])
        self.assertTrue(results["plain"])

    def handshake(self, running, endpoint, ca):
        context = ssl.create_default_context(cafile=ca)
        host, port = running.address(endpoint)
        try:
            with running.connect(endpoint) as raw:
                raw.settimeout(3)
                with context.wrap_socket(raw, server_hostname=host) as sock:
                    sock.sendall(sim.request_bytes("/"))
                    return sim.read_answer(sock).body.decode()
        except ssl.SSLError as problem:
            return str(problem)

    def test_faults(self):
        with sim.Simulator(scenario(o=ollama(tls="ca"))) as running:
            running.fault("o", {"fault": "hang", "for": 0.4})
            ca = running.inventory["endpoints"]["o"]["ca"]
            self.assertEqual(self.handshake(running, "o", ca), "Ollama is running")
            running.fault("o", {"fault": "status", "status": 500, "body": "sorry"})
            self.assertEqual(self.handshake(running, "o", ca), "sorry")


if __name__ == "__main__":
    unittest.main()

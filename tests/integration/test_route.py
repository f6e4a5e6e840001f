"""`homelab ask` against real servers: streams, the death of the first choice before and amid its answer, cold starts."""

import contextlib
import json
import os
import subprocess
import tempfile
import time

import cluster
import faults
import lab
from cluster import inventory

# Takes this model some seconds to read, so that there is time to kill its server before the first byte.
LONG = "Tell me about the sea. " * 150


@contextlib.contextmanager
def asking(document, *arguments, text="Say hello."):
    """A running `homelab ask`."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        process = subprocess.Popen([cluster.program(), "ask", "-v", "-i", file.name, *arguments, text],
                                   env={**os.environ, "LITELLM_KEY": cluster.KEY}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def finish(process, timeout=120):
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out.decode(), err.decode()


def ask(document, *arguments, text="Say hello."):
    with asking(document, *arguments, text=text) as process:
        return finish(process)


def preferring(document, *models):
    """With tiers in the order of the endpoints."""
    document["tiers"] = {one["tier"]: {} for one in document["endpoints"].values()}
    if models:
        document["routes"] = {"chat": list(models)}
    return document


def pair(first, second):
    return preferring(inventory(a={"url": first.url, "tier": "first"}, b={"url": second.url, "tier": "second"}))


class Streams(cluster.LabTest):
    @classmethod
    def prepare(cls):
        cls.llama = cls.enterClassContext(lab.LlamaServer(alias="smollm2"))
        cls.ollama = cls.enterClassContext(lab.OllamaServer(["smollm2"]))
        cls.gateway = cls.enterClassContext(lab.LiteLLMProxy(
            [("remote/small", "openai/smollm2", cls.llama.url + "/v1"),
             ("local/small", "ollama_chat/smollm2", cls.ollama.url)], master_key=cluster.KEY))

    def check(self, document, *arguments):
        code, out, err = ask(document, *arguments)
        self.assertEqual(code, 0, err)
        self.assertGreater(len(out.strip()), 3)
        self.assertIn("first byte after", err)
        self.assertRegex(err, r", \d+ tokens")

    def test_llamacpp(self):
        self.check(inventory(llm={"url": self.llama.url}))

    def test_ollama(self):
        self.check(inventory(llm={"url": self.ollama.url}))

    def test_litellm_to_both(self):
        document = inventory(gw={"url": self.gateway.url, "backend": "litellm", "api_key": "env:LITELLM_KEY"})
        self.check(document, "-m", "remote/small")
        self.check(document, "-m", "local/small")

    def test_embeddings(self):
        document = inventory(llm={"url": self.ollama.url})
        document["models"] = {"smollm2": {"capabilities": ["embedding"]}}
        code, out, err = ask(document, "-t", "embed")
        self.assertEqual(code, 0, err)
        self.assertGreater(len(json.loads(out)["data"][0]["embedding"]), 100)


class Death(cluster.LabTest):
    def setUp(self):
        super().setUp()
        try:
            self.first = self.enterContext(lab.LlamaServer(alias="smollm2", n_parallel=1, n_ctx=4096, n_batch=64))
            # A small context bounds how long its answer can get.
            self.second = self.enterContext(lab.LlamaServer(alias="smollm2", n_parallel=1, n_ctx=1280))
        except lab.MissingComponent as error:
            (self.fail if cluster.REQUIRED else self.skipTest)(str(error))

    def served(self, server):
        return server.count("launch_slot_")

    def test_before_the_first_byte(self):
        with asking(pair(self.first, self.second), text=LONG) as process:
            lab.wait_until(lambda: self.served(self.first), 30, "the request at the first choice")
            self.assertEqual(self.served(self.second), 0)
            self.first.kill()
            code, out, err = finish(process)
        self.assertEqual(code, 0, err)
        self.assertGreater(len(out.strip()), 3)
        self.assertIn("endpoint 'a':", err)
        self.assertRegex(err, "smollm2 on b, first byte")

    def test_amid_the_answer(self):
        with asking(pair(self.first, self.second), text="Write a very long story about a whale.") as process:
            first = process.stdout.read(1)
            self.first.kill()
            code, out, err = finish(process)
        self.assertEqual(code, 1, err)
        self.assertTrue(first)
        self.assertIn("broke off", err)
        self.assertNotIn("on b", err)
        self.assertEqual(self.served(self.second), 0)

    def test_dead_before_anybody_looked(self):
        self.first.kill()
        document = pair(self.first, self.second)
        document["models"] = {"smollm2": {"endpoints": ["a", "b"]}}
        code, out, err = ask(document, "--assume")
        self.assertEqual(code, 0, err)
        self.assertIn("endpoint 'a':", err)
        self.assertRegex(err, "smollm2 on b, first byte")


class ColdStart(cluster.LabTest):
    """Times for the first byte that a cold load exceeds by far do not abort it."""

    def test_ollama(self):
        try:
            server = self.enterContext(lab.OllamaServer(["smollm2"]))
        except lab.MissingComponent as error:
            (self.fail if cluster.REQUIRED else self.skipTest)(str(error))
        server.unload()
        self.assertFalse(server.loaded())
        code, out, err = ask(inventory(llm={"url": server.url}), "-o", "router.first_byte_ms=50")
        self.assertEqual(code, 0, err)
        self.assertGreater(len(out.strip()), 3)
        self.assertTrue(server.loaded())
        self.assertEqual((server.count("aborting load"), server.count(r"\| 499 \|")), (0, 0))

    def test_llamacpp_that_sleeps(self):
        try:
            server = self.enterContext(lab.LlamaServer(alias="smollm2", sleep_idle_seconds=1))
        except lab.MissingComponent as error:
            (self.fail if cluster.REQUIRED else self.skipTest)(str(error))
        server.complete()
        lab.wait_until(server.asleep, 30, "asleep")
        time.sleep(0.2)
        code, out, err = ask(inventory(llm={"url": server.url}), "-o", "router.first_byte_ms=50")
        self.assertEqual(code, 0, err)
        self.assertGreater(len(out.strip()), 3)


class Loading(cluster.LabTest):
    """With nobody else to ask, a request waits for a server that loads its model."""

    def setUp(self):
        super().setUp()
        try:
            self.server, self.held = self.enterContext(faults.loading(alias="smollm2"))
        except lab.MissingComponent as error:
            (self.fail if cluster.REQUIRED else self.skipTest)(str(error))

    def check(self, *arguments):
        document = inventory(llm={"url": self.server.url, "backend": "llamacpp", "models": ["smollm2"]})
        with asking(document, *arguments) as process:
            # Two attempts: it met a 503, and waited.
            lines = [process.stderr.readline().decode() for _ in range(2)]
            self.assertEqual(lines, ["homelab: smollm2 on llm\n"] * 2)
            self.held.release()
            code, out, err = finish(process)
        self.assertEqual(code, 0, err)
        self.assertGreater(len(out.strip()), 3)
        self.assertIn("smollm2 on llm, first byte after", err)

    def test_llamacpp(self):
        self.check()

    def test_llamacpp_before_anybody_looked(self):
        self.check("--assume")

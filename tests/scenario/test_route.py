"""`homelab route` and `homelab ask`: who is asked, what comes next when that fails, and what is never done."""

import json
import subprocess
import time
import unittest

from cluster import PROGRAM, Simulator, check_schema, cluster, run

CHAT = ["/v1/chat/completions"]
MODEL = {"name": "llama3.1:8b"}


def llamacpp(tier_first=True, **more):
    return {"backend": "llamacpp", "models": [dict(MODEL)], **more}


def two(first, second=None, **more):
    """The first choice, which does `first`, and one that works."""
    return cluster({"local/a": llamacpp(faults=first), "remote/b": llamacpp(**(second or {}))}, **more)


def ask(simulator, *arguments, **options):
    return run("ask", "-i", simulator.inventory_file, *arguments, **options)


class Route(unittest.TestCase):
    def test_explains(self):
        with Simulator(cluster({"local/a": llamacpp(), "nas/e": {"backend": "ollama", "models": [
                {"name": "nomic-embed-text", "capabilities": ["embedding"], "loaded": True}]}})) as simulator:
            result = run("route", "-i", simulator.inventory_file, "--json", "Write a haiku about secret-word")
            embed = run("route", "-i", simulator.inventory_file, "-v", "-t", "embed", "x")
            vision = run("route", "-i", simulator.inventory_file, "-t", "vision", "x")
        self.assertEqual(result.code, 0, result.err)
        self.assertNotIn("secret-word", result.out)
        decision = result.json()
        check_schema(decision, "decision.schema.json")
        self.assertEqual(decision["candidates"][0]["endpoint"], "local/a")
        self.assertEqual(decision["rejected"], [{"endpoint": "nas/e", "model": "nomic-embed-text", "why": "capability"}])
        self.assertRegex(embed.out, "1. nomic-embed-text +nas/e")
        self.assertEqual((vision.code, vision.out.splitlines()[0]), (2, "vision (request)"))
        self.assertIn("no model for vision: 2 experts: 2 capability", vision.err)

    def test_usage(self):
        with Simulator(cluster({"local/a": llamacpp()})) as simulator:
            for arguments in (["route"], ["route", "a", "b"], ["ask", "-t", "nope", "x"], ["ask", "-e", "nope", "x"],
                              ["ask", "--file", "/nonexistent"], ["route", "--bogus"]):
                result = run(*arguments, env={"HOMELAB_INVENTORY": simulator.inventory_file})
                self.assertEqual((result.code, result.out), (3, ""), arguments)

    def test_assume_touches_nothing(self):
        with Simulator(cluster({"local/a": llamacpp()}, inventory={"models": {"m:7b": {"endpoints": ["local/a"]}}})
                       ) as simulator:
            result = run("route", "-i", simulator.inventory_file, "--assume", "hello")
            requests = simulator.stats("local/a")["requests"]
        self.assertRegex(result.out, "m:7b +local/a")
        self.assertEqual(requests, 0)


class Ask(unittest.TestCase):
    def answers(self, result, endpoint):
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(result.out, f"Hello from the simulated endpoint {endpoint}.\n")

    def test_streams(self):
        with Simulator(cluster({"local/a": llamacpp(token=0.1)})) as simulator:
            process = subprocess.Popen([PROGRAM, "ask", "-i", simulator.inventory_file, "hello"],
                                       stdout=subprocess.PIPE)
            first = process.stdout.read(1)
            began = time.monotonic()
            rest = process.stdout.read()
            process.wait(20)
            process.stdout.close()
        self.assertEqual(first + rest, b"Hello from the simulated endpoint local/a.\n")
        self.assertGreater(time.monotonic() - began, 0.2)

    def test_fails_over_before_the_first_byte(self):
        faults = {
            "reset": {"fault": "reset", "stage": "request"},
            "close": {"fault": "close", "stage": "request"},
            "500": {"fault": "status", "status": 500},
            "404": {"fault": "status", "status": 404},
            "429": {"fault": "queue_full"},
            "401": {"fault": "status", "status": 401},
            "header": {"fault": "close", "stage": "header"},
            "garbage": {"fault": "wrong_body", "body": "data: {\"error\":{\"message\":\"no\"}}\n\n"},
        }
        for name, fault in faults.items():
            with self.subTest(name), Simulator(two([{**fault, "paths": CHAT}])) as simulator:
                result = ask(simulator, "-v", "hello")
                self.answers(result, "remote/b")
                self.assertIn("on local/a\n", result.err)
                self.assertIn("on remote/b\n", result.err)

    def test_a_silent_server_costs_its_time(self):
        with Simulator(two([{"fault": "hang", "stage": "request", "paths": CHAT}])) as simulator:
            result = ask(simulator, "-o", "router.first_byte_ms=400", "-o", "router.slow_load_bytes=100000000000",
                         "hello")
            self.answers(result, "remote/b")

    def test_a_refusal_of_the_request_is_final(self):
        with Simulator(two([{"fault": "status", "status": 400, "paths": CHAT}])) as simulator:
            result = ask(simulator, "hello")
            asked = simulator.stats("remote/b")["paths"]
        self.assertEqual(result.code, 3)
        self.assertIn("answered 400", result.err)
        self.assertNotIn("POST " + CHAT[0], asked)

    def test_no_switch_amid_the_answer(self):
        for fault in ({"fault": "reset", "stage": "body"}, {"fault": "close", "stage": "body"}):
            with self.subTest(fault["fault"]), Simulator(two([{**fault, "paths": CHAT}])) as simulator:
                result = ask(simulator, "-v", "hello")
                asked = simulator.stats("remote/b")["paths"]
                self.assertEqual(result.code, 1, result.err)
                self.assertTrue("Hello from the simulated endpoint local/a.".startswith(result.out), result.out)
                self.assertNotEqual(result.out, "")
                self.assertIn("broke off", result.err)
                self.assertNotIn("POST " + CHAT[0], asked)

    def test_a_stall_amid_the_answer(self):
        with Simulator(two([{"fault": "hang", "stage": "body", "paths": CHAT}])) as simulator:
            result = ask(simulator, "-o", "router.stall_ms=400", "hello")
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("stands still", result.err)

    def test_all_fail(self):
        fault = [{"fault": "status", "status": 500, "paths": CHAT}]
        with Simulator(two(fault, {"faults": fault})) as simulator:
            result = ask(simulator, "hello")
        self.assertEqual((result.code, result.out), (2, ""))
        self.assertIn("2 of 2 candidates tried, all failed; the last: endpoint 'remote/b': answered 500", result.err)

    def test_a_cold_model_is_waited_for(self):
        with Simulator(cluster({"local/o": {"backend": "ollama", "models": [
                {"name": "llama3.1:8b", "loaded": False, "load": 2}]}})) as simulator:
            result = ask(simulator, "-o", "router.first_byte_ms=200", "hello")
            harm = simulator.stats("local/o")["harm"]
        self.answers(result, "local/o")
        self.assertEqual((harm["loads"], harm["load_aborts"]), (1, 0))

    def test_keys_go_where_they_belong(self):
        scenario = two([{"fault": "status", "status": 500, "paths": CHAT}],
                       {"api_key": "sk-right", "api_key_env": "B_KEY"})
        with Simulator(scenario) as simulator:
            self.answers(ask(simulator, "hello", env={"B_KEY": "sk-right"}), "remote/b")
            wrong = ask(simulator, "hello", env={"B_KEY": "sk-wrong"})
            none = ask(simulator, "-a", "-e", "remote/b", "hello")
        self.assertEqual(wrong.code, 2)
        self.assertEqual(none.code, 2)
        self.assertNotIn("sk-", wrong.err + none.err)

    def test_a_file_and_standard_input(self):
        with Simulator(cluster({"local/a": llamacpp()})) as simulator:
            done = subprocess.run([PROGRAM, "ask", "-i", simulator.inventory_file, "-"], input="hello", text=True,
                                  capture_output=True, check=False)
        self.assertEqual(done.stdout, "Hello from the simulated endpoint local/a.\n")

    def test_embeddings(self):
        with Simulator(cluster({"local/o": {"backend": "ollama", "models": [
                {"name": "nomic-embed-text", "capabilities": ["embedding"]}]}})) as simulator:
            result = ask(simulator, "-t", "embed", "hello")
        self.assertEqual(result.code, 0, result.err)
        self.assertGreater(len(json.loads(result.out)["data"][0]["embedding"]), 100)


if __name__ == "__main__":
    unittest.main()

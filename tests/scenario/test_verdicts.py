"""Each verdict and cause, end to end."""

import os
import socket
import time
import unittest

from cluster import Simulator, check_schema, cluster, run, status

MODEL = {"name": "qwen:7b", "capabilities": ["completion"], "loaded": True, "size_bytes": 5_000_000_000, "context": 8192}
GPU_NODE = {"gpu0": {"host": "127.0.0.6", "gpus": [{"name": "RTX 4090", "memory_gib": 24}]}, "cpu0": {"host": "127.0.0.5"}}


def ollama(*faults, **more):
    return {"backend": "ollama", "models": [dict(MODEL)], "faults": list(faults), **more}


def llamacpp(*faults, **more):
    return {"backend": "llamacpp", "models": [dict(MODEL)], "faults": list(faults), **more}


QUEUE_FULL = '{"error":"server busy, please try again.  maximum pending requests exceeded"}'


def fault(name, **more):
    return {"fault": name, **more}


# id: (endpoint, verdict, cause)
CASES = {
    "healthy/ollama": (ollama(), "HEALTHY", "none"),
    "healthy/llamacpp": (llamacpp(), "HEALTHY", "none"),
    "healthy/auto": (ollama(inventory={"backend": "auto"}), "HEALTHY", "none"),
    "healthy/vllm": ({"backend": "vllm", "models": [dict(MODEL)]}, "HEALTHY", "none"),
    "healthy/lmstudio": ({"backend": "lmstudio", "models": [dict(MODEL)]}, "HEALTHY", "none"),
    "healthy/tabbyapi": ({"backend": "tabbyapi", "models": [dict(MODEL)]}, "HEALTHY", "none"),
    "healthy/llamaswap": ({"backend": "llamaswap", "models": [dict(MODEL)]}, "HEALTHY", "none"),
    "healthy/openai": ({"backend": "openai", "models": [dict(MODEL)]}, "HEALTHY", "none"),
    "healthy/http": ({"backend": "http"}, "HEALTHY", "none"),
    "healthy/tcp": ({"backend": "tcp"}, "HEALTHY", "none"),
    "healthy/sleeping": (llamacpp(fault("sleeping")), "HEALTHY", "sleeping"),
    "healthy/cpu-node": (ollama(fault("cpu_fallback"), node="cpu0", host="127.0.0.5"), "HEALTHY", "none"),
    "healthy/latest": (ollama(models=[{**MODEL, "name": "x:latest"}], inventory={"models": ["x"]}), "HEALTHY", "none"),
    "degraded/slow": (ollama(fault("latency", seconds=1.1)), "DEGRADED", "slow"),
    "degraded/slower": (ollama(fault("latency", seconds=1.2), inventory={"timeout": 2.2}), "DEGRADED", "slow"),
    "degraded/missing": (ollama(inventory={"models": ["llava:13b"]}), "DEGRADED", "model-missing"),
    "degraded/cpu": (ollama(fault("cpu_fallback"), node="gpu0", host="127.0.0.6"), "DEGRADED", "cpu-fallback"),
    "loading/llamacpp": (llamacpp(fault("loading")), "LOADING", "loading"),
    "busy/llamacpp": (llamacpp(fault("busy")), "BUSY", "busy"),
    "busy/429": (ollama(fault("status", status=429)), "BUSY", "busy"),
    "busy/queue-full": (ollama(fault("status", status=503, body=QUEUE_FULL)), "BUSY", "busy"),
    "busy/silent": (ollama(fault("hang")), "BUSY", "timeout-after-accept"),
    "busy/wedged-at-one-look": (llamacpp(fault("wedge")), "BUSY", "busy"),
    "wrong/no-key": (llamacpp(api_key="secret"), "MISCONFIGURED", "auth"),
    "wrong/bad-key": (llamacpp(api_key="secret", api_key_env="SCENARIO_BAD_KEY"), "MISCONFIGURED", "auth"),
    "wrong/unset-key": (llamacpp(api_key="secret", api_key_env="SCENARIO_UNSET_KEY"), "MISCONFIGURED", "auth"),
    "healthy/key": (llamacpp(api_key="secret", api_key_env="SCENARIO_KEY"), "HEALTHY", "none"),
    "wrong/path": ({"backend": "http", "inventory": {"path": None}, "probe_path": "/nope"}, "MISCONFIGURED", "not-found"),
    "wrong/body": (ollama(fault("wrong_body", body="hello")), "MISCONFIGURED", "wrong-body"),
    "wrong/json": (ollama(fault("bad_json")), "MISCONFIGURED", "wrong-body"),
    "wrong/backend": (llamacpp(inventory={"backend": "ollama"}), "MISCONFIGURED", "wrong-backend"),
    "wrong/redirect": (ollama(fault("redirect", location="http://example.invalid/")), "MISCONFIGURED", "redirect"),
    "wrong/redirect-loop": (ollama(fault("redirect_loop")), "MISCONFIGURED", "redirect"),
    "wrong/huge": (ollama(fault("huge_body", bytes=1 << 30)), "MISCONFIGURED", "too-large"),
    "wrong/tls": (ollama(tls="none", scheme="https"), "MISCONFIGURED", "tls"),
    "down/refused": (ollama(fault("refused")), "DOWN", "refused"),
    "down/reset": (ollama(fault("reset", stage="request")), "DOWN", "reset"),
    "down/closed": (ollama(fault("close", stage="request")), "DOWN", "closed"),
    "down/cut": (ollama(fault("close", stage="body")), "DOWN", "closed"),
    "down/500": (ollama(fault("status", status=500)), "DOWN", "server-error"),
    "down/syn": (ollama(fault("drop_syn")), "DOWN", "connect-timeout"),
    "down/certificate": (ollama(tls="self_signed"), "DOWN", "tls"),
    "down/backend": ({"backend": "litellm", "deployments": [{"name": "a", "endpoint": "down/refused"}]}, "DOWN",
                     "backend-dead"),
    "degraded/backend": ({"backend": "litellm", "deployments": [{"name": "a", "endpoint": "down/refused"},
                                                                {"name": "b", "endpoint": "healthy/ollama"}]},
                         "DEGRADED", "backend-dead"),
}
ENVIRONMENT = {"SCENARIO_KEY": "secret", "SCENARIO_BAD_KEY": "wrong"}


def scenario():
    endpoints = {identifier: dict(case[0]) for identifier, case in CASES.items()}
    for endpoint in endpoints.values():
        endpoint["inventory"] = {key: value for key, value in endpoint.get("inventory", {}).items() if value is not None}
        if not endpoint.get("faults", True):
            del endpoint["faults"]
    return cluster(endpoints, nodes=GPU_NODE)


class Verdicts(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        with Simulator(scenario()) as simulator:
            cls.result = status(simulator, env=ENVIRONMENT)

    def test_every_verdict(self):
        wrong = []
        for identifier, (_, verdict, cause) in CASES.items():
            one = self.result.endpoint(identifier)
            if (one["verdict"], one["cause"]) != (verdict, cause):
                wrong.append(f"{identifier}: {one['verdict']}/{one['cause']}, expected {verdict}/{cause}: {one['text']}")
        self.assertEqual(wrong, [])

    def test_document(self):
        check_schema(self.result.json(), "snapshot.schema.json")
        self.assertEqual([one["id"] for one in self.result.json()["endpoints"]], list(CASES))
        self.assertEqual(self.result.code, 1)

    def test_ends_with_the_longest_timeout(self):
        self.assertLess(self.result.seconds, 2.7)

    def test_no_secret_is_shown(self):
        self.assertNotIn("secret", self.result.out.replace("secret request", ""))

    def test_names_that_do_not_resolve(self):
        path = "/tmp/homelab-scenario-%d.json" % os.getpid()
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"endpoints": {"a": {"url": "http://no.such.host.invalid", "tier": "local", "timeout": 3}}}')
        try:
            result = run("status", "--inventory", path, "--json")
        finally:
            os.unlink(path)
        self.assertEqual((result.endpoint("a")["verdict"], result.endpoint("a")["cause"]), ("DOWN", "dns"))
        self.assertEqual(result.code, 2)


class Confirm(unittest.TestCase):
    def test_busy_and_wedged_are_told_apart(self):
        endpoints = {"a/busy": llamacpp(fault("busy")), "a/wedged": llamacpp(fault("wedge")), "a/fine": ollama(),
                     "a/silent": ollama(fault("hang")), "a/ollama": ollama(fault("wedge"))}
        endpoints["a/busy"]["decode_rate"] = 50
        with Simulator(cluster(endpoints)) as simulator:
            time.sleep(0.2)
            result = status(simulator, "--confirm", "3")
            asked = simulator.stats("a/fine")
        verdicts = {one["id"]: (one["verdict"], one["cause"]) for one in result.json()["endpoints"]}
        self.assertEqual(verdicts["a/busy"], ("BUSY", "busy"))
        self.assertEqual(verdicts["a/wedged"], ("WEDGED", "stalled"))
        self.assertEqual(verdicts["a/silent"], ("WEDGED", "timeout-after-accept"))
        self.assertEqual(verdicts["a/fine"], ("HEALTHY", "none"))
        self.assertLess(result.seconds, 3 + 1.5 + 0.5)
        self.assertLess(asked["requests"], 10, "only unclear endpoints are looked at again")

    def test_without_it_one_look_never_says_wedged(self):
        with Simulator(cluster({"a/wedged": llamacpp(fault("wedge"))})) as simulator:
            self.assertEqual(status(simulator).endpoint("a/wedged")["verdict"], "BUSY")


class Canary(unittest.TestCase):
    def test_loaded_model_answers(self):
        with Simulator(cluster({"a/fine": ollama(), "a/llama": llamacpp()})) as simulator:
            result = status(simulator, "--depth", "canary")
        for one in result.json()["endpoints"]:
            self.assertEqual(one["verdict"], "HEALTHY", one["text"])
            self.assertIn("canary", [evidence["layer"] for evidence in one["evidence"]])

    def test_unloaded_model_is_left_alone(self):
        with Simulator(cluster({"a/cold": ollama(models=[{**MODEL, "loaded": False}])})) as simulator:
            result = status(simulator, "--depth", "canary")
        self.assertEqual(result.endpoint("a/cold")["verdict"], "HEALTHY")
        self.assertFalse(result.endpoint("a/cold")["models"][0]["loaded"])


class Silence(unittest.TestCase):
    def test_a_listener_that_never_accepts(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(5)
            path = "/tmp/homelab-scenario-%d.json" % os.getpid()
            with open(path, "w", encoding="utf-8") as file:
                file.write('{"endpoints": {"a": {"url": "http://127.0.0.1:%d", "tier": "local", "timeout": 1}}}' %
                           listener.getsockname()[1])
            try:
                result = run("status", "--inventory", path, "--json")
            finally:
                os.unlink(path)
        self.assertEqual(result.endpoint("a")["verdict"], "BUSY")
        self.assertLess(result.seconds, 1.5)


if __name__ == "__main__":
    unittest.main()

"""homelab discover writes an inventory that works as it stands."""

import json
import tempfile
import unittest

from cluster import Simulator, cluster, run

MODEL = {"name": "m", "capabilities": ["completion"], "loaded": True}


class Discover(unittest.TestCase):
    def test_what_answers(self):
        endpoints = {f"a/{name}": {"backend": name, "models": [dict(MODEL)]} for name in ("ollama", "llamacpp", "vllm")}
        endpoints["a/litellm"] = {"backend": "litellm", "deployments": [{"name": "x", "endpoint": "a/ollama"}]}
        endpoints["a/web"] = {"backend": "http"}
        endpoints["a/dead"] = {"backend": "ollama", "models": [], "faults": [{"fault": "refused"}]}
        with Simulator(cluster(endpoints)) as simulator:
            ports = ",".join(str(simulator.address(endpoint)[1]) for endpoint in endpoints)
            found = run("discover", "--ports", ports, "127.0.0.1")
            as_json = run("discover", "--json", "--ports", ports, "127.0.0.1")
            self.assertEqual(found.code, 0, found.err)
            inventory = json.loads(as_json.out)["endpoints"]
            self.assertEqual({one["backend"] for one in inventory.values()}, {"ollama", "llamacpp", "vllm", "litellm"})
            self.assertEqual(inventory["gateway/litellm"]["tier"], "gateway")
            self.assertIn("left out", found.err)
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(found.out)
                file.flush()
                again = run("status", "-i", file.name, "--json")
            self.assertEqual(again.json()["prognosis"]["verdict"], "HEALTHY", again.out)

    def test_nothing(self):
        result = run("discover", "--ports", "1")
        self.assertEqual((result.code, result.out), (3, ""))
        self.assertIn("nothing was found", result.err)
        self.assertEqual(run("discover", "--ports", "0").code, 3)
        self.assertEqual(run("discover", "--ports", "x").code, 3)


if __name__ == "__main__":
    unittest.main()

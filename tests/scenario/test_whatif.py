"""homelab whatif: what failures would cost, without any network access."""

import json
import os
import tempfile
import unittest

from cluster import check_schema, run

INVENTORY = {
    "nodes": {"gpu0": {"host": "192.0.2.1"}, "gpu1": {"host": "192.0.2.2"}, "nas": {"host": "192.0.2.3"},
              "spare": {"host": "192.0.2.9"}},
    "endpoints": {
        "local/ollama": {"url": "http://192.0.2.1:11434", "tier": "local", "node": "gpu0", "backend": "ollama"},
        "remote/llama": {"url": "http://192.0.2.2:8080", "tier": "remote", "node": "gpu1", "backend": "llamacpp"},
        "nas/ollama": {"url": "http://192.0.2.3:11434", "tier": "nas", "node": "nas", "backend": "ollama"},
        "gateway/litellm": {"url": "http://192.0.2.4:4000", "tier": "gateway", "backend": "litellm"},
    },
    "models": {
        "qwen-coder": {"roles": ["code", "chat"], "endpoints": ["local/ollama", "remote/llama"]},
        "llava": {"roles": ["vision"], "endpoints": ["local/ollama"]},
        "nomic-embed-text": {"roles": ["embed"], "endpoints": ["nas/ollama"]},
    },
}


class WhatIf(unittest.TestCase):
    def setUp(self):
        file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(INVENTORY, file)
        file.flush()
        self.addCleanup(file.close)
        self.inventory = file.name

    def ask(self, *arguments):
        result = run("whatif", "--inventory", self.inventory, *arguments)
        self.assertEqual((result.code, result.err), (0, ""))
        return result

    def test_one_node(self):
        document = self.ask("--down", "gpu0", "--json").json()
        check_schema(document, "snapshot.schema.json")
        self.assertEqual(document["down"], ["gpu0"])
        self.assertEqual(document["lost"], ["vision"])
        self.assertEqual(document["prognosis"]["lost"], ["vision"])
        self.assertEqual(document["prognosis"]["capabilities"]["code"], ["remote/llama"])
        self.assertEqual([one["verdict"] for one in document["endpoints"]], ["DOWN", "HEALTHY", "HEALTHY", "HEALTHY"])
        self.assertIn("code, chat only on remote; vision lost", document["prognosis"]["text"])

    def test_several_nodes(self):
        for arguments in (("--down", "gpu0,gpu1"), ("--down", "gpu0", "--down", "gpu1"), ("--down", "gpu0", "gpu1")):
            document = self.ask(*arguments, "--json").json()
            self.assertEqual(document["lost"], ["code", "chat", "vision"])

    def test_text(self):
        text = self.ask("--down", "gpu0").out
        self.assertTrue(text.startswith("Without gpu0 the cluster loses vision.\n"))

    def test_single_failures(self):
        document = self.ask("--n-1", "--json").json()
        check_schema(document, "whatif.schema.json")
        lost = {one["down"]: one["lost"] for one in document["failures"]}
        self.assertEqual(lost, {"gpu0": ["vision"], "gpu1": [], "nas": ["embed"], "gateway/litellm": []})
        self.assertRegex(self.ask("--n-1").out, r"(?m)^nas +DEGRADED +loses embed$")

    def test_unknown_node(self):
        result = run("whatif", "-i", self.inventory, "--down", "gpu7")
        self.assertEqual((result.code, result.out), (3, ""))
        self.assertIn("gpu7", result.err)


class Smallest(unittest.TestCase):
    """Without roles an inference server is taken to talk."""

    def test_it(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"endpoints": {"local/ollama": {"url": "http://192.0.2.1:11434/api/tags", "tier": "LOCAL"},
                                     "gateway/litellm": {"url": "http://192.0.2.1:8080/health/liveliness",
                                                         "tier": "GATEWAY"}}}, file)
            file.flush()
            document = run("whatif", "-i", file.name, "--down", "local/ollama", "--json", env=dict(os.environ)).json()
        self.assertEqual(document["lost"], ["code", "reason", "chat", "fast"])
        self.assertEqual(document["prognosis"]["capabilities"]["chat"], [])


if __name__ == "__main__":
    unittest.main()

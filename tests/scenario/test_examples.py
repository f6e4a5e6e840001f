"""The examples do what they say."""

import os
import subprocess
import tempfile
import unittest

from cluster import Simulator, cluster

FOLDER = os.environ.get("HOMELAB_EXAMPLES", "")
MODEL = {"name": "m", "capabilities": ["completion"], "loaded": True}


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        endpoints = {"local/ollama": {"backend": "ollama", "models": [dict(MODEL)]},
                     "remote/llama": {"backend": "llamacpp", "models": [dict(MODEL)], "api_key": "kept-secret",
                                      "api_key_env": "SCENARIO_EXAMPLE_KEY"}}
        cls.simulator = Simulator(cluster(endpoints))

    @classmethod
    def tearDownClass(cls):
        cls.simulator.close()

    def run_example(self, name, *arguments, standard_input=""):
        program = os.path.join(FOLDER, "example-" + name)
        done = subprocess.run([program, *arguments], input=standard_input, capture_output=True, text=True, timeout=30,
                              check=False, env={"PATH": os.environ["PATH"]})
        return done.returncode, done.stdout, done.stderr

    def test_status(self):
        code, out, err = self.run_example("01-status", self.simulator.inventory_file)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("DEGRADED: 1 of 2 tiers healthy", out)
        self.assertIn("MISCONFIGURED", out)

    def test_wrong_use(self):
        for name in ("01-status", "02-watch-poll", "03-background-thread", "04-secrets-hook", "06-route", "07-ask"):
            self.assertEqual(self.run_example(name)[0], 1)
            code, out, err = self.run_example(name, "/nonexistent", *(["x"] if name[:2] in ("04", "07") else []))
            self.assertEqual((code, out), (1, ""))
            self.assertIn("/nonexistent", err)

    def test_route_and_ask(self):
        code, out, err = self.run_example("06-route", self.simulator.inventory_file, standard_input="sort a list in C\n")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^code\n +100 %  m at http://.*/api/chat\n$")
        code, out, err = self.run_example("07-ask", self.simulator.inventory_file, "hello")
        self.assertEqual((code, out, err),
                         (0, "Hello from the simulated endpoint local/ollama.\n", "[m on local/ollama]\n"))

    def test_watch(self):
        program = os.path.join(FOLDER, "example-02-watch-poll")
        with subprocess.Popen([program, self.simulator.inventory_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            line = ""
            while "1 of 2 tiers healthy" not in line:
                line = process.stdout.readline()
                self.assertTrue(line)
            process.stdin.write("\n")
            process.stdin.close()
            self.assertEqual(process.wait(10), 0)

    def test_background_thread(self):
        code, out, err = self.run_example("03-background-thread", self.simulator.inventory_file)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out.count("generation"), 5)
        self.assertIn("1 of 2 tiers healthy", out.splitlines()[-1])

    def test_secrets_hook(self):
        with tempfile.NamedTemporaryFile("w") as keys:
            keys.write("env:SCENARIO_EXAMPLE_KEY kept-secret\n")
            keys.flush()
            code, out, err = self.run_example("04-secrets-hook", self.simulator.inventory_file, keys.name)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("key env:SCENARIO_EXAMPLE_KEY for remote/llama: given", out)
        self.assertIn("all 2 tiers healthy", out)
        self.assertNotIn("kept-secret", out)


if __name__ == "__main__":
    unittest.main()

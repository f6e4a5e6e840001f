"""The examples do what they say, and so do the lines of the documentation."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
import urllib.error

import homelab
import lab

EXAMPLES = lab.ROOT / "examples/python"


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = lab.cluster(ollama={}, llama={"backend": "llamacpp", "tier": "remote"})

    @classmethod
    def tearDownClass(cls):
        cls.simulator.close()

    def run_example(self, name, *arguments, given=""):
        done = subprocess.run([sys.executable, EXAMPLES / name, *arguments], input=given, capture_output=True, text=True,
                              timeout=30, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_status(self):
        code, out, err = self.run_example("status.py", self.simulator.inventory_file)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("    m (loaded)\n", out)
        self.assertTrue(out.splitlines()[-1].startswith("HEALTHY: "), out)

    def test_wrong_use(self):
        for name, *more in (("status.py",), ("watch.py",), ("plan.py",), ("route.py",), ("ask.py", "hello")):
            self.assertEqual(self.run_example(name)[0], 1)
            code, out, err = self.run_example(name, "/nonexistent", *more)
            self.assertEqual((code, out), (1, ""))
            self.assertIn("/nonexistent", err)

    def test_plan(self):
        code, out, err = self.run_example("plan.py", lab.ROOT / "examples/inventory/plan.yaml", f"llama3.1:8b={lab.HEADER}")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("qwen2.5-coder:14b: fits gpu0/gpu0", out)
        self.assertIn("  gpu0/gpu0       9.0 GiB\n", out)
        self.assertEqual(self.run_example("plan.py", lab.ROOT / "examples/inventory/plan.yaml", "x=/nonexistent")[0], 1)

    def test_route(self):
        code, out, err = self.run_example("route.py", self.simulator.inventory_file, given="Write a Python function\n\n")
        self.assertEqual((code, err), (0, ""))
        self.assertTrue(out.startswith("code, by classifier\n"), out)
        self.assertRegex(out, r"  +\d+ %  m at http://127.0.0.1:\d+/v1/chat/completions\n")

    def test_ask(self):
        code, out, err = self.run_example("ask.py", self.simulator.inventory_file, "hello")
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"^Hello from the simulated endpoint (local/ollama|local/llama)\.\n$")
        self.assertRegex(err, r"^\[m on local/(ollama|llama), \d+\.\d s\]\n$")
        with lab.cluster(embed={"models": [{"name": "nomic-embed-text", "capabilities": ["embedding"], "loaded": True}]}) as simulator:
            code, out, err = self.run_example("ask.py", simulator.inventory_file, "hello")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("no model for", err)

    def test_watch(self):
        with subprocess.Popen([sys.executable, EXAMPLES / "watch.py", self.simulator.inventory_file], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            line = ""
            while "cluster: all 2 tiers healthy" not in line:
                line = process.stdout.readline()
                self.assertTrue(line)
            process.stdin.close()
            self.assertEqual(process.wait(10), 0)
            self.assertEqual(process.stderr.read(), "")

    def test_documentation(self):
        """Each Python block of the page runs, in a folder with a cluster.json and a model file."""
        folder = lab.pathlib.Path(self.simulator.inventory_file).parent
        (folder / "cluster.json").hardlink_to(self.simulator.inventory_file)
        (folder / "Llama-3.2-1B.Q4_K_M.gguf").symlink_to(lab.HEADER)
        text = (lab.ROOT / "docs/python.md").read_text(encoding="utf-8") + (lab.ROOT / "README.md").read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)
        self.assertGreaterEqual(len(blocks), 5)
        for block in blocks:
            with self.subTest(block.splitlines()[0]):
                done = lab.run(f"import os; os.chdir({str(folder)!r})\n" + block, timeout=30)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_client_of_ones_own(self):
        """The router learns from the documentation's example that a server has gone."""
        text = (lab.ROOT / "docs/python.md").read_text(encoding="utf-8")
        block = next(block for block in re.findall(r"^```python\n(.*?)^```", text, re.S | re.M) if "router.begin(" in block)
        names = {}
        check = homelab.check
        with lab.cluster(llama={"backend": "llamacpp"}) as simulator, tempfile.TemporaryDirectory() as folder:
            cluster = lab.pathlib.Path(folder) / "cluster.json"
            cluster.write_bytes(lab.pathlib.Path(simulator.inventory_file).read_bytes())

            def check_and_stop(inventory):
                snapshot = check(inventory)
                simulator.close()
                return snapshot

            block = block.replace('"cluster.json"', repr(str(cluster)))
            with unittest.mock.patch("homelab.check", check_and_stop), self.assertRaises(urllib.error.URLError):
                exec(block, names)
        with self.assertRaises(homelab.NoRouteError) as caught:
            names["router"].decide("hello")
        self.assertEqual([one.why for one in caught.exception.decision.rejected], [homelab.Reject.BREAKER])

    def test_manual(self):
        """help(homelab) names everything that is public and has a text for it."""
        if sys.flags.optimize > 1:
            self.skipTest("python -OO has no docstrings")
        done = lab.run("import homelab; help(homelab)", env={**os.environ, "PAGER": "cat"})
        self.assertEqual(done.returncode, 0)
        for name in homelab.__all__:
            with self.subTest(name):
                thing = getattr(homelab, name)
                if isinstance(thing, type):
                    self.assertTrue(thing.__doc__ and not thing.__doc__.startswith(name + "("), thing.__doc__)
                    self.assertIn(f"class {name}(", done.stdout)
                    for member, value in vars(thing).items():
                        if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                            self.assertTrue(value.__doc__, f"{name}.{member}")
                elif callable(thing):
                    self.assertTrue(thing.__doc__)


if __name__ == "__main__":
    unittest.main()

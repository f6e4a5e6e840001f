"""Exit status, stdout and stderr, and the forms of output."""

import os
import pty
import subprocess
import tempfile
import unittest

from cluster import PROGRAM, Simulator, check_schema, cluster, run, status

FINE = {"backend": "http"}
REFUSED = {"backend": "http", "faults": [{"fault": "refused"}]}


def on_terminal(*arguments, env=None):
    """What the command writes when stdout is a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE,
                               env={"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8", **(env or {})})
    os.close(slave)
    data = b""
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:
            break
        if not chunk:
            break
        data += chunk
    os.close(master)
    process.stderr.close()
    process.wait(20)
    return data.decode()


class ExitStatus(unittest.TestCase):
    def expect(self, endpoints, code, *arguments):
        with Simulator(cluster({key: dict(value) for key, value in endpoints.items()})) as simulator:
            result = status(simulator, *arguments)
        self.assertEqual(result.code, code, result.err)
        self.assertEqual(result.err, "")
        return result.json()

    def test_healthy(self):
        document = self.expect({"local/a": FINE, "nas/b": FINE}, 0)
        self.assertEqual(document["prognosis"]["verdict"], "HEALTHY")

    def test_degraded(self):
        document = self.expect({"local/a": FINE, "nas/b": REFUSED}, 1)
        self.assertEqual([tier["verdict"] for tier in document["tiers"]], ["HEALTHY", "DOWN"])
        self.assertEqual(document["prognosis"]["verdict"], "DEGRADED")

    def test_down(self):
        document = self.expect({"local/a": REFUSED, "nas/b": REFUSED}, 2)
        self.assertEqual(document["prognosis"]["verdict"], "DOWN")

    def test_only(self):
        document = self.expect({"local/a": FINE, "nas/b": REFUSED}, 0, "--only", "local/a")
        verdicts = {one["id"]: one["verdict"] for one in document["endpoints"]}
        self.assertEqual(verdicts, {"local/a": "HEALTHY", "nas/b": "UNKNOWN"})
        self.expect({"local/a": FINE, "nas/b": REFUSED}, 1, "--only", "local/a", "--only", "nas/b")


class Errors(unittest.TestCase):
    """Status 3, nothing on stdout, the reason on stderr."""

    def expect(self, text, *arguments, env=None):
        result = run(*arguments, env=env)
        self.assertEqual((result.code, result.out), (3, ""))
        self.assertIn(text, result.err)
        return result

    def write(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".json")
        file.write(text)
        file.flush()
        self.addCleanup(file.close)
        return file.name

    def test_usage(self):
        good = self.write('{"endpoints": {"a": {"url": "http://127.0.0.1:1", "tier": "local"}}}')
        self.expect("usage")
        self.expect("no command", "stattus")
        self.expect("no inventory", "status")
        self.expect("cannot be opened", "status", "--inventory", "/nonexistent.json")
        self.expect("try 'homelab help status'", "status", "--bogus")
        self.expect("unexpected argument", "status", "x")
        self.expect("--depth deep", "status", "--depth", "deep")
        self.expect("--confirm soon", "status", "--confirm", "soon")
        self.expect("exclude", "status", "--json", "--prometheus")
        self.expect("'b' is not in the inventory", "status", "-i", good, "--only", "b")
        self.expect("expected KEY=VALUE", "status", "-i", good, "-o", "x")
        self.expect("probe.depth", "status", "-i", good, "-o", "probe.dept=tcp")
        self.expect("expected one FILE", "validate")
        self.expect("expected --down", "whatif", "-i", good)

    def test_inventory(self):
        bad = self.write('{"endpoints": {"a": {"url": "nonsense"}, "b": {"tear": "local"}}}')
        result = self.expect("endpoints.a.url", "status", "--inventory", bad, "--json")
        self.assertGreater(len(result.err.splitlines()), 1)
        result = self.expect("endpoints.b", "validate", bad)
        self.assertGreater(len(result.err.splitlines()), 1)
        for line in result.err.splitlines():
            self.assertRegex(line, r"^/.*:\d+:\d+: ")

    def test_full_disk(self):
        good = self.write('{"endpoints": {"a": {"url": "http://127.0.0.1:1", "tier": "local"}}}')
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAM, "status", "-i", good], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"standard output", done.stderr)

    def test_validate_without_problems(self):
        good = self.write('{"endpoints": {"a": {"url": "http://127.0.0.1:1", "tier": "local"}}}')
        self.assertEqual(run("validate", good).code, 0)


class Output(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator(cluster({"local/a": dict(FINE), "nas/b": dict(REFUSED)}))

    @classmethod
    def tearDownClass(cls):
        cls.simulator.close()

    def test_json(self):
        result = status(self.simulator)
        check_schema(result.json(), "snapshot.schema.json")
        evidence = result.endpoint("nas/b")["evidence"][0]
        self.assertEqual((evidence["cause"], evidence["code"]), ("refused", 111))

    def test_table(self):
        result = run("status", env={"HOMELAB_INVENTORY": self.simulator.inventory_file})
        self.assertEqual((result.code, result.err), (1, ""))
        self.assertNotIn("\033", result.out)
        self.assertRegex(result.out, r"nas +DOWN\n  nas/b +\S+ +DOWN +refused +- ")
        self.assertRegex(result.out.splitlines()[-1], "^DEGRADED  1 of 2 tiers healthy, nas down")

    def test_colours(self):
        arguments = ("status", "-i", self.simulator.inventory_file)
        self.assertIn("\033[32mHEALTHY\033[0m", on_terminal(*arguments))
        self.assertNotIn("\033", on_terminal(*arguments, env={"NO_COLOR": "1"}))
        self.assertNotIn("\033", on_terminal(*arguments, env={"TERM": "dumb"}))

    def test_prometheus(self):
        result = run("status", "-i", self.simulator.inventory_file, "--prometheus")
        self.assertEqual((result.code, result.err), (1, ""))
        self.assertIn('homelab_endpoint_up{endpoint="nas/b",tier="nas",node=""} 0\n', result.out)
        families = set()
        for line in result.out.splitlines():
            if line.startswith("# TYPE "):
                family = line.split()[2]
                self.assertNotIn(family, families, "a family stands together")
                families.add(family)
            elif not line.startswith("#"):
                self.assertEqual(line.partition("{")[0].split(" ")[0], family)
                float(line.rpartition(" ")[2])

    def test_depth(self):
        layers = {evidence["layer"] for evidence in status(self.simulator, "--depth", "tcp").endpoint("local/a")["evidence"]}
        self.assertEqual(layers, {"tcp"})

    def test_help(self):
        for command in ("status", "validate", "whatif", "discover", "options", "version", "help"):
            result = run("help", command)
            self.assertEqual((result.code, result.err), (0, ""))
            self.assertTrue(result.out.startswith(f"usage: homelab {command}"))
        self.assertEqual(run("status", "--help").out, run("help", "status").out)
        self.assertRegex(run("--version").out, r"^homelab \d+\.\d+\.\d+\n$")
        self.assertIn("probe.confirm_ms", run("options").out)


class Bounded(unittest.TestCase):
    def test_by_the_longest_timeout(self):
        faults = ["hang", "drop_syn", "slow_header", "endless_body", "slow_body", "half_close"]
        endpoints = {f"a/{name}": {"backend": "ollama", "models": [], "faults": [{"fault": name}],
                                   "inventory": {"timeout": 1}} for name in faults * 1}
        endpoints["a/longest"] = {"backend": "ollama", "models": [], "faults": [{"fault": "hang"}],
                                  "inventory": {"timeout": 2}}
        with Simulator(cluster(endpoints)) as simulator:
            result = status(simulator)
        self.assertGreater(result.seconds, 1.9)
        self.assertLess(result.seconds, 2.5)


if __name__ == "__main__":
    unittest.main()

"""The program itself: options, messages, inventory, --run, signals, --scale."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import simulator as sim


def run(*arguments, **more):
    return subprocess.run(
        [sim.PROGRAM, *arguments], capture_output=True, text=True, timeout=20, check=False, **more
    )


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="homelab-sim-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def scenario(self, document):
        path = os.path.join(self.folder, "scenario.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(document if isinstance(document, str) else json.dumps(document))
        return path

    def test_usage(self):
        for arguments in ((), ("--nope",), ("a", "b"), ("--demo", "x.json"), ("--demo", "--control", "x"),
                          ("--demo", "--seconds", "0"), ("--demo", "--run"), ("--scale", "0"),
                          ("--scale", "5", "--control", "0"), ("--scale", "5", "--scale-backend", "x"),
                          ("--demo", "--ready-fd", "1.5")):  # fmt: skip
            with self.subTest(arguments):
                done = run(*arguments)
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertNotEqual(done.stderr, "")
        self.assertTrue(run("--help").stdout.startswith("Usage: homelab-sim"))
        self.assertTrue(run("--version").stdout.startswith("homelab-sim 0."))

    def test_all_problems_at_once(self):
        path = self.scenario(
            {
                "endpoints": {
                    "a/b": {"tier": "x", "backend": "olama", "port": -1},
                    "c": {"backend": "ollama", "modls": [], "models": [{"size_bytes": "big"}], "node": "n"},
                    "d": {"tier": "x", "backend": "tcp", "faults": [{"fault": "status"}, {"fault": "hangs"}]},
                    "e": {"tier": "x", "backend": "ollama", "host": "10.0.0.1", "metrics": True},
                }
            }
        )
        done = run("--check", path)
        self.assertEqual(done.returncode, 65)
        for part in (
            'endpoints."a/b".backend: found "olama", expected one of ollama, llamacpp',
            'endpoints.c.modls: found an unknown key, expected a known one; the nearest is "models"',
            "endpoints.c.models[0].size_bytes: found a string, expected an integer from 0 to",
            'endpoints.c: found no key "tier"',
            'endpoints.c.node: found "n", expected a node of this scenario',
            'endpoints.d.faults[1].fault: found "hangs", expected one of refused',
            'endpoints.e.host: found "10.0.0.1", expected a loopback address',
            'endpoints.e.metrics: found this key on backend "ollama"',
        ):
            self.assertIn(part, done.stderr)

    def test_hostile_scenarios(self):
        for text in ("", "{", "[]", '{"endpoints": 3}', '{"endpoints": {}}', "{} x", "\x00", "[" * 5000,
                     '{"endpoints": {"a": null}}', '{"endpoints": {"a": {"tier": "x", "tier": "x"}}}',
                     '{"endpoints": {"a": {"tier": "x", "backend": "ollama", "faults": [[]]}}}'):  # fmt: skip
            with self.subTest(text[:40]):
                done = run("--check", self.scenario(text))
                self.assertEqual(done.returncode, 65, done.stderr)
                self.assertIn("scenario.json:", done.stderr)
        self.assertEqual(run("--check", self.folder + "/nope").returncode, 65)

    def test_demo_is_a_valid_scenario(self):
        demo = run("--print-demo").stdout
        self.assertEqual(run("--check", self.scenario(demo)).returncode, 0)
        tiers = {endpoint["tier"] for endpoint in json.loads(demo)["endpoints"].values()}
        self.assertEqual(tiers, {"local", "remote", "nas", "gateway"})

    def test_run_gives_the_status_and_the_inventory(self):
        shell = 'test -s "$HOMELAB_INVENTORY" && cat "$HOMELAB_INVENTORY" && echo "$HOMELAB_INVENTORY" >&2; exit 7'
        done = run("--demo", "--run", "sh", "-c", shell)
        self.assertEqual(done.returncode, 7)
        inventory = json.loads(done.stdout)
        self.assertEqual(inventory["endpoints"]["local/ollama"]["models"], ["qwen2.5-coder:7b"])
        self.assertEqual(inventory["nodes"]["main"]["gpus"][0]["name"], "RTX 4090")
        self.assertFalse(os.path.exists(done.stderr.strip()))
        self.assertEqual(run("--demo", "--run", "/nonexistent").returncode, 127)
        self.assertEqual(run("--demo", "--run", "sh", "-c", "kill -KILL $$").returncode, 137)
        self.assertEqual(run("--demo", "--seconds", "0.2", "--run", "sleep", "60").returncode, 143)

    def test_run_gives_keys_and_control(self):
        path = self.scenario(
            {
                "env": {"COLOUR": "blue"},
                "inventory": {"models": {"m": {"roles": ["chat"]}}},
                "endpoints": {
                    "a": {"tier": "x", "backend": "openai", "api_key": "right", "api_key_env": "SIM_KEY",
                          "client_key": "wrong", "inventory": {"timeout": 3, "backend": None}},
                },
            }  # fmt: skip
        )
        done = run(path, "--control", "0", "--run", "sh", "-c",
                   'echo "$SIM_KEY $COLOUR $HOMELAB_SIM_CONTROL"; cat "$HOMELAB_INVENTORY"')  # fmt: skip
        line, _, text = done.stdout.partition("\n")
        self.assertRegex(line, r"^wrong blue http://127\.0\.0\.1:\d+$")
        inventory = json.loads(text)
        self.assertEqual(inventory["models"], {"m": {"roles": ["chat"]}})
        endpoint = inventory["endpoints"]["a"]
        self.assertEqual((endpoint["api_key"], endpoint["timeout"]), ("env:SIM_KEY", 3))
        self.assertNotIn("backend", endpoint)

    def test_ends_on_signals_and_time(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            process = subprocess.Popen([sim.PROGRAM, "--demo"], stdout=subprocess.PIPE, text=True)
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(number)
            self.assertEqual(process.wait(10), 0)
            process.stdout.close()
        start = time.monotonic()
        self.assertEqual(run("--demo", "--seconds", "0.3").returncode, 0)
        self.assertGreater(time.monotonic() - start, 0.29)

    def test_ready_fd(self):
        read, write = os.pipe()
        process = subprocess.Popen(
            [sim.PROGRAM, "--demo", "--ready-fd", str(write)], pass_fds=[write], stdout=subprocess.PIPE
        )
        os.close(write)
        with os.fdopen(read) as file:
            self.assertEqual(file.read(), "ready\n")
        process.terminate()
        self.assertEqual(process.communicate(timeout=10)[0], b"")

    def test_dies_with_its_parent(self):
        script = f"{sim.PROGRAM} --demo --die-with-parent >ready & echo $!; while ! test -s ready; do :; done"
        done = subprocess.run(["sh", "-c", script], cwd=self.folder, capture_output=True, text=True, timeout=10)
        child = int(done.stdout)
        for _ in range(100):
            if not os.path.exists(f"/proc/{child}") or "Z" in status_of(child):
                return
            time.sleep(0.05)
        os.kill(child, signal.SIGKILL)
        self.fail("still alive")

    def test_port_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            path = self.scenario({"endpoints": {"a": {"tier": "x", "backend": "http", "port": port}}})
            done = run(path, "--seconds", "1")
        self.assertEqual(done.returncode, 69)
        self.assertIn(f"endpoint 'a': cannot bind 127.0.0.1:{port}", done.stderr)

    def test_control_refuses(self):
        with sim.Simulator({"endpoints": {"a": {"tier": "x", "backend": "tcp"}}}) as running:
            for method, path, body, status in (
                ("POST", "/sim/endpoint/a/fault", {"fault": "nope"}, 400),
                ("POST", "/sim/endpoint/a/fault", {"fault": "status"}, 400),
                ("POST", "/sim/endpoint/b/fault", {"fault": "hang"}, 404),
                ("POST", "/sim/endpoint//fault", {"fault": "hang"}, 404),
                ("GET", "/sim/endpoint/a/fault", None, 405),
                ("GET", "/nope", None, 404),
            ):
                with self.subTest(path):
                    with self.assertRaises(sim.urllib.error.HTTPError) as raised:
                        running.control(method, path, body)
                    self.assertEqual(raised.exception.code, status)
                    self.assertIn("error", json.load(raised.exception))
                    raised.exception.close()
            self.assertEqual(running.control("GET", "/sim/endpoints")["a"]["listener"], "listening")
            running.control("POST", "/sim/stop")
            self.assertEqual(running.process.wait(10), 0)

    def test_ipv6_and_own_addresses(self):
        endpoints = {
            "v6": {"tier": "x", "backend": "http", "host": "::1", "routes": {"/": {"body": "six"}}},
            "far": {"tier": "x", "backend": "http", "host": "127.0.7.9", "routes": {"/": {"body": "far"}}},
        }
        with sim.Simulator({"endpoints": endpoints}) as running:
            self.assertEqual(running.ask("v6").body, b"six")
            self.assertEqual(running.ask("far").body, b"far")
            self.assertEqual(running.address("far")[0], "127.0.7.9")

    def test_ends_amid_streams(self):
        """Streams that go on, clients that leave and the signal to end may all meet in one turn."""
        body = b'{"messages":[{"role":"user","content":"hello"}],"stream":true}'
        request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        endpoint = {"tier": "t", "backend": "llamacpp", "models": [{"name": "m"}], "token": 0.02, "slots": 64}
        for _ in range(20):
            with sim.Simulator({"endpoints": {"a": endpoint}}) as cluster:
                clients = [socket.create_connection(cluster.address("a")) for _ in range(40)]
                for client in clients:
                    client.sendall(request)
                for client in clients:
                    client.recv(1)
                cluster.process.send_signal(signal.SIGSTOP)
                time.sleep(0.05)  # until each has a token due
                for client in clients[::2]:
                    client.close()
                cluster.process.terminate()
                cluster.process.send_signal(signal.SIGCONT)
            for client in clients:
                client.close()


class Documents(unittest.TestCase):
    """The program, the schema and the documentation know the same keys."""

    ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

    def read(self, *path):
        with open(os.path.join(self.ROOT, *path), encoding="utf-8") as file:
            return file.read()

    def test_keys(self):
        scenario = self.read("tools", "sim", "scenario.c")
        models = self.read("tools", "sim", "scenario_model.c")
        faults = self.read("tools", "sim", "fault_parse.c")
        program = {
            "endpoint": set(re.findall(r'^    \{"(\w+)", [A-Z]', scenario, re.M)),
            "model": words(models, "model_keys"),
            "fault": set(re.findall(r"SPEC_\w+\(\"(\w+)\"", faults)),
            "window": words(faults, "window_keys") - {"fault"},
            "option": set(re.findall(r'\{"(\w+)", KEY_', faults)),
            "document": words(scenario, "document_keys"),
        }
        schema = json.loads(self.read("schema", "sim.schema.json"))
        definitions = schema["$defs"]
        fault = definitions["fault"]
        written = {
            "endpoint": set(definitions["endpoint"]["properties"]),
            "model": set(definitions["model"]["properties"]),
            "fault": {name for form in fault["oneOf"] for name in form["properties"]["fault"]["enum"]},
            "window": set(fault["properties"]) - {"fault"},
            "option": set(definitions["fault_option"]),
            "document": set(schema["properties"]),
        }
        page = set(re.findall(r"`([a-z_$]+)`", self.read("docs", "simulator.md")))
        for kind, keys in program.items():
            with self.subTest(kind):
                self.assertGreater(len(keys), 4)
                self.assertEqual(keys, written[kind])
                self.assertEqual(keys - page, set())

    def test_fault_options(self):
        """What the schema lets a fault take, the program takes too, and nothing else."""
        schema = json.loads(self.read("schema", "sim.schema.json"))["$defs"]
        values = {"paths": ["/"], "stage": "body", "seconds": 1, "bytes": 1, "status": 200, "retry_after": 1,
                  "body": "x", "location": "/x", "fraction": 0, "model": "m", "slots": 1, "in_flight": True}  # fmt: skip
        self.assertEqual(set(values), set(schema["fault_option"]))
        with sim.Simulator({"endpoints": {"a": {"tier": "x", "backend": "ollama"}}}) as running:
            for form in schema["fault"]["oneOf"]:
                for name in form["properties"]["fault"]["enum"]:
                    for key, value in values.items():
                        try:
                            running.fault("a", {"fault": name, key: value})
                            taken = True
                        except sim.urllib.error.HTTPError as refused:
                            refused.close()
                            taken = False
                        self.assertEqual(taken, key in form["properties"], f"{name}.{key}")


def words(source, table):
    body = re.search(rf"{table}\[\] = \{{(.*?)\}};", source, re.S).group(1)
    return set(re.findall(r'"([^"]+)"', body))


def status_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2][:3]
    except OSError:
        return "Z"


class Scale(unittest.TestCase):
    def look(self, url):
        address = urllib.parse.urlparse(url)
        with socket.socket() as sock:
            sock.settimeout(0.15)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                sock.connect((address.hostname, address.port))
            except TimeoutError:
                return "dropping"
            try:
                for path in ("/api/tags", "/api/version", "/nope"):
                    sock.sendall(sim.request_bytes(path))
                    answer = sim.read_answer(sock)
                    if path == "/api/tags":
                        self.assertEqual(len(answer.json()["models"]), 1)
                    self.assertEqual(answer.status, 404 if path == "/nope" else 200)
                sock.sendall(sim.request_bytes("/api/show", "POST", {"model": "x"})[:-3])
                time.sleep(0.001)
                sock.sendall(b'x"}')
                self.assertEqual(sim.read_answer(sock).json()["capabilities"], ["completion", "tools"])
            except TimeoutError:
                return "silent"
        return "alive"

    def test_dead_and_alive(self):
        with tempfile.TemporaryDirectory() as folder:
            inventory = os.path.join(folder, "inventory.json")
            process = subprocess.Popen(
                [sim.PROGRAM, "--scale", "300", "--dead-percent", "10", "--threads", "2", "--write-inventory", inventory],
                stdout=subprocess.PIPE, text=True)  # fmt: skip
            self.assertEqual(process.stdout.readline(), "ready\n")
            with open(inventory, encoding="utf-8") as file:
                endpoints = json.load(file)["endpoints"]
            seen = [self.look(endpoint["url"]) for endpoint in endpoints.values()]
            process.terminate()
            self.assertEqual(process.wait(10), 0)
            process.stdout.close()
        self.assertEqual(len({endpoint["url"] for endpoint in endpoints.values()}), 300)
        self.assertEqual((seen.count("alive"), seen.count("silent"), seen.count("dropping")), (270, 15, 15))

    def test_openai(self):
        script = 'import json,os,urllib.request as u\nfor e in json.load(open(os.environ["HOMELAB_INVENTORY"]))["endpoints"].values(): print(u.urlopen(e["url"]+"/v1/models").status)'
        done = run("--scale", "3", "--scale-backend", "openai", "--run", "python3", "-c", script)
        self.assertEqual(done.stdout.split(), ["200"] * 3)


if __name__ == "__main__":
    unittest.main()

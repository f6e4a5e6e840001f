"""Runs `homelab status` over an inventory and checks what holds for every answer of it."""

import contextlib
import json
import os
import subprocess
import tempfile
import time
import unittest

import lab

KEY = "sk-5d0b7e3f9a1c4826-integration-only"
WRONG_KEY = "sk-ffffffffffffffff-not-the-right-one"
USABLE = {"HEALTHY", "DEGRADED", "BUSY", "LOADING"}
# What a process start, a confirmation and a busy machine may add to a bound.
SLACK = 1.5
REQUIRED = os.environ.get("HOMELAB_REQUIRE_COMPONENTS") == "1"

ENDPOINT_KEYS = {"id", "tier", "node", "backend", "verdict", "cause", "text", "latency_ms", "evidence", "models"}
EVIDENCE_KEYS = {"layer", "cause", "code", "elapsed_ms", "text"}
MODEL_KEYS = {"name", "loaded", "capabilities", "context", "size_bytes", "vram_bytes"}
CAUSES = {
    "HEALTHY": {"none", "sleeping"},
    "DEGRADED": {"slow", "model-missing", "cpu-fallback", "backend-dead", "canary-failed", "flapping"},
    "LOADING": {"loading"},
    "BUSY": {"busy", "timeout-after-accept"},
    "MISCONFIGURED": {"auth", "not-found", "wrong-body", "wrong-backend", "redirect", "too-large", "tls"},
    "WEDGED": {"stalled", "timeout-after-accept"},
    "DOWN": {"refused", "no-route", "dns", "connect-timeout", "reset", "closed", "server-error", "backend-dead",
             "tls"},
    "UNKNOWN": {"none"},
}


def slow(test):
    """Marks a test that only run.py --long runs."""
    test.slow = True
    return test


def program():
    """The homelab command, or None."""
    path = os.environ.get("HOMELAB_BIN") or os.path.join(lab.ROOT, "build", "debug", "bin", "homelab")
    return path if os.access(path, os.X_OK) else None


class Report:
    """One answer of `homelab status --json`."""

    def __init__(self, process, elapsed):
        self.code = process.returncode
        self.stdout = process.stdout
        self.stderr = process.stderr
        self.elapsed = elapsed
        try:
            self.document = json.loads(process.stdout)
        except ValueError as error:
            raise AssertionError(f"stdout is no JSON document ({error}); exit {self.code}\n"
                                 f"{self.stdout[:2000]}\n{self.stderr[:2000]}") from None

    def endpoint(self, name):
        for endpoint in self.document["endpoints"]:
            if endpoint["id"] == name:
                return endpoint
        raise AssertionError(f"no endpoint {name} in {self.stdout[:2000]}")

    def model(self, endpoint, name):
        for model in self.endpoint(endpoint)["models"]:
            if model["name"] == name:
                return model
        raise AssertionError(f"no model {name} at {endpoint}: {self.endpoint(endpoint)['models']}")

    def evidence(self, name):
        return " | ".join(item["text"] for item in self.endpoint(name)["evidence"])


def status(inventory, confirm=None, depth=None, only=(), secrets=None, limit=120):
    """Inventory as a dict; secrets go into the environment and must not come out again."""
    secrets = secrets or {}
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(inventory, file)
        file.flush()
        command = [program(), "status", "--inventory", file.name, "--json"]
        command += ["--confirm", str(confirm)] if confirm else []
        command += ["--depth", depth] if depth else []
        for name in only:
            command += ["--only", name]
        start = time.monotonic()
        process = subprocess.run(command, capture_output=True, text=True, timeout=limit,
                                 env={**os.environ, **secrets}, check=False)
        report = Report(process, time.monotonic() - start)
    for secret in secrets.values():
        assert secret not in process.stdout + process.stderr, "a secret was printed"
    check(report, inventory, only)
    return report


def aggregate(verdicts):
    if all(verdict == "HEALTHY" for verdict in verdicts):
        return "HEALTHY"
    return "DEGRADED" if any(verdict in USABLE for verdict in verdicts) else "DOWN"


def check(report, inventory, only):
    document = report.document
    assert document["schema"] == 1, document["schema"]
    names = [endpoint["id"] for endpoint in document["endpoints"]]
    expected = [name for name in inventory["endpoints"] if not only or name in only]
    assert [name for name in names if name in expected] == expected, names
    tiers = {}
    for endpoint in document["endpoints"]:
        assert ENDPOINT_KEYS <= set(endpoint), endpoint
        assert endpoint["cause"] in CAUSES[endpoint["verdict"]], endpoint
        assert endpoint["text"], endpoint
        assert all(EVIDENCE_KEYS <= set(item) for item in endpoint["evidence"]), endpoint
        assert all(MODEL_KEYS <= set(item) for item in endpoint["models"] or ()), endpoint
        tiers.setdefault(endpoint["tier"], []).append(endpoint["verdict"])
    if only:
        return
    for tier in document["tiers"]:
        assert tier["verdict"] == aggregate(tiers[tier["name"]]), (tier, tiers)
    overall = aggregate([aggregate(verdicts) for verdicts in tiers.values()])
    assert document["prognosis"]["verdict"] == overall, document["prognosis"]
    assert report.code == {"HEALTHY": 0, "DEGRADED": 1, "DOWN": 2}[overall], (report.code, overall)


def inventory(nodes=None, **endpoints):
    """inventory(llm=dict(url=...)): ids are the keyword names, the tier is LOCAL unless given."""
    document = {"endpoints": {name: {"tier": "LOCAL", **value} for name, value in endpoints.items()}}
    if nodes:
        document["nodes"] = nodes
    return document


class LabTest(unittest.TestCase):
    """Servers are started once a class by prepare(); a missing component skips its tests, or fails
    them where components are required."""

    needs_program = True
    obstacle = None

    @classmethod
    def prepare(cls):
        pass

    @classmethod
    def setUpClass(cls):
        cls.obstacle = None
        if cls.needs_program and program() is None:
            cls.obstacle = "the homelab command is missing, set HOMELAB_BIN"
            return
        try:
            cls.prepare()
        except lab.MissingComponent as error:
            cls.obstacle = str(error)

    def setUp(self):
        if self.obstacle and REQUIRED:
            self.fail(self.obstacle)
        if self.obstacle:
            self.skipTest(self.obstacle)

    def assert_verdict(self, report, name, verdict, cause="none"):
        endpoint = report.endpoint(name)
        self.assertEqual((endpoint["verdict"], endpoint["cause"]), (verdict, cause),
                         f"{endpoint['text']}; evidence: {report.evidence(name)}")

    def assert_code(self, report, name, code):
        codes = [item["code"] for item in report.endpoint(name)["evidence"]]
        self.assertIn(code, codes, report.evidence(name))

    def assert_within(self, report, seconds):
        self.assertLess(report.elapsed, seconds + SLACK)

    @contextlib.contextmanager
    def unharmed(self, server):
        before = server.harm()
        yield
        self.assertEqual(server.harm(), before, "a probe did harm")

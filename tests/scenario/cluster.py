"""Runs the homelab command against a simulated cluster."""

import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "sim"))

import schema  # noqa: E402
from simulator import Simulator  # noqa: E402

PROGRAM = os.environ.get("HOMELAB", "homelab")
SCHEMAS = os.path.join(HERE, "..", "..", "schema")

__all__ = ["Simulator", "Result", "run", "status", "cluster", "check_schema", "PROGRAM"]


class Result:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def json(self):
        return json.loads(self.out)

    def endpoint(self, identifier):
        return next(one for one in self.json()["endpoints"] if one["id"] == identifier)


def run(*arguments, env=None, timeout=60):
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", **(env or {})}
    started = time.monotonic()
    done = subprocess.run([PROGRAM, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=timeout, check=False)
    return Result(done.returncode, done.stdout, done.stderr, time.monotonic() - started)


def status(simulator, *arguments, **options):
    return run("status", "--inventory", simulator.inventory_file, "--json", *arguments, **options)


def cluster(endpoints, nodes=None, **more):
    """A scenario; every endpoint gets a tier (before the slash of its id) and a short time-out unless it says so."""
    for identifier, endpoint in endpoints.items():
        endpoint.setdefault("tier", identifier.partition("/")[0])
        endpoint.setdefault("inventory", {}).setdefault("timeout", 1.5)
    return {"endpoints": endpoints, **({"nodes": nodes} if nodes else {}), **more}


def check_schema(document, name):
    with open(os.path.join(SCHEMAS, name), encoding="utf-8") as file:
        problems = schema.problems(document, json.load(file))
    assert not problems, "\n".join(problems)

"""What the tests share: the paths, a simulated cluster, a child interpreter."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/sim"), str(ROOT / "scripts")]

from simulator import Simulator  # noqa: E402

MODEL = {"name": "m", "capabilities": ["completion"], "loaded": True, "required": True}
#: Nobody listens there, so that a probe is over at once.
NOBODY = {"endpoints": {"a/x": {"url": "http://127.0.0.1:1", "tier": "A"}}}
#: The same with a secret that a probe needs.
KEYED = {"endpoints": {"a/x": {"url": "http://127.0.0.1:1", "tier": "A", "api_key": "env:BINDINGS_TEST_KEY"}}}
#: The header of a model file, without its tensors.
HEADER = ROOT / "tests/data/gguf/llama-3.2-1b.Q4_K_M.hdr"
FAST = {"health_interval_ms": 100, "health_fast_interval_ms": 100, "health_down_interval_ms": 100}


def cluster(**endpoints):
    """A simulator of endpoints "local/NAME"; every one is an Ollama unless it says so."""
    scenario = {"endpoints": {}}
    for name, more in endpoints.items():
        endpoint = {"tier": "local", "backend": "ollama", "models": [dict(MODEL)], "inventory": {"timeout": 1.5}}
        scenario["endpoints"][f"local/{name}"] = {**endpoint, **more}
    return Simulator(scenario)


def run(code, *arguments, timeout=60, env=None):
    """Runs a program in an interpreter of its own, like this one; the result has returncode, stdout and stderr."""
    return subprocess.run([sys.executable, "-X", "faulthandler", "-c", code, *arguments], capture_output=True, text=True,
                          timeout=timeout, check=False, env={**os.environ, **(env or {})})

"""The examples for Lua and Neovim do what they say; nginx's stands in test_nginx.py."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/sim"))
from simulator import Simulator  # noqa: E402

MODEL = {"name": "m", "capabilities": ["completion"], "loaded": True}
SCENARIO = {"endpoints": {"local/ollama": {"tier": "local", "backend": "ollama", "models": [dict(MODEL)]},
                          "remote/llama": {"tier": "remote", "backend": "llamacpp", "models": [dict(MODEL)]}}}
NVIM = """
vim.opt.runtimepath:append("{folder}")
vim.cmd("runtime plugin/homelab_status.lua")
local status = require("homelab_status")
assert(vim.wait(20000, function() return status.line():find("2/2", 1, true) end, 5), status.line())
assert(status.line():find("●", 1, true), status.line())
local shown = vim.api.nvim_eval_statusline(vim.o.statusline, {{}}).str
assert(shown:find("● cluster 2/2", 1, true), shown)
vim.cmd("HomelabStatus")
local lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
assert(lines[1]:find("HEALTHY: all 2 tiers healthy", 1, true) and lines[3]:find("local/ollama", 1, true), lines[1])
-- It ends with the monitor alive.
"""


def environment(version):
    return {**os.environ, "LUA_CPATH": os.environ[f"HOMELAB_LUA{version}_CPATH"] + ";;"}


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator(SCENARIO)

    @classmethod
    def tearDownClass(cls):
        cls.simulator.close()

    def hosts(self):
        for host, version in (("LUAJIT", "51"), ("LUA5_1", "51"), ("LUA5_4", "54")):
            if os.environ.get(f"HOMELAB_{host}"):
                yield os.environ[f"HOMELAB_{host}"], environment(version)

    def test_status(self):
        for host, where in self.hosts():
            done = subprocess.run([host, str(ROOT / "examples/lua/status.lua"), self.simulator.inventory_file], env=where,
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("local/ollama         HEALTHY       GET /api/tags answered 200", done.stdout)
            self.assertEqual(done.stdout.splitlines()[-1], "HEALTHY: all 2 tiers healthy")
            for arguments, message in (([], "usage: status.lua INVENTORY\n"),
                                       (["/nonexistent"], "/nonexistent: cannot be opened: No such file or directory\n")):
                done = subprocess.run([host, str(ROOT / "examples/lua/status.lua"), *arguments], env=where,
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", message))

    def test_plan(self):
        header = ROOT / "tests/data/gguf/llama-3.2-1b.Q4_K_M.hdr"
        for host, where in self.hosts():
            done = subprocess.run([host, ROOT / "examples/lua/plan.lua", ROOT / "examples/inventory/plan.yaml", f"llama3.1:8b={header}"],
                                  env=where, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("qwen2.5-coder:14b: fits gpu0/gpu0", done.stdout)
            self.assertEqual(done.stdout.splitlines()[-1], "plan: 7 of 7 models placed")

    def test_route_and_ask(self):
        for host, where in self.hosts():
            done = subprocess.run([host, ROOT / "examples/lua/route.lua", self.simulator.inventory_file], env=where,
                                  input="Write a Lua function\n", capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"^code: m on (local/ollama|remote/llama)\n +\d+ %  m at http://127.0.0.1:")
            done = subprocess.run([host, ROOT / "examples/lua/ask.lua", self.simulator.inventory_file, "hello"], env=where,
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"^Hello from the simulated endpoint (local/ollama|remote/llama)\.\n$")
            self.assertRegex(done.stderr, r"^\[m on (local/ollama|remote/llama)\]\n$")

    def test_watch(self):
        for host, where in self.hosts():
            with subprocess.Popen([host, str(ROOT / "examples/lua/watch.lua"), self.simulator.inventory_file], env=where,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
                line, said = "", ""
                while "all 2 tiers healthy" not in line:
                    line = process.stdout.readline()
                    said += line
                    self.assertTrue(line, said)
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=20)

    def test_neovim(self):
        if not os.environ.get("HOMELAB_NVIM"):
            self.skipTest("nvim is not installed")
        with tempfile.TemporaryDirectory() as home:
            script = pathlib.Path(home) / "test.lua"
            script.write_text(NVIM.format(folder=ROOT / "examples/nvim"), encoding="utf-8")
            run = f"lua local ok, m = pcall(dofile, {str(script)!r}) if not ok then io.stderr:write(m) vim.cmd('cquit 1') end"
            done = subprocess.run([os.environ["HOMELAB_NVIM"], "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", run, "-c", "qa!"],
                                  env={**environment("51"), "HOME": home, "HOMELAB_INVENTORY": self.simulator.inventory_file},
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])

"""The examples that ask: a selection in Neovim, the OpenAI-compatible proxy in nginx; Lua's API of the router."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / part) for part in ("tests/sim", "tests/hosts")]

import nginx  # noqa: E402
from simulator import Simulator  # noqa: E402

CHAT = "/v1/chat/completions"
MODELS = [{"name": "llama3.1:8b"}]


def scenario(**faults):
    return {"endpoints": {"local/a": {"tier": "local", "backend": "llamacpp", "models": MODELS, **faults},
                          "remote/b": {"tier": "remote", "backend": "llamacpp", "models": MODELS},
                          "nas/e": {"tier": "nas", "backend": "ollama", "models": [
                              {"name": "nomic-embed-text", "capabilities": ["embedding"], "loaded": True}]}}}


NVIM = """
vim.opt.runtimepath:append("{folder}")
vim.cmd("runtime plugin/homelab_ask.lua")
local ask = require("homelab_ask")
assert(vim.wait(20000, function() return ask.ready end, 5), "no cluster")
vim.api.nvim_buf_set_lines(0, 0, -1, false, {{ "one", "two", "three" }})
vim.cmd("2,3HomelabAsk explain this")
local buffer = vim.api.nvim_get_current_buf()
assert(vim.wait(20000, function() return ask.last end, 5), "no answer")
local text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\\n")
assert(text == "Hello from the simulated endpoint local/a.", text)
"""


class Neovim(unittest.TestCase):
    def test_selection(self):
        if not os.environ.get("HOMELAB_NVIM"):
            self.skipTest("nvim is not installed")
        with Simulator(scenario()) as simulator, tempfile.TemporaryDirectory() as home:
            script = pathlib.Path(home) / "test.lua"
            script.write_text(NVIM.format(folder=ROOT / "examples/nvim"), encoding="utf-8")
            run = f"lua local ok, m = pcall(dofile, {str(script)!r}) if not ok then io.stderr:write(m) vim.cmd('cquit 1') end"
            done = subprocess.run([os.environ["HOMELAB_NVIM"], "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", run, "-c", "qa!"],
                                  env={**os.environ, "LUA_CPATH": os.environ["HOMELAB_LUA51_CPATH"] + ";;", "HOME": home,
                                       "HOMELAB_INVENTORY": simulator.inventory_file},
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


class Proxy:
    """nginx with proxy.conf on a free port."""

    def __init__(self, inventory):
        self.port = nginx.free_port()
        self.folder = tempfile.TemporaryDirectory()
        folder = self.folder.name
        shutil.copytree(ROOT / "examples/openresty", folder, dirs_exist_ok=True)
        path = pathlib.Path(folder) / "proxy.conf"
        text = path.read_text(encoding="utf-8").replace("127.0.0.1:8081", f"127.0.0.1:{self.port}")
        text = text.replace('lua_package_path "', f'lua_package_path "{os.environ["HOMELAB_LUA_PATH"]};')
        text = text.replace("http {", f'http {{\n    lua_package_cpath "{os.environ["HOMELAB_LUA51_CPATH"]};;";', 1)
        for module in nginx.modules():
            text = text.replace(f"load_module /usr/lib/nginx/modules/{os.path.basename(module)}", f"load_module {module}")
        path.write_text(("user root;\n" if os.geteuid() == 0 else "") + text, encoding="utf-8")
        self.log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([os.environ["HOMELAB_NGINX"], "-p", folder, "-c", "proxy.conf", "-e", "stderr"],
                                        env={**os.environ, "HOMELAB_INVENTORY": inventory}, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        self.folder.cleanup()

    def said(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text(encoding="utf-8")

    def post(self, path, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()
        except OSError:
            return 0, {}, ""

    def chat(self, text="hello", **more):
        return self.post(CHAT, {"model": "auto", "messages": [{"role": "user", "content": text}], **more})


class OpenResty(unittest.TestCase):
    def setUp(self):
        if not os.environ.get("HOMELAB_NGINX") or not nginx.modules() or not os.path.exists("/usr/share/lua/5.1/ngx/balancer.lua"):
            self.skipTest("nginx with its Lua module and lua-resty-core is not installed")

    def ready(self, proxy):
        try:
            nginx.eventually("an answer", lambda: proxy.chat()[0] == 200)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{proxy.chat()}\n{proxy.said()[-3000:]}") from None

    def test_proxy(self):
        with Simulator(scenario()) as simulator, Proxy(simulator.inventory_file) as proxy:
            self.ready(proxy)
            code, headers, body = proxy.chat()
            self.assertEqual((code, headers["X-Homelab-Model"]), (200, "llama3.1:8b"), proxy.said())
            self.assertIn("endpoint local/a", json.loads(body)["choices"][0]["message"]["content"])
            code, _, body = proxy.chat(stream=True)
            self.assertEqual((code, body.rstrip().endswith("data: [DONE]")), (200, True))
            code, headers, body = proxy.post("/v1/embeddings", {"model": "auto", "input": "x"})
            self.assertEqual((code, headers["X-Homelab-Model"]), (200, "nomic-embed-text"), proxy.said())
            image = [{"type": "image_url", "image_url": {"url": "data:,"}}]
            code, _, body = proxy.post(CHAT, {"messages": [{"role": "user", "content": image}]})
            self.assertEqual(code, 503)
            self.assertIn("no model for vision", json.loads(body)["error"]["message"])
            self.assertEqual(proxy.post(CHAT, b"nonsense")[0], 400)
            self.assertNotIn("[error]", proxy.said())

    def test_next_server(self):
        fault = {"fault": "status", "status": 500, "paths": [CHAT]}
        with Simulator(scenario(faults=[fault])) as simulator, Proxy(simulator.inventory_file) as proxy:
            self.ready(proxy)
            for _ in range(6):
                code, _, body = proxy.chat()
                self.assertEqual(code, 200, proxy.said())
                self.assertIn("endpoint remote/b", json.loads(body)["choices"][0]["message"]["content"])
            # Its breaker has opened: at most a few requests went to the first choice in vain.
            self.assertLess(simulator.stats("local/a")["paths"]["POST " + CHAT], 8)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])

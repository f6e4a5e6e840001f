"""The Lua module and homelab.ngx in nginx: every phase, several workers, reload, quit, and what goes wrong; the example's pages."""

import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / part) for part in ("tests/sim", "tests/hosts", "tests/scenario")]

import nginx  # noqa: E402
import schema  # noqa: E402
from simulator import Simulator  # noqa: E402

MODEL = {"name": "m", "capabilities": ["completion"], "loaded": True}
SCENARIO = {"endpoints": {"local/<ollama>": {"tier": "local", "backend": "ollama", "models": [dict(MODEL)]},
                          "remote/llama": {"tier": "remote", "backend": "llamacpp", "models": [dict(MODEL)]}}}
START = """
    lua_shared_dict homelab 1m;
    init_worker_by_lua_block {
        require("homelab.ngx").start({ inventory = os.getenv("HOMELAB_INVENTORY"), options = { health = { interval_ms = 300 } } })
    }
"""
# Each phase uses objects of its own; what it found goes through a header, the body or the log.
PHASES_HTTP = """
    init_by_lua_block {
        local homelab = require("homelab")
        inventory = assert(homelab.inventory(os.getenv("HOMELAB_INVENTORY")))
        function look()
            local snapshot = assert(homelab.assume(inventory))
            local data = assert(snapshot:to_table())
            assert(select(3, homelab.inventory("/nonexistent")) == homelab.E_SYSTEM)
            assert(not pcall(snapshot.text, nil))
            local ctx = assert(homelab.context())
            assert(ctx:dispatch() == 0)
            return #data.endpoints
        end
        assert(look() == 2)
    }
    init_worker_by_lua_block {
        assert(look() == 2)
        ngx.timer.at(0, function() ngx.log(ngx.NOTICE, "timer phase: ", look()) end)
    }
    upstream chosen {
        server 0.0.0.1;
        balancer_by_lua_block {
            assert(look() == 2)
            assert(require("ngx.balancer").set_current_peer("127.0.0.1", tonumber(ngx.var.server_port)))
        }
    }
"""
PHASES_SERVER = """
        set_by_lua_block $counted { return look() }
        location = /phases {
            rewrite_by_lua_block { ngx.ctx.seen = look() }
            access_by_lua_block { ngx.ctx.seen = ngx.ctx.seen + look() }
            content_by_lua_block {
                local inside = coroutine.wrap(look)()
                ngx.print(ngx.var.counted + ngx.ctx.seen + inside + look(), " ", "body")
            }
            header_filter_by_lua_block { ngx.header["X-Seen"] = look(); ngx.header.content_length = nil }
            body_filter_by_lua_block { if ngx.arg[1] ~= "" then look() ngx.arg[1] = ngx.arg[1] .. "." end }
            log_by_lua_block { ngx.log(ngx.NOTICE, "log phase: ", look()) }
        }
        location = /balanced { proxy_pass http://chosen/phases; }
"""
PAGES = """
        location = /text {
            content_by_lua_block {
                local snapshot, message = require("homelab.ngx").snapshot()
                ngx.say(ngx.worker.id(), " ", snapshot and snapshot:generation() or 0, " ", snapshot and snapshot:text() or message)
            }
        }
        location = /json {
            content_by_lua_block { ngx.print(require("homelab.ngx").json() or "null") }
        }
        location = /same {
            content_by_lua_block {
                local adapter = require("homelab.ngx")
                ngx.say(tostring(rawequal(adapter.snapshot(), adapter.snapshot())))
            }
        }
"""


def fields(server):
    worker, generation, text = server.get("/text")[1].strip().split(" ", 2)
    return int(worker), int(generation), text


class InNginx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator(SCENARIO)
        cls.environment = {"HOMELAB_INVENTORY": cls.simulator.inventory_file}

    @classmethod
    def tearDownClass(cls):
        cls.simulator.close()

    def start(self, http=START, server=PAGES, workers=2, environment=None):
        # The workers must reach the inventory even where the server gives up its rights.
        return nginx.Nginx(http, server, environment or self.environment, workers)

    def test_every_phase(self):
        with self.start(PHASES_HTTP, PHASES_SERVER, workers=1) as server:
            self.assertEqual(server.get("/phases"), (200, "10 body."))
            self.assertEqual(server.get("/balanced")[0], 200)
            nginx.eventually("log phase", lambda: "log phase: 2" in server.log() and "timer phase: 2" in server.log())
            self.assertEqual(server.quit(), 0)
            self.assertEqual(server.complaints(), [])

    def test_every_worker_knows(self):
        with self.start() as server:
            nginx.eventually("all tiers", lambda: "all 2 tiers" in fields(server)[2])
            seen = {}
            deadline = time.monotonic() + 20
            while len(seen) < 2 and time.monotonic() < deadline:
                worker, generation, text = fields(server)
                seen[worker] = generation
                self.assertIn("all 2 tiers", text)
            self.assertEqual(sorted(seen), [0, 1])
            snapshot = json.loads(server.get("/json")[1])
            with open(ROOT / "schema/snapshot.schema.json", encoding="utf-8") as file:
                self.assertEqual(schema.problems(snapshot, json.load(file)), [])
            # Latencies are those of the endpoints, though a timer drives the monitor.
            nginx.eventually("latencies", lambda: all(
                one["latency_ms"] < 40 for one in json.loads(server.get("/json")[1])["endpoints"]))
            self.assertIn("true", [server.get("/same")[1].strip() for _ in range(5)])
            self.assertEqual(server.quit(), 0)
            self.assertEqual(server.complaints(), [])

    def test_reload_with_a_live_monitor(self):
        with self.start() as server:
            nginx.eventually("all tiers", lambda: "all 2 tiers" in fields(server)[2])
            for _ in range(3):
                server.reload()
                # The state of before is kept until there is a new one: never "unknown" in between.
                for _ in range(5):
                    self.assertIn("all 2 tiers", fields(server)[2])
            first = fields(server)[1]
            nginx.eventually("the new monitor publishes", lambda: fields(server)[1] != first)
            self.assertEqual(server.quit(), 0)
            self.assertEqual(server.complaints(), [])

    def test_a_worker_dies(self):
        with self.start(workers=1) as server:
            nginx.eventually("all tiers", lambda: "all 2 tiers" in fields(server)[2])
            former = server.worker_pids()
            os.kill(former[0], 9)
            server.wait_for_workers(former)
            first = fields(server)[1]
            nginx.eventually("the new monitor publishes", lambda: fields(server)[1] != first)

    def test_background_thread(self):
        start = START.replace('require("homelab.ngx").start(', 'local monitor = require("homelab.ngx").start(') \
            .replace("} })", "} })\n        if monitor then assert(monitor.ctx:start_thread()) end")
        with self.start(start) as server:
            nginx.eventually("all tiers", lambda: "all 2 tiers" in fields(server)[2])
            first = fields(server)[1]
            nginx.eventually("more", lambda: fields(server)[1] > first)
            server.reload()
            self.assertIn("all 2 tiers", fields(server)[2])
            self.assertEqual(server.quit(), 0)
            self.assertEqual(server.complaints(), [])

    def test_wrong_inventory(self):
        with self.start(environment={"HOMELAB_INVENTORY": "/nonexistent.yaml"}) as server:
            nginx.eventually("message", lambda: "/nonexistent.yaml: cannot be opened" in fields(server)[2])
            self.assertEqual(server.get("/json")[1], "null")
            self.assertTrue(any("/nonexistent.yaml" in line for line in server.complaints()))
            self.assertEqual(server.quit(), 0)

    def test_small_dictionary(self):
        endpoints = {f"local/n{i}": {"tier": "local", "backend": "ollama", "models": [dict(MODEL)]} for i in range(40)}
        with Simulator({"endpoints": endpoints}) as simulator:
            with self.start(START.replace("homelab 1m", "homelab 12k"),
                            environment={"HOMELAB_INVENTORY": simulator.inventory_file}) as server:
                nginx.eventually("complaint", lambda: any("lua_shared_dict 'homelab': no memory" in line
                                                          for line in server.complaints()))
                self.assertEqual(server.quit(), 0)


class Page(html.parser.HTMLParser):
    """Checks that elements nest, and collects the text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, _):
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.words.append(data)


class Example(unittest.TestCase):
    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()
        except OSError:
            return 0, "", ""

    def test_pages(self):
        self.port = nginx.free_port()
        with Simulator(SCENARIO) as simulator, tempfile.TemporaryDirectory() as folder:
            shutil.copytree(ROOT / "examples/openresty", folder, dirs_exist_ok=True)
            path = pathlib.Path(folder) / "nginx.conf"
            text = path.read_text(encoding="utf-8").replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")
            text = text.replace('lua_package_path "', f'lua_package_path "{os.environ["HOMELAB_LUA_PATH"]};')
            text = text.replace("http {", f'http {{\n    lua_package_cpath "{os.environ["HOMELAB_LUA51_CPATH"]};;";', 1)
            for module in nginx.modules():
                text = text.replace(f"load_module /usr/lib/nginx/modules/{os.path.basename(module)}", f"load_module {module}")
            path.write_text(("user root;\n" if os.geteuid() == 0 else "") + text, encoding="utf-8")
            process = subprocess.Popen([os.environ["HOMELAB_NGINX"], "-p", folder, "-c", "nginx.conf", "-e", "stderr"],
                                       env={**os.environ, "HOMELAB_INVENTORY": simulator.inventory_file},
                                       stderr=subprocess.PIPE, text=True)
            try:
                nginx.eventually("page", lambda: "all 2 tiers healthy" in self.get("/status")[2])
                code, kind, text = self.get("/status")
                self.assertEqual((code, kind), (200, "text/html; charset=utf-8"))
                page = Page(text)
                self.assertEqual(page.open, [])
                self.assertIn("local/<ollama>", page.words)
                code, kind, text = self.get("/status.json")
                self.assertEqual((code, kind), (200, "application/json"))
                self.assertEqual(json.loads(text)["prognosis"]["verdict"], "HEALTHY")
                self.assertEqual(self.get("/healthz")[0], 200)
                self.assertEqual(self.get("/")[0], 200)
            finally:
                process.terminate()
                said = process.communicate()[1]
            self.assertNotIn("[error]", said)


if __name__ == "__main__":
    if not os.environ.get("HOMELAB_NGINX") or not nginx.modules():
        print("skipped: nginx with its Lua module is not installed")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])

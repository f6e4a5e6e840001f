"""nginx under load while one of its workers monitors a cluster: requests are served, changes are seen, no call of the library
holds the worker, and reloads, quitting, and contexts made and closed leave nothing open."""

import json
import os
import signal
import sys
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "sim")]

import hosts  # noqa: E402
import nginx  # noqa: E402
from simulator import Simulator  # noqa: E402

ENDPOINTS = 12
# A worker may be held so long by one call. CPU time is judged, since on a busy machine the clock also counts other programs.
HELD_US = 5000

HTTP = """
    lua_shared_dict homelab 1m;
    init_worker_by_lua_block {{
        served = dofile("{here}/served.lua")
        served.start()
    }}
""".format(here=HERE)
SERVER = """
    location = / { content_by_lua_block { ngx.print("ok") } }
    location = /status { content_by_lua_block {
        local json = require("homelab.ngx").json()
        if not json then
            return ngx.exit(503)
        end
        ngx.print(json)
    } }
    location = /calls { content_by_lua_block { served.calls() } }
    location = /reset { content_by_lua_block { served.reset() } }
    location = /start { content_by_lua_block { served.start() } }
    location = /stop { content_by_lua_block { served.stop() } }
    location = /churn { content_by_lua_block { served.churn(20) ngx.print("ok") } }
"""
NEEDED = ("HOMELAB_NGINX", "HOMELAB_LUA_PATH", "HOMELAB_LUA51_CPATH", "HOMELAB_WRK")


def scenario():
    """Every second endpoint is one of those that are asked more than one question."""
    return {"endpoints": {
        f"local/{i:02}": {"tier": "local", "backend": "llamacpp" if i % 2 else "ollama", "models": [{"name": "m"}],
                          "inventory": {"timeout": 20}}
        for i in range(ENDPOINTS)}}


def start(simulator, workers=1):
    return nginx.Nginx(HTTP, SERVER, {"HOMELAB_INVENTORY": simulator.inventory_file, "HOMELAB_HOSTS": HERE}, workers)


def verdicts(server):
    """By endpoint, as published; empty before the first look."""
    status, body = server.get("/status")
    return {one["id"]: one["verdict"] for one in json.loads(body)["endpoints"]} if status == 200 else {}


def all_known(server):
    return nginx.eventually("all endpoints are healthy", lambda: set(verdicts(server).values()) == {"HEALTHY"})


def calls(server):
    """The clock's figures by function."""
    found = {}
    for line in server.get("/calls")[1].splitlines():
        name, *fields = line.split()
        found[name] = {key: float(value) for key, _, value in (field.partition("=") for field in fields)}
    return found


def missing():
    absent = [name for name in NEEDED if not os.environ.get(name)]
    if absent:
        return f"{', '.join(absent)} is not set: not installed, or not built"
    return None if nginx.modules() else "this nginx has no Lua module"


class UnderLoad(unittest.TestCase):
    def setUp(self):
        if missing():
            self.assertFalse(hosts.REQUIRED, missing())
            self.skipTest(missing())
        simulator = Simulator(scenario())
        self.addCleanup(simulator.close)
        self.simulator = simulator

    def start(self, workers=1):
        server = start(self.simulator, workers)
        self.addCleanup(server.__exit__)
        return server

    def assert_quiet(self, server):
        self.assertEqual(server.complaints(), [])

    def test_requests_and_probes_share_a_worker(self):
        server = self.start()
        all_known(server)
        server.get("/reset")
        measured = {}
        load = threading.Thread(target=lambda: measured.update(nginx.load(server.port, "/", 4)))
        load.start()
        # The monitor is not starved by requests: what happens meanwhile is seen.
        self.simulator.fault("local/03", {"fault": "refused"})
        nginx.eventually("the dead endpoint is down", lambda: verdicts(server).get("local/03") == "DOWN")
        self.simulator.fault("local/03")
        nginx.eventually("it is healthy again", lambda: verdicts(server).get("local/03") == "HEALTHY")
        load.join()
        self.assertEqual(measured["errors"], 0)
        self.assertGreater(measured["requests"], 100)
        clocked = calls(server)
        self.assertGreater(clocked["Ctx:dispatch"]["count"], 20)
        for name, call in sorted(clocked.items()):
            print(f"{name}: {call['count']:.0f} calls, longest {call['wall_us']:.0f} us, of CPU {call['cpu_us']:.0f} us, "
                  f"held {call['held_us']:.0f} us")
            self.assertLess(call["cpu_us"], HELD_US, name)
        self.assertEqual(server.quit(), 0)
        self.assert_quiet(server)

    def test_all_workers_know(self):
        server = self.start(workers=3)
        all_known(server)
        for _ in range(12):
            self.assertEqual(set(verdicts(server).values()), {"HEALTHY"})
        self.assertEqual(server.quit(), 0)
        self.assert_quiet(server)

    def test_reload_and_quit_with_a_live_monitor(self):
        server = self.start()
        all_known(server)
        master, counts = len(nginx.descriptors(server.process.pid)), []
        load = threading.Thread(target=nginx.load, args=(server.port, "/", 3))
        load.start()
        for _ in range(3):
            worker, = server.reload()
            all_known(server)
            counts.append(worker)
        load.join()
        self.assertEqual(len(nginx.descriptors(server.process.pid)), master)
        self.assertEqual(server.quit(), 0)
        self.assert_quiet(server)

    def test_terminated_with_a_live_monitor(self):
        server = self.start(workers=2)
        all_known(server)
        self.assertEqual(server.quit(signal.SIGTERM), 0)
        self.assert_quiet(server)

    def test_stopped_monitors_leave_no_descriptor(self):
        server = self.start()
        all_known(server)
        worker, = server.worker_pids()

        def opened():
            self.assertEqual(server.get("/churn"), (200, "ok"))
            return sorted(nginx.descriptors(worker).values())

        self.assertEqual(server.get("/stop")[0], 200)
        before = opened()
        for _ in range(3):
            self.assertEqual(server.get("/start")[0], 200)
            self.assertEqual(server.get("/stop")[0], 200)
        # A timer that is due soon may still hold the last one.
        nginx.eventually(f"no more descriptors than before: {before}", lambda: len(opened()) <= len(before))
        self.assertEqual(server.quit(), 0)
        self.assert_quiet(server)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The interpreter as a whole: fork, multiprocessing, its end with work under way."""

import multiprocessing
import os
import sys
import textwrap
import unittest

import homelab
import lab

LIVE = textwrap.dedent("""
    import asyncio, sys, threading, time
    import homelab
    fast = {"health_interval_ms": 100, "health_fast_interval_ms": 100, "health_down_interval_ms": 100}
    def start(**more):
        prober = homelab.Prober(sys.argv[1], log=lambda *line: None, log_level=40, **fast, **more)
        prober.start()
        return prober
    """)
# How a program can end while a monitor runs: (name, program, exit status).
ENDS = [
    ("module variable", "p = start()", 0),
    ("thread of the library", "p = start(); p.context.start_thread(); time.sleep(0.2)", 0),
    ("sys.exit", "p = start(); p.context.start_thread(); sys.exit(7)", 7),
    ("exception", "p = start(); p.context.start_thread(); raise ZeroDivisionError", 1),
    ("cycle", "p = start(); p.context.start_thread(); p2 = [p]; p2.append(p2); del p", 0),
    ("builtins", "import builtins; builtins.p = start(); builtins.p.context.start_thread()", 0),
    ("object with a finalizer", "class K:\n  def __init__(self): self.p = start()\n  def __del__(self): self.p.close()\nk = K()", 0),
    ("finalizer that uses it", "class K:\n  def __init__(self): self.p = start()\n  def __del__(self):\n"
     "    try: self.p.check_now(1)\n    except homelab.HomelabError: pass\nk = K(); sys.k = k", 0),
    ("atexit", "import atexit; p = start(); p.context.start_thread(); atexit.register(lambda: p.check_now(5))", 0),
    ("daemon thread that waits", "p = start(); p2 = start(); t = threading.Thread(target=p2.context.wait, daemon=True); t.start()\n"
     "t2 = threading.Thread(target=lambda: [None for _ in p.events()], daemon=True); t2.start(); time.sleep(0.2)", 0),
    ("daemon thread in the module", "p = start(); t = threading.Thread(target=p.context._handle.wait, args=(-1,), daemon=True); "
     "t.start(); time.sleep(0.2)", 0),
    ("running asyncio", "async def main():\n  p = start()\n  async for e in p.events(): sys.exit(3)\nasyncio.run(main())", 3),
    ("asyncio in the background", "async def main():\n  p = start()\n  async for e in p.events(): pass\n"
     "threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start(); time.sleep(0.2)", 0),
    ("secret under way", "p = homelab.Prober({'endpoints': {'a': {'url': 'http://127.0.0.1:1', 'tier': 'A', 'api_key': 'env:X'}}}, "
     "secrets=lambda r: keep.append(r) or homelab.LATER)\nkeep = []; p.check(); p.context.wait(0.1); assert keep", 0),
    ("os._exit", "import os; p = start(); p.context.start_thread(); os._exit(5)", 5),
]


def in_child(prober, snapshot, pipe):
    """What is found out in the child of a fork."""
    found = []
    for call in (prober.check, prober.start, prober.context.dispatch, lambda: prober.context.wait(0), prober.check_now):
        try:
            call()
            found.append("worked")
        except homelab.ForkedError:
            found.append("forked")
    prober.close()
    found.append(snapshot["local/ollama"].verdict.name)
    found.append(homelab.check(lab.NOBODY)["a/x"].verdict.name)
    pipe.send(found)


def sweep(path):
    return homelab.check(path)


class Process(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = lab.cluster(ollama={})

    @classmethod
    def tearDownClass(cls):
        cls.simulator.close()

    def test_the_end(self):
        for name, program, status in ENDS:
            with self.subTest(name):
                done = lab.run(LIVE + program, self.simulator.inventory_file, timeout=30)
                said = [line for line in done.stderr.splitlines() if not line.startswith(" ")
                        and ("Error" in line or "Fatal" in line or "Exception ignored" in line)]
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertEqual(said, ["ZeroDivisionError"] if name == "exception" else [], done.stderr)

    def test_unload(self):
        """The module leaves sys.modules and comes back."""
        code = "import sys, gc; " + "; ".join(
            ["import homelab; p = homelab.Prober(sys.argv[1]); p.start(); p.context.start_thread(); del p",
             "[sys.modules.pop(n) for n in list(sys.modules) if n.startswith('homelab')]; del homelab; gc.collect()"] * 2)
        done = lab.run(code + "; import homelab; homelab.check(sys.argv[1])", self.simulator.inventory_file)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_fork(self):
        """A child of multiprocessing's fork: typed errors, quiet closing, and a context of its own works."""
        context = multiprocessing.get_context("fork")
        for in_background in (False, True):
            with homelab.Prober(self.simulator.inventory_file, log=lambda *line: None, **lab.FAST) as prober:
                snapshot = prober.check_now()
                prober.start()
                if in_background:
                    prober.context.start_thread()
                here, there = context.Pipe()
                child = context.Process(target=in_child, args=(prober, snapshot, there))
                child.start()
                self.assertTrue(here.poll(20))
                self.assertEqual(here.recv(), ["forked"] * 5 + ["HEALTHY", "DOWN"])
                child.join(20)
                self.assertEqual(child.exitcode, 0)
                # The parent's work goes on.
                self.assertEqual(prober.check_now()["local/ollama"].verdict, homelab.Verdict.HEALTHY)

    def test_pool(self):
        """Snapshots travel between processes."""
        for method in ("fork", "spawn", "forkserver"):
            with multiprocessing.get_context(method).Pool(2) as pool, self.subTest(method):
                found = pool.map(sweep, [self.simulator.inventory_file] * 4)
                self.assertEqual([one["local/ollama"].verdict.name for one in found], ["HEALTHY"] * 4)

    def test_child_that_ends_as_usual(self):
        """os.fork and the usual end, with what the parent had: nothing is said, no peer hears of it."""
        prober = homelab.Prober(self.simulator.inventory_file)
        prober.check_now()
        sys.stdout.flush()
        before = self.simulator.stats("local/ollama")
        child = os.fork()
        if child == 0:
            os.close(2)
            del prober
            homelab._context._close_all()
            os._exit(0)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(self.simulator.stats("local/ollama")["open_connections"], before["open_connections"])
        self.assertEqual(prober.check_now()["local/ollama"].verdict, homelab.Verdict.HEALTHY)
        prober.close()

    def test_no_descriptor_left(self):
        homelab.check(self.simulator.inventory_file)
        before = os.listdir("/proc/self/fd")
        for _ in range(20):
            with homelab.Prober(self.simulator.inventory_file) as prober:
                prober.context.start_thread()
                prober.check_now()
        del prober
        self.assertEqual(len(os.listdir("/proc/self/fd")), len(before))


if __name__ == "__main__":
    unittest.main()

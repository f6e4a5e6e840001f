"""Objects: what keeps what alive, what is left behind, plain data, exceptions."""

import copy
import gc
import itertools
import os
import pickle
import sys
import tempfile
import tracemalloc
import unittest
import weakref

import homelab
import lab
from homelab import _native


def make():
    """One of everything that hangs together."""
    context = _native.Ctx()
    inventory = _native.Inventory.load_text('{"endpoints": {"a/x": {"url": "http://127.0.0.1:1", "tier": "A"}}}', 0)
    prober = _native.Prober(context, inventory)
    op = prober.check()
    while not op.is_done():
        context.wait(100)
    while (event := context.next_event()).op() is None:
        pass
    return {"context": context, "inventory": inventory, "prober": prober, "op": op, "event": event,
            "snapshot": prober.snapshot(), "running": prober.check()}


def make_more():
    """One of everything of models, plans and routes."""
    inventory = _native.Inventory.load_text(
        '{"endpoints": {"a/x": {"url": "http://127.0.0.1:1", "tier": "A", "backend": "llamacpp"}}, '
        '"models": {"m": {"endpoints": ["a/x"], "size_gib": 1}}}', 0)
    gguf, planner, router = _native.Gguf.load_file(lab.HEADER), _native.Planner(inventory), _native.Router(inventory)
    planner.set_header("m", gguf)
    decision, request, context = _native.Decision(router), _native.Request(), _native.Ctx()
    router.decide(request, "hello", decision)
    op = router.send(context, request, "hello")
    while not op.is_done():
        context.wait(100)
    return {"gguf": gguf, "estimate": _native.Estimate(gguf), "planner": planner, "plan": planner.plan(), "router": router,
            "decision": decision, "reply": _native.Reply.of(op), "running": _native.Router(inventory).send(context, request, "hello")}


def use(name, thing):
    """Something that an object can still do when the others are gone."""
    calls = {"context": lambda: thing.dispatch(), "inventory": lambda: thing.endpoint_id(0), "prober": lambda: thing.snapshot().json(),
             "op": lambda: thing.message(), "event": lambda: thing.op().message(), "snapshot": lambda: thing.json(),
             "running": lambda: thing.cancel(), "gguf": lambda: thing.json(), "estimate": lambda: thing.json(),
             "planner": lambda: thing.plan(), "plan": lambda: thing.svg(), "decision": lambda: thing.json(),
             "router": lambda: thing.update(), "reply": lambda: thing.attempt_endpoint(0)}
    calls[name]()


class Lifetimes(unittest.TestCase):
    def test_any_order(self):
        for made, step in ((make, 7), (make_more, 97)):
            for order in itertools.islice(itertools.permutations(made()), 0, None, step):
                self.drop(made(), order)

    def drop(self, things, order):
        for name in order:
            del things[name]
            for left, thing in things.items():
                use(left, thing)

    def test_a_context_ends_with_its_object(self):
        """What runs in it would keep it for ever otherwise."""
        op = make_more()["running"]
        self.assertEqual(op.result(), homelab.ErrorCode.CLOSED)

    def test_package_objects(self):
        prober = homelab.Prober(lab.NOBODY)
        context = weakref.ref(prober.context)
        op, snapshot = prober.check(), prober.check_now()
        del prober
        self.assertIsNotNone(context())
        self.assertEqual(len(op.wait(5)), 1)
        del op
        gc.collect()
        self.assertIsNone(context())
        self.assertEqual(snapshot["a/x"].verdict, homelab.Verdict.DOWN)

    def test_callbacks_make_no_cycle(self):
        context = homelab.Context(log=lambda *line: context, secrets=lambda request: context and None)
        gone = weakref.ref(context)
        del context
        gc.collect()
        self.assertIsNone(gone())

    def test_use_after_close(self):
        prober = homelab.Prober(lab.NOBODY)
        prober.start()
        prober.close()
        prober.close()
        self.assertTrue(prober.context.closed)
        self.assertEqual(len(prober.snapshot()), 1)
        self.assertEqual(list(prober.events()), [])
        for call in (prober.check, prober.start, prober.check_now, prober.context.dispatch, lambda: prober.context.fd,
                     prober.context.start_thread, lambda: prober.context.wait(0)):
            self.assertRaises(homelab.ClosedError, call)
        self.assertEqual(repr(prober.context), "<Context closed>")


class Leaks(unittest.TestCase):
    """A million calls leave no reference and no block behind."""

    def calls(self):
        context, inventory = homelab.Context(), homelab.Inventory.from_dict(lab.NOBODY)
        prober = homelab.Prober(inventory, context=context)
        native, snapshot = prober._handle, prober.check_now()._handle
        log = lambda *line: None  # noqa: E731
        text = inventory.to_json()

        def refused(function, *arguments, **keywords):
            try:
                function(*arguments, **keywords)
            except Exception:  # noqa: BLE001
                pass

        yield 300_000, lambda: snapshot.endpoint_id(0)
        yield 200_000, lambda: snapshot.endpoint_find("a/x")
        yield 100_000, lambda: refused(snapshot.endpoint_find, "b")
        yield 100_000, lambda: refused(snapshot.endpoint_find, None)
        yield 100_000, lambda: refused(_native.Prober, context._handle, None)
        yield 50_000, context.next_event
        yield 50_000, context.dispatch
        yield 50_000, lambda: context._handle.set_log(0, log)
        yield 30_000, native.snapshot
        yield 20_000, snapshot.json
        yield 10_000, lambda: _native.Inventory.load_text(text, 1)
        yield 10_000, lambda: refused(_native.Inventory.load_text, "{", 1)
        yield 2_000, lambda: _native.Ctx()
        yield 2_000, lambda: homelab.Prober(inventory, context=context).close()
        gguf = homelab.Gguf.load(lab.HEADER)
        known = homelab.Inventory.from_dict({**lab.NOBODY, "models": {"m": {"endpoints": ["a/x"]}}})
        router = homelab.Router(known, classifier=lambda text, kind: homelab.Task.CHAT)
        planner, decision = homelab.Planner({"nodes": {}, "models": {"m": {"size_gib": 1}}}), router.decide("hello")
        plan, header = planner.plan(), lab.HEADER.read_bytes()
        yield 20_000, lambda: gguf["llama.block_count"]
        yield 2_000, lambda: dict(gguf)
        yield 5_000, lambda: homelab.classify("hello").to_dict()
        yield 2_000, lambda: refused(homelab.classify, "{", "/x")
        yield 5_000, lambda: router.decide("hello", key="k", exclude=["b/y"])[0]
        yield 2_000, lambda: refused(router.decide, "hello", endpoint="none")
        yield 2_000, lambda: router.begin(decision).finish()
        yield 2_000, lambda: router.set_classifier(lambda text, kind: None)
        yield 500, lambda: (homelab.Router(known).send(context, "hello").cancel(), context.next_event())
        yield 500, lambda: refused(homelab.Router(known).send(context, "hello").wait)
        yield 500, lambda: (planner.plan().to_dict(), plan.diff(plan), list(plan))
        yield 500, lambda: homelab.Gguf.parse(header).tensors
        yield 200, lambda: gguf.estimate().calibrate("HOST", 1).to_dict()
        yield 500, lambda: prober.check_now()["a/x"].to_dict()
        yield 200, lambda: homelab.check(lab.NOBODY)

    def test_a_million(self):
        total = 0
        for count, call in self.calls():
            for _ in range(20):
                call()
            gc.collect()
            # Blocks, for what allocates memory of Python; references, for what forgets to let go of an object that stays.
            watched = [sys.getrefcount(one) for one in (None, call, homelab.NotFoundError, _native.Ctx)]
            blocks = sys.getallocatedblocks()
            for _ in range(count):
                call()
            gc.collect()
            grown = sys.getallocatedblocks() - blocks
            after = [sys.getrefcount(one) for one in (None, call, homelab.NotFoundError, _native.Ctx)]
            with self.subTest(call=call.__code__.co_names if hasattr(call, "__code__") else call):
                self.assertLess(grown, max(100, count // 100))
                for before, now in zip(watched, after):
                    self.assertLess(now - before, max(100, count // 100))
            total += count
        self.assertGreater(total, 1_000_000)

    @unittest.skipUnless("libasan" in os.environ.get("LD_PRELOAD", ""), "needs the address sanitizer")
    def test_the_sanitizer_sees_leaks(self):
        """Or a clean run would say nothing."""
        done = lab.run("import homelab; o = homelab._native.Opts(); o.thisown = False; del o")
        self.assertIn("LeakSanitizer", done.stderr)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(lab.run("import homelab; homelab._native.Opts()").returncode, 0)

    @unittest.skipIf("libasan" in os.environ.get("LD_PRELOAD", ""), "the sanitizer counts itself")
    def test_resident_memory(self):
        """What the library takes is seen here only."""
        def resident():
            with open("/proc/self/statm", encoding="ascii") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

        def once():
            with homelab.Prober(lab.NOBODY, log=lambda *line: None) as prober:
                prober.check_now()

        for _ in range(200):
            once()
        before = resident()
        for _ in range(1000):
            once()
        self.assertLess(resident() - before, 2_000_000)


class Data(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = lab.cluster(ollama={}, llama={"backend": "llamacpp"})
        cls.snapshot = homelab.check(cls.simulator.inventory_file)

    @classmethod
    def tearDownClass(cls):
        cls.simulator.close()

    def test_snapshot(self):
        snapshot = self.snapshot
        self.assertEqual([one.id for one in snapshot], ["local/ollama", "local/llama"])
        self.assertIn("local/llama", snapshot)
        self.assertNotIn("local/none", snapshot)
        self.assertNotIn(3, snapshot)
        with self.assertRaises(KeyError):
            snapshot["local/none"]
        endpoint = snapshot["local/ollama"]
        self.assertEqual(endpoint, snapshot.endpoints[0])
        self.assertEqual((endpoint.verdict, endpoint.backend, endpoint.cause), (1, homelab.Backend.OLLAMA, homelab.Cause.NONE))
        self.assertTrue(endpoint.usable)
        self.assertEqual(endpoint.models[0].name, "m")
        self.assertIs(endpoint.models[0].loaded, True)
        self.assertGreater(endpoint.latency_us, 0)
        self.assertEqual(endpoint.evidence[0].layer, "http")
        self.assertEqual(snapshot.tiers, (homelab.Tier("local", homelab.Verdict.HEALTHY, snapshot.tiers[0].text),))
        self.assertIn("chat", snapshot.capabilities)
        self.assertEqual(snapshot.time.utcoffset().total_seconds(), 0)
        self.assertGreaterEqual(snapshot.latency_us("local/ollama", 95), 1)
        self.assertRaises(homelab.NotFoundError, snapshot.latency_us, "local/none")
        self.assertIn("homelab_", snapshot.to_prometheus())
        self.assertEqual(snapshot.to_dict()["schema"], 1)
        self.assertEqual(endpoint.to_dict()["verdict"], "HEALTHY")
        self.assertIn("HEALTHY", str(snapshot))
        self.assertRegex(repr(snapshot), r"^<Snapshot \d+: HEALTHY, .*>$")
        with self.assertRaises(AttributeError):
            endpoint.verdict = 2

    def test_copies(self):
        inventory = homelab.Inventory.load(self.simulator.inventory_file)
        for thing in (self.snapshot, inventory, self.snapshot["local/ollama"]):
            for again in (pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing)):
                self.assertEqual(again, thing)
                self.assertEqual(hash(again), hash(thing))
        self.assertNotEqual(self.snapshot, inventory)

    def test_what_if(self):
        inventory = homelab.Inventory.load(self.simulator.inventory_file)
        self.assertEqual(homelab.Snapshot.assume(inventory).verdict, homelab.Verdict.HEALTHY)
        less = homelab.Snapshot.assume(inventory).without("local/ollama")
        self.assertEqual(less["local/ollama"].verdict, homelab.Verdict.DOWN)
        self.assertRaises(homelab.NotFoundError, less.without, "none")

    def test_inventory(self):
        data = {"nodes": {"gpu0": {"host": "10.0.0.1", "os": "linux", "ram_gib": 64, "gpus": [{"name": "RTX", "memory_gib": 24}]}},
                "endpoints": {"a/x": {"url": "http://10.0.0.1:11434", "tier": "A", "node": "gpu0", "timeout": 2}},
                "models": {"m": {}}}
        inventory = homelab.Inventory.from_dict(data)
        self.assertEqual(inventory.tiers, ("a",))
        self.assertEqual(inventory.nodes[0].gpus[0].memory_bytes, 24 << 30)
        self.assertEqual(inventory["a/x"].timeout_ms, 2000)
        self.assertEqual(homelab.Inventory.parse(inventory.to_yaml()), inventory)
        self.assertEqual(inventory.to_dict()["endpoints"]["a/x"]["node"], "gpu0")
        built = homelab.Builder(inventory).set("endpoints", "a/y", "url", "http://h:1").set("endpoints", "a/y", "tier", "B")
        built.set("endpoints", "a/y", "timeout", 3.5).remove("endpoints", "a/x").remove("nodes", "gpu0")
        self.assertEqual([one.id for one in built.build()], ["a/y"])
        self.assertRaises(TypeError, homelab.Inventory)
        self.assertRaises(TypeError, homelab.Snapshot)

    def test_options(self):
        table = {one.key: one for one in homelab.options()}
        self.assertEqual(table["health.fall"].default, "2")
        self.assertEqual((table["health.fall"].type, table["health.fall"].minimum), ("int", 1))
        for option in table.values():
            value = {"bool": True, "int": int(option.maximum or 0), "float": option.minimum, "str": ""}[option.type]
            with self.subTest(option.key):
                homelab.Context(**{option.keyword: value}).close()
        self.assertIn("health_fall: Bad probes in a row", homelab.Prober.__doc__ or "health_fall: Bad probes in a row")
        for wrong, kind in (({"health_fal": 1}, homelab.UnknownOptionError), ({"health_fall": 0}, homelab.OptionValueError),
                            ({"health_fall": "x"}, homelab.OptionValueError), ({"health_fall": 2.5}, homelab.OptionValueError),
                            ({"health_fall": None}, TypeError)):
            with self.subTest(wrong):
                self.assertRaises(kind, homelab.Prober, lab.NOBODY, **wrong)


class Errors(unittest.TestCase):
    def test_each_code(self):
        kinds = {getattr(homelab, name) for name in homelab.__all__ if name.endswith("Error")}
        for code in homelab.ErrorCode:
            if code == homelab.ErrorCode.OK:
                continue
            error = homelab._errors.from_record(code, 7, "subject", "message")
            self.assertIn(type(error), kinds)
            self.assertEqual((error.code, error.sub_code, error.subject, str(error)), (code, 7, "subject", "message"))
            self.assertEqual(error.name, "HOMELAB_E_" + code.name)
            again = pickle.loads(pickle.dumps(error))
            self.assertEqual((type(again), again.code, again.message), (type(error), code, "message"))
        self.assertIs(type(homelab._errors.from_record(-999, 0, "", "new")), homelab.HomelabError)
        self.assertTrue(homelab._errors.from_record(-44, 0, "", "").retryable)

    def test_natural_bases(self):
        for kind, base in ((homelab.TimeoutError, TimeoutError), (homelab.NetworkError, ConnectionError),
                           (homelab.NetworkTimeoutError, TimeoutError), (homelab.FileMissingError, FileNotFoundError),
                           (homelab.InputError, ValueError), (homelab.NotFoundError, LookupError), (homelab.UnknownOptionError, TypeError),
                           (homelab.StateError, RuntimeError), (homelab.OutOfMemoryError, MemoryError)):
            self.assertTrue(issubclass(kind, base) and issubclass(kind, homelab.HomelabError))

    def test_files(self):
        with self.assertRaises(FileNotFoundError) as caught:
            homelab.Inventory.load("/nonexistent/inventory.json")
        self.assertEqual(caught.exception.subject, "/nonexistent/inventory.json")
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write('{"endpoints": {"a": {"url": "x", "tire": 1}}}')
            file.flush()
            with self.assertRaises(homelab.InventoryError) as caught:
                homelab.Inventory.load(file.name)
            self.assertEqual(caught.exception.problems, homelab.Inventory.check(file.name))
            self.assertGreater(len(caught.exception.problems), 1)
            self.assertTrue(str(caught.exception).startswith(caught.exception.problems[0].message))

    def test_timeout(self):
        with lab.cluster(slow={"faults": [{"fault": "hang"}]}) as simulator, homelab.Prober(simulator.inventory_file) as prober:
            self.assertRaises(TimeoutError, prober.check_now, 0.05)
            op = prober.check()
            self.assertRaises(homelab.TimeoutError, op.wait, 0.01)
            self.assertFalse(op.done)
            self.assertRaises(homelab.StateError, op.result)
            op.cancel()
            self.assertRaises(homelab.OperationCancelledError, op.result)
            self.assertIsInstance(op.error, homelab.OperationCancelledError)
            self.assertEqual(list(prober.events(timeout=0.01)), [])


if __name__ == "__main__":
    unittest.main()

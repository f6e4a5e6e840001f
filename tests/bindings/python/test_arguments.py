"""Every argument of every function that the headers declare: None where it must be given, wrong types, wrong ranges, text that
is no text. An error each time, and never a crash. The calls are made from the headers, so a new function is among them."""

import itertools
import pathlib
import re
import unittest

import lab
import wrap
from homelab import HomelabError, _native

REFUSED = (TypeError, ValueError, OverflowError, HomelabError)


class Thing:
    """No type that any function takes."""


class Bench:
    """One object of each class, made when it is needed. What nothing here can make holds nothing, and is in `empty`."""

    def __init__(self):
        self.made = {}
        self.empty = set()

    def get(self, name):
        if name not in self.made:
            make = getattr(self, "make_" + name, None)
            kind = getattr(_native, name)
            try:
                self.made[name] = make() if make else kind()
            except TypeError:
                self.made[name] = kind.__new__(kind)
                self.empty.add(name)
        return self.made[name]

    def make_Inventory(self):
        return _native.Inventory.load_text('{"endpoints": {"a/x": {"url": "http://127.0.0.1:1", "tier": "A"}}}', 0)

    def make_Report(self):
        return _native.Report.text("{", 0)

    def make_Snapshot(self):
        return _native.Snapshot.assume(self.get("Inventory"))

    def make_Prober(self):
        return _native.Prober(self.get("Ctx"), self.get("Inventory"))

    def make_Op(self):
        op = self.get("Prober").check()
        while not op.is_done():
            self.get("Ctx").wait(1000)
        return op

    def make_Event(self):
        self.get("Op")
        return self.get("Ctx").next_event()

    def make_Gguf(self):
        return _native.Gguf.load_file(lab.HEADER)

    def make_Estimate(self):
        return _native.Estimate(self.get("Gguf"))

    def make_Planner(self):
        return _native.Planner(self.get("Inventory"))

    def make_Plan(self):
        return self.get("Planner").plan()

    def make_Router(self):
        return _native.Router(self.get("Inventory"), self.get("Snapshot"))

    def make_Decision(self):
        return _native.Decision(self.get("Router"))

    def make_Reply(self):
        request = _native.Request()
        request.set_task(_native.TASK_CHAT)
        inventory = _native.Inventory.load_text('{"endpoints": {"a/x": {"url": "http://127.0.0.1:1", "tier": "A", "backend": "llamacpp"}}, '
                                                '"models": {"m": {"endpoints": ["a/x"]}}}', 0)
        context = _native.Ctx()
        op = _native.Router(inventory).send(context, request, "x")
        while not op.is_done():
            context.wait(1000)
        return _native.Reply.of(op)

    def make_SecretRequest(self):
        found = []
        context = _native.Ctx()
        context.set_secret_provider(lambda request: found.append(request) or _native.SECRET_LATER)
        keyed = _native.Inventory.load_text('{"endpoints": {"a/x": {"url": "http://127.0.0.1:1", "tier": "A", "api_key": "env:NONE"}}}', 0)
        self.prober = _native.Prober(context, keyed)
        self.prober.check()
        while not found:
            context.wait(10)
        return found[0]


def shapes():
    """Each function with what it takes: (function, [(declaration, may be None)]). A text with its length is "text"."""
    skips = wrap.Skips()
    for function in wrap.Api().functions:
        if skips.find(function.symbol, "python"):
            continue
        taken = []
        everything = function.taken()
        for (declared, name), (follows, _) in zip(everything, everything[1:] + [("", "")]):
            if follows == "size_t length":
                taken.append(("text", False))
            elif not re.match(r"size_t length|void \*userdata|homelab_destroy_fn", declared):
                taken.append((declared, name in function.nullable))
        yield function, taken


def good(declared, bench):
    """A value that fits."""
    pointer = re.match(r"(?:const )?(homelab_\w+) \*", declared)
    if pointer:
        return bench.get(wrap.class_name(pointer[1]))
    if declared == "text":
        return "{}"
    if "_fn " in declared:
        return lambda *arguments: 0
    if "char *" in declared:
        return "/nonexistent" if "path" in declared else "a"
    return {"bool": True, "double": 1.0}.get(declared.split(" ")[0], 0)


def bad(declared, may_be_none):
    """Values that do not fit."""
    kind = declared.split(" ")[0]
    if not may_be_none:
        yield None
    yield from (Thing(), [], {}, _native)
    if re.match(r"(?:const )?homelab_\w+ \*", declared):
        yield from (0, 1, "a", b"a", True, 1.5)
        own = re.match(r"(?:const )?(homelab_\w+) \*", declared)[1]
        for other in ("Ctx", "Opts"):
            if other != wrap.class_name(own):
                yield getattr(_native, other)()
        empty = getattr(_native, wrap.class_name(own))
        yield empty.__new__(empty)
    elif declared == "text":
        yield from (0, 1.5, True, "\udc80", bytearray(b"{}"), Thing)
    elif "_fn " in declared:
        yield from (0, "a", 1.5)
    elif "char *" in declared:
        yield from (0, 1.5, True, "a\0b", bytearray(b"a"), Thing)
        yield from ("\udc80",) if "path" not in declared else ()
    elif kind == "bool":
        yield from ("a", 0, 1, 1.5, b"")
    elif kind == "double":
        yield from ("a", "1.0", 1j, 10**400)
    else:
        yield from ("0", b"0", 1.5, float("nan"), 2**64, -2**64, 2**200)
        if kind in ("int", "int32_t", "uint32_t"):
            yield from (2**32, -2**32)
        if kind in ("size_t", "uint32_t", "uint64_t"):
            yield -1


class Arguments(unittest.TestCase):
    def call(self, function, bench):
        """What is called, and what stands for its object: nothing for functions and constructors."""
        if function.kind in ("constructor",):
            return getattr(_native, wrap.class_name(function.owner))
        if function.kind == "maker":
            return getattr(getattr(_native, wrap.class_name(function.owner)), function.name)
        if function.kind == "method":
            return getattr(bench.get(wrap.class_name(function.owner)), function.name)
        return getattr(_native, function.name)

    def test_each_argument_of_each_function(self):
        tried = 0
        for function, taken in shapes():
            bench = Bench()
            call = self.call(function, bench)
            for index, (declared, may_be_none) in enumerate(taken):
                for value in bad(declared, may_be_none):
                    arguments = [value if i == index else good(one, bench) for i, (one, _) in enumerate(taken)]
                    with self.subTest(function.symbol, argument=declared, value=repr(value)[:40]):
                        self.assertRaises(REFUSED, call, *arguments)
                    tried += 1
        self.assertGreater(tried, 2000)

    def test_good_arguments(self):
        """Or the errors of the other tests would be those of the wrong argument."""
        for function, taken in shapes():
            bench = Bench()
            call, arguments = self.call(function, bench), [good(one, bench) for one, _ in taken]
            if bench.empty:
                continue
            with self.subTest(function.symbol):
                try:
                    call(*arguments)
                except HomelabError:
                    pass

    def test_number_of_arguments(self):
        for function, taken in shapes():
            bench = Bench()
            call = self.call(function, bench)
            every = [good(one, bench) for one, _ in taken]
            with self.subTest(function.symbol):
                self.assertRaises(TypeError, call, *every, None)
                needed = sum(function.default(i, function.taken()) is None for i in range(len(function.taken())))
                if needed and taken:
                    self.assertRaises(TypeError, call)

    def test_none_where_it_may_stand(self):
        for function, taken in shapes():
            for index, (declared, may_be_none) in enumerate(taken):
                if not may_be_none:
                    continue
                bench = Bench()
                arguments = [None if i == index else good(one, bench) for i, (one, _) in enumerate(taken)]
                call = self.call(function, bench)
                if bench.empty:
                    continue
                with self.subTest(function.symbol, argument=declared):
                    try:
                        call(*arguments)
                    except HomelabError:
                        pass

    def test_objects_that_hold_nothing(self):
        for function, taken in shapes():
            if function.kind != "method":
                continue
            kind = getattr(_native, wrap.class_name(function.owner))
            bench = Bench()
            arguments = [good(one, bench) for one, _ in taken]
            for empty in (kind.__new__(kind), None, Thing(), 0):
                with self.subTest(function.symbol, object=repr(empty)[:20]):
                    self.assertRaises(TypeError, getattr(kind, function.name), empty, *arguments)

    def test_classes(self):
        for name, kind in vars(_native).items():
            if not isinstance(kind, type):
                continue
            with self.subTest(name):
                empty = kind.__new__(kind)
                self.assertIsInstance(repr(empty), str)
                self.assertRaises(REFUSED, kind, *itertools.repeat(Thing(), 9))
                sub = type("Sub", (kind,), {"__init__": lambda self: None})()
                del sub, empty

    def test_text_in_and_out(self):
        name = "größe/😀/\U0010ffff"
        inventory = _native.Inventory.load_text('{"endpoints": {"%s": {"url": "http://127.0.0.1:1", "tier": "A"}}}' % name, 0)
        self.assertEqual(inventory.endpoint_id(0), name)
        self.assertEqual(inventory.endpoint_find(name), 0)
        self.assertRaises(UnicodeEncodeError, inventory.endpoint_find, "a\ud800")
        self.assertRaises(HomelabError, _native.Inventory.load_text, b"\xff", 0)
        self.assertRaises(HomelabError, _native.Inventory.load_text, "{\0", 0)
        folder = pathlib.Path(self.enterContext(__import__("tempfile").TemporaryDirectory())) if hasattr(self, "enterContext") else None
        if folder:
            path = bytes(folder) + b"/\xff.json"
            with open(path, "w", encoding="utf-8") as file:
                file.write(inventory.write(_native.FORMAT_JSON))
            self.assertEqual(_native.Inventory.load_file(path).endpoint_count(), 1)

    def test_64_bit(self):
        context, wall = _native.Ctx(), 2**62 + 1
        _native.testing_freeze_clock(context, 1, wall)
        prober = _native.Prober(context, Bench().get("Inventory"))
        self.assertEqual(prober.snapshot().time_us(), wall)
        self.assertRaises(OverflowError, _native.testing_advance_clock, context, 2**63)


if __name__ == "__main__":
    unittest.main()

"""Classification, decisions, feedback."""

import asyncio
import copy
import gc
import pickle
import socket
import sys
import threading
import unittest
import urllib.error
import weakref

import homelab
import lab
from homelab import Need, Outcome, Reject, RequestKind, Task

TWO = {"endpoints": {"a/x": {"url": "http://127.0.0.1:1", "tier": "A", "backend": "llamacpp"},
                     "b/y": {"url": "http://127.0.0.1:2", "tier": "B", "backend": "ollama", "api_key": "env:B_KEY"}},
       "models": {"chat:7b": {"endpoints": ["a/x", "b/y"]}, "nomic-embed-text": {"endpoints": ["b/y"]}},
       "rules": [{"tag": "bot", "task": "fast"}]}
CODE = "Write a Python function that reverses a list"
IMAGE = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}], "max_tokens": 50}


class Classify(unittest.TestCase):
    def test_text(self):
        found = homelab.classify(CODE)
        self.assertEqual((found.task, found.abstains, found.needs, found.decided_by), (Task.CODE, False, Need(0), "text"))
        self.assertEqual(found.confidence, found.probabilities[Task.CODE])
        self.assertAlmostEqual(sum(found.probabilities.values()), 1)
        self.assertEqual(found.answer_tokens, None)
        self.assertEqual(found.prompt_tokens, found.context_tokens)
        self.assertRegex(str(found), r"^code \(\d+ %\)$")
        self.assertTrue(homelab.classify(CODE, classify_abstain_below=1.0).abstains)
        self.assertEqual(homelab.classify(CODE.encode()), found)
        self.assertEqual(homelab.classify(b"\xff\0").decided_by, "text")
        self.assertEqual(homelab.classify(CODE, needs=Need.EMBEDDING).task, Task.EMBED)

    def test_body(self):
        found = homelab.classify(IMAGE)
        self.assertEqual((found.task, found.needs, found.answer_tokens, found.decided_by), (Task.VISION, Need.VISION, 50, "image"))
        self.assertEqual(found.context_tokens, found.prompt_tokens + 50)
        self.assertEqual(found.to_dict()["needs"], ["VISION"])
        self.assertEqual(homelab.classify({"input": "x"}).task, Task.EMBED)
        self.assertEqual(homelab.classify('{"input": "x"}', "/v1/embeddings").task, Task.EMBED)
        self.assertEqual(homelab.classify({"input": CODE}, "/v1/responses").task, Task.CODE)
        tools = homelab.classify({"messages": [{"role": "user", "content": CODE}], "tools": [{"type": "function"}],
                                  "response_format": {"type": "json_object"}})
        self.assertEqual(tools.needs, Need.TOOLS | Need.JSON)
        self.assertEqual(tools.to_dict()["needs"], ["TOOLS", "JSON"])
        self.assertRaises(homelab.ParseError, homelab.classify, "{", "/v1/chat/completions")

    def test_copies(self):
        found = homelab.classify(CODE)
        for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
            self.assertEqual((again, hash(again)), (found, hash(found)))


class Decide(unittest.TestCase):
    def setUp(self):
        self.router = homelab.Router(TWO)

    def test_candidates(self):
        decision = self.router.decide(CODE)
        self.assertEqual((decision.task, decision.task_source, decision.mixed), (Task.CODE, "classifier", False))
        self.assertEqual([(one.endpoint, one.model) for one in decision], [("a/x", "chat:7b"), ("b/y", "chat:7b")])
        self.assertAlmostEqual(decision.probabilities[Task.CODE], homelab.classify(CODE).confidence, places=5)
        first, second = decision
        self.assertEqual((first.url, first.base_url), ("http://127.0.0.1:1/v1/chat/completions", "http://127.0.0.1:1/v1"))
        self.assertEqual((first.dialect, first.backend), (homelab.Dialect.OPENAI, homelab.Backend.LLAMACPP))
        self.assertEqual((second.dialect, second.tier, second.node, second.key_reference),
                         (homelab.Dialect.OLLAMA, "b", None, "env:B_KEY"))
        self.assertAlmostEqual(first.weight + second.weight, 1)
        self.assertAlmostEqual(sum(first.terms.values()), first.score, places=5)
        self.assertEqual(set(first.terms), set(homelab.Term))
        self.assertEqual((first.loaded, first.sticky, first.trial), (None, False, False))
        self.assertGreaterEqual(first.first_byte_ms, first.connect_ms)
        self.assertEqual(decision.rejected, (homelab.Rejected("b/y", "nomic-embed-text", Reject.CAPABILITY),))
        self.assertEqual((decision.eligible, decision.generation, decision.retry_ms), (2, 0, None))
        self.assertEqual(decision.to_dict()["candidates"][0]["endpoint"], "a/x")
        self.assertEqual(first.to_dict()["dialect"], "OPENAI")
        self.assertNotIn("Python", decision.to_json())
        self.assertEqual(repr(decision), "<Decision CODE: chat:7b on a/x first of 2>")
        self.assertIn("nomic-embed-text on b/y: capability", str(decision))
        self.assertEqual(repr(self.router), "<Router of 3 experts>")
        self.assertRaises(TypeError, homelab.Decision)

    def test_what_is_asked(self):
        def best(text=CODE, **asked):
            return self.router.decide(text, **asked)[0].endpoint

        self.assertEqual(best(endpoint="b/y"), "b/y")
        self.assertEqual(best(exclude=["a/x"]), "b/y")
        self.assertEqual(best(exclude="a/x"), "b/y")
        self.assertEqual(self.router.decide("x", task=Task.EMBED)[0].model, "nomic-embed-text")
        self.assertEqual(self.router.decide("x", task=Task.EMBED).task_source, "request")
        self.assertEqual(self.router.decide(CODE, tag="bot").task, Task.FAST)
        self.assertEqual(self.router.decide(CODE, tag="bot").task_source, "rule")
        self.assertEqual(self.router.decide(CODE, model="chat:7b").eligible, 2)
        self.assertEqual(self.router.decide(CODE, context_tokens=77, answer_tokens=7).context_tokens, 77)
        self.assertEqual(self.router.decide({"input": "x"}, kind=RequestKind.OPENAI_EMBEDDINGS).task, Task.EMBED)
        chat = {"model": "auto", "messages": [{"role": "user", "content": CODE}]}
        self.assertEqual(self.router.decide(chat).task, Task.CODE)
        ollama = self.router.decide(chat, kind=RequestKind.OLLAMA_CHAT)
        self.assertEqual([one.endpoint for one in ollama], ["b/y"])
        self.assertIn('"chat:7b"', ollama.rewrite(chat))
        for asked, kind in (({"exclude": ["none"]}, None), ({"kind": 99}, homelab.ArgumentError), ({"task": 99}, homelab.ArgumentError),
                            ({"tag": "x" * 200}, homelab.LimitError), ({"nonsense": 1}, TypeError), ({"exclude": ["x"] * 40}, homelab.LimitError)):
            with self.subTest(asked):
                self.router.decide(CODE, **asked) if kind is None else self.assertRaises(kind, self.router.decide, CODE, **asked)
        self.assertRaises(homelab.ParseError, self.router.decide, "{", kind=RequestKind.OPENAI_CHAT)

    def test_affinity(self):
        keys = {self.router.decide(CODE, key="conversation")[0].endpoint for _ in range(20)}
        self.assertEqual(len(keys), 1)

    def test_nobody(self):
        with self.assertRaises(homelab.NoRouteError) as caught:
            self.router.decide(IMAGE)
        error = caught.exception
        self.assertIsInstance(error, LookupError)
        self.assertIn("no model for vision: 3 experts: 3 capability", str(error))
        self.assertEqual({one.why for one in error.decision.rejected}, {Reject.CAPABILITY})
        self.assertEqual((len(error.decision), repr(error.decision)), (0, "<Decision VISION: nobody>"))
        with homelab.Context() as context, self.assertRaises(homelab.NoRouteError) as caught:
            self.router.send(context, IMAGE)
        self.assertEqual(str(caught.exception), str(error))
        self.assertEqual(caught.exception.decision.rejected, error.decision.rejected)

    def test_update(self):
        snapshot = homelab.Snapshot.assume(self.router.inventory)
        self.router.update(snapshot)
        self.assertEqual(self.router.decide(CODE)[0].loaded, None)
        self.router.update(snapshot.without("a/x"))
        decision = self.router.decide(CODE)
        self.assertEqual([one.endpoint for one in decision], ["b/y"])
        self.assertIn(homelab.Rejected("a/x", "chat:7b", Reject.VERDICT), decision.rejected)
        self.router.update(inventory={**TWO, "models": {"other": {"endpoints": ["b/y"]}}})
        self.assertIn(homelab.Rejected("b/y", "other", Reject.MISSING), self.router.decide(CODE).rejected)
        self.assertEqual(self.router.inventory.models, ("other",))
        self.assertRaises(homelab.UnknownOptionError, homelab.Router, TWO, router_topk=1)
        self.assertEqual(len(homelab.Router(TWO, router_top_k=1).decide(CODE)), 1)

    def test_threads(self):
        found = []

        def decide():
            for _ in range(200):
                found.append(self.router.decide(CODE)[0].endpoint)

        threads = [threading.Thread(target=decide) for _ in range(4)]
        for thread in threads:
            thread.start()
        snapshot = homelab.Snapshot.assume(self.router.inventory)
        while any(thread.is_alive() for thread in threads):
            self.router.update(snapshot)
        self.assertEqual((len(found), set(found)), (800, {"a/x"}))


class Classifier(unittest.TestCase):
    def test_tells_the_task(self):
        seen = []
        router = homelab.Router(TWO, classifier=lambda text, kind: seen.append((text, kind)) or Task.FAST)
        decision = router.decide(b"caf\xc3\xa9 \xff")
        self.assertEqual((decision.task, decision.task_source, seen), (Task.FAST, "callback", [("café \ufffd", RequestKind.TEXT)]))
        self.assertEqual(router.decide(CODE, task=Task.CHAT).task, Task.CHAT)
        self.assertEqual(len(seen), 1)
        router.set_classifier(lambda text, kind: None)
        self.assertEqual(router.decide(CODE).task_source, "classifier")
        router.set_classifier(None)
        self.assertEqual(router.decide(CODE).task, Task.CODE)

    def test_exceptions(self):
        def fail(text, kind):
            raise KeyboardInterrupt if kind == RequestKind.OPENAI_CHAT else ZeroDivisionError

        router = homelab.Router(TWO, classifier=fail)
        self.assertRaises(ZeroDivisionError, router.decide, CODE)
        self.assertRaises(ZeroDivisionError, router.decide, CODE, endpoint="none")
        self.assertRaises(KeyboardInterrupt, router.decide, {"messages": [{"role": "user", "content": CODE}]})
        with homelab.Context() as context:
            self.assertRaises(ZeroDivisionError, router.send, context, CODE)
            self.assertRaises(ZeroDivisionError, router.send, context, CODE, endpoint="none")
        self.assertEqual(router.decide(CODE, task=Task.CHAT).task, Task.CHAT)
        for wrong in (lambda text, kind: 99, lambda text, kind: "code", lambda: None):
            router.set_classifier(wrong)
            self.assertRaises((TypeError, ValueError), router.decide, CODE)
        router.set_classifier(None)
        self.assertEqual(router.decide(CODE).task, Task.CODE)

    def test_native(self):
        """A function that is given to the module itself raises nothing through it."""
        found, before = [], sys.unraisablehook
        sys.unraisablehook = lambda report: found.append(report.exc_type)
        self.addCleanup(setattr, sys, "unraisablehook", before)
        router = homelab.Router(TWO)
        router._handle.set_classifier(lambda text, kind: 1 / 0)
        self.assertEqual(router.decide(CODE).task, Task.CODE)
        self.assertEqual(found, [ZeroDivisionError])

    def test_no_cycle(self):
        router = homelab.Router(TWO, classifier=lambda text, kind: router and None)
        router.decide(CODE)
        gone = weakref.ref(router)
        del router
        gc.collect()
        self.assertIsNone(gone())


class Feedback(unittest.TestCase):
    def setUp(self):
        self.router = homelab.Router(TWO)
        self.decision = self.router.decide(CODE)

    def test_in_flight(self):
        self.assertEqual((self.router.in_flight("a/x"), self.router.in_flight("none")), (0, None))
        with self.router.begin(self.decision) as ticket:
            self.assertEqual(self.router.in_flight("a/x"), 1)
            self.assertEqual((ticket.candidate, ticket.finished), (self.decision[0], False))
            ticket.first_byte()
            ticket.tokens = 10
        self.assertEqual((self.router.in_flight("a/x"), ticket.finished), (0, True))
        ticket.finish(Outcome.UNREACHABLE)
        self.assertEqual(self.router.decide(CODE)[0].endpoint, "a/x")
        self.assertEqual(repr(ticket), "<Ticket chat:7b on a/x, finished>")

    def test_a_breaker_opens(self):
        with self.assertRaises(ConnectionRefusedError), self.router.begin(self.decision):
            raise ConnectionRefusedError
        decision = self.router.decide(CODE)
        self.assertEqual([one.endpoint for one in decision], ["b/y"])
        self.assertIn(homelab.Rejected("a/x", "chat:7b", Reject.BREAKER), decision.rejected)
        self.assertGreater(decision.retry_ms, 0)

    def test_outcomes(self):
        for error, outcome in ((None, Outcome.OK), (TimeoutError(), Outcome.TIMEOUT), (asyncio.TimeoutError(), Outcome.TIMEOUT),
                               (socket.gaierror(), Outcome.UNREACHABLE), (ConnectionResetError(), Outcome.SERVER_ERROR),
                               (ValueError(), Outcome.CANCELLED), (asyncio.CancelledError(), Outcome.CANCELLED)):
            self.assertEqual(homelab._router._outcome(error), outcome)

    def test_wrapped(self):
        """Clients wrap what their sockets raise."""
        def outcome(error, before=None):
            return homelab._router._outcome(error, before)

        def raised(make, during):
            try:
                try:
                    raise during
                except BaseException as error:
                    make(error)
            except BaseException as error:
                return error

        def with_cause(error):
            raise OSError("cannot connect") from error

        def with_context(error):
            raise RuntimeError("cannot connect")

        refused = ConnectionRefusedError()
        self.assertEqual(outcome(urllib.error.URLError(refused)), Outcome.UNREACHABLE)
        self.assertEqual(outcome(urllib.error.URLError("unknown url type")), Outcome.CANCELLED)
        for make in (with_cause, with_context):
            self.assertEqual(outcome(raised(make, refused)), Outcome.UNREACHABLE)
            self.assertEqual(outcome(raised(make, TimeoutError())), Outcome.TIMEOUT)
            self.assertEqual(outcome(raised(make, raised(with_cause, ConnectionResetError()))), Outcome.SERVER_ERROR)
            self.assertEqual(outcome(raised(make, KeyError())), Outcome.CANCELLED)
        self.assertEqual(outcome(raised(with_context, refused), refused), Outcome.CANCELLED)
        endless = ValueError()
        endless.reason = endless
        self.assertEqual(outcome(endless), Outcome.CANCELLED)

    def test_what_was_there_before(self):
        """The failure of the first server says nothing of the second, which is asked while it is handled."""
        decision = self.router.decide(CODE)
        with self.assertRaises(ValueError):
            try:
                raise ConnectionRefusedError
            except ConnectionRefusedError:
                with self.router.begin(decision, 1):
                    raise ValueError
        self.assertEqual([one.endpoint for one in self.router.decide(CODE)], ["a/x", "b/y"])

    def test_dropped(self):
        ticket = self.router.begin(self.decision)
        with self.assertWarns(ResourceWarning) as caught:
            del ticket
            gc.collect()
        self.assertIn("<Ticket chat:7b on a/x> was not finished", str(caught.warning))
        self.assertEqual(self.router.in_flight("a/x"), 0)
        self.assertEqual(len(self.router.decide(CODE)), 2)

    def test_busy(self):
        self.router.begin(self.decision).finish(Outcome.BUSY, retry_after=30)
        self.assertGreater(self.router.decide(CODE).retry_ms, 20_000)

    def test_report(self):
        with lab.cluster(ollama={}) as simulator, homelab.Prober(simulator.inventory_file, **lab.FAST) as prober:
            router = homelab.Router(prober.inventory, prober.check_now())
            probes = prober.context.stats()["probes"]
            prober.start()
            router.begin(router.decide("hello")).finish(Outcome.UNREACHABLE)
            router.report(prober)
            prober.context.wait(1)
            while prober.context.stats()["probes"] == probes:
                prober.context.wait(1)


if __name__ == "__main__":
    unittest.main()

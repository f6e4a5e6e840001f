"""Sending: pieces, replies, failures, cancelling; blocking, in asyncio, in a loop of one's own, with the library's thread."""

import asyncio
import contextlib
import copy
import gc
import http.server
import json
import os
import pickle
import threading
import unittest
import weakref

import homelab
import lab
from homelab import Outcome, RequestKind, Task

CHAT = ["/v1/chat/completions"]
BODY = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}


def says(endpoint):
    return f"Hello from the simulated endpoint local/{endpoint}."


def two(*faults, second=(), **more):
    """The first choice, which does something wrong, and one that works; each an open context with a router."""
    return opened(a={"backend": "llamacpp", "faults": [{**fault, "paths": CHAT} for fault in faults], **more},
                  b={"backend": "llamacpp", "tier": "remote", "faults": [{**fault, "paths": CHAT} for fault in second]})


def kinds(context):
    """Types of the events that wait; the check before has left some."""
    return {event.type for event in context.events(timeout=0)} - {homelab.EventType.ENDPOINT, homelab.EventType.TIER,
                                                                  homelab.EventType.PROGNOSIS, homelab.EventType.CAPABILITY}


@contextlib.contextmanager
def opened(**endpoints):
    with lab.cluster(**endpoints) as simulator, homelab.Prober(simulator.inventory_file) as prober:
        yield homelab.Router(prober.inventory, prober.check_now()), prober.context, simulator


class Blocking(unittest.TestCase):
    def test_pieces(self):
        with two() as (router, context, _):
            answer = router.send(context, "hello")
            pieces = list(answer)
            self.assertGreater(len(pieces), 3)
            self.assertEqual("".join(pieces), says("a"))
            self.assertEqual(list(answer), [])
            reply = answer.wait()
            self.assertEqual((reply.text, str(reply), reply.body), (says("a"), says("a"), b""))
            self.assertEqual((reply.status, reply.endpoint, reply.model, reply.finish), (200, "local/a", "m", "stop"))
            self.assertEqual(reply.attempts, (homelab.Attempt("local/a", Outcome.OK, ""),))
            self.assertGreater(reply.first_byte_us, 0)
            self.assertGreaterEqual(reply.total_us, reply.first_byte_us)
            self.assertEqual((answer.done, answer.error, answer.reply, answer.tried), (True, None, reply, ("local/a",)))
            self.assertEqual(repr(answer), "<Answer from local/a done>")
            self.assertEqual(kinds(context), set())
            self.assertEqual((router.in_flight("local/a"), context._claims), (0, []))
            for again in (pickle.loads(pickle.dumps(reply)), copy.deepcopy(reply)):
                self.assertEqual((again, hash(again)), (reply, hash(reply)))

    def test_a_reply(self):
        with two() as (router, context, _):
            self.assertEqual(router.send(context, "hello").wait(10).text, says("a"))
            self.assertEqual(router.send(context, "hello", exclude=["local/a"]).wait().text, says("b"))

    def test_bodies(self):
        with two() as (router, context, _):
            for kind, text in ((None, BODY), (RequestKind.OPENAI_CHAT, json.dumps(BODY))):
                answer = router.send(context, text, kind=kind)
                self.assertEqual(list(answer), [])
                reply = answer.wait()
                self.assertEqual(reply.text, says("a"))
                self.assertEqual(reply.json()["choices"][0]["message"]["content"], says("a"))
                self.assertEqual(reply.to_dict()["body"], reply.body.decode())
            self.assertEqual("".join(router.send(context, {**BODY, "stream": True})), says("a"))
            self.assertRaises(homelab.ParseError, router.send, context, "{", kind=RequestKind.OPENAI_CHAT)

    def test_all_of_a_prompt(self):
        bodies = []

        class Server(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"data: [DONE]\n\n")

            def log_message(self, *_):
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Server) as server, homelab.Context() as context:
            threading.Thread(target=server.serve_forever).start()
            router = homelab.Router({"endpoints": {"a/x": {"url": f"http://127.0.0.1:{server.server_port}", "tier": "A", "backend": "vllm",
                                                           "models": ["m"]}}})
            for prompt, sent in (("a\0b\0", "a\0b\0"), (b"\0\xff", "\0\ufffd")):
                router.send(context, prompt).wait(10)
                self.assertEqual(bodies.pop()["messages"][0]["content"], sent)
            server.shutdown()

    def test_raw(self):
        with two() as (router, context, _):
            answer = router.send(context, "hello", raw=True)
            raw = b"".join(answer)
            self.assertTrue(raw.startswith(b"data: {"), raw)
            self.assertTrue(raw.rstrip().endswith(b"data: [DONE]"), raw)
            self.assertEqual((answer.reply.body, answer.reply.text), (raw, ""))

    def test_embeddings(self):
        embed = {"models": [{"name": "nomic-embed-text", "capabilities": ["embedding"], "loaded": True}]}
        with opened(e=embed) as (router, context, _):
            reply = router.send(context, "hello", task=Task.EMBED).wait()
            self.assertEqual((len(reply.embeddings), reply.text), (1, ""))
            self.assertGreater(len(reply.embeddings[0]), 100)
            own = router.send(context, {"input": "a"}, kind=RequestKind.OLLAMA_EMBED).wait()
            self.assertIn("embeddings", own.json())
            self.assertEqual(len(own.embeddings), 1)

    def test_ollama(self):
        with opened(o={}) as (router, context, _):
            pieces = list(router.send(context, BODY, kind=RequestKind.OLLAMA_CHAT))
            self.assertEqual("".join(pieces), says("o"))
            self.assertGreater(len(pieces), 3)

    def test_the_next_candidate(self):
        with two({"fault": "status", "status": 500}) as (router, context, _):
            answer = router.send(context, "hello")
            self.assertEqual("".join(answer), says("b"))
            reply = answer.reply
            self.assertEqual([(one.endpoint, one.outcome) for one in reply.attempts],
                             [("local/a", Outcome.SERVER_ERROR), ("local/b", Outcome.OK)])
            self.assertIn("answered 500", reply.attempts[0].message)
            self.assertEqual(answer.tried, ("local/a", "local/b"))

    def test_all_fail(self):
        fault = {"fault": "status", "status": 500}
        with two(fault, second=[fault]) as (router, context, _):
            answer = router.send(context, "hello")
            with self.assertRaises(homelab.RouteFailedError) as caught:
                list(answer)
            self.assertEqual((caught.exception.sub_code, caught.exception.subject), (500, "local/b"))
            self.assertEqual(caught.exception.reply, answer.reply)
            self.assertEqual(len(answer.reply.attempts), 2)
            self.assertRaises(homelab.RouteFailedError, answer.wait)
            self.assertIn("RouteFailedError", repr(answer))

    def test_a_refusal(self):
        with two({"fault": "status", "status": 400}) as (router, context, _):
            with self.assertRaises(homelab.RequestRejectedError) as caught:
                router.send(context, "hello").wait()
            self.assertEqual((caught.exception.sub_code, caught.exception.reply.status), (400, 400))
            self.assertIsInstance(caught.exception, ValueError)

    def test_cut(self):
        with two({"fault": "close", "stage": "body"}) as (router, context, _):
            pieces = []
            with self.assertRaises(homelab.AnswerCutError) as caught:
                for piece in router.send(context, "hello"):
                    pieces.append(piece)
            self.assertTrue(pieces)
            self.assertTrue(says("a").startswith("".join(pieces)))
            self.assertEqual(caught.exception.reply.text, "".join(pieces))
            self.assertIsInstance(caught.exception, ConnectionError)

    def test_a_silent_server_costs_its_time(self):
        with two({"fault": "hang", "stage": "request"}) as (_, context, simulator):
            router = homelab.Router(simulator.inventory_file, homelab.check(simulator.inventory_file), router_first_byte_ms=200)
            reply = router.send(context, "hello").wait()
            self.assertEqual((reply.text, reply.attempts[0].outcome), (says("b"), Outcome.TIMEOUT))

    def test_nobody(self):
        with two() as (router, context, _):
            self.assertRaises(homelab.NoRouteError, router.send, context, "hello", task=Task.EMBED)

    def test_timeouts(self):
        with two({"fault": "hang", "stage": "request"}) as (router, context, _):
            answer = router.send(context, "hello")
            self.assertRaises(homelab.TimeoutError, answer.wait, 0.05)
            self.assertRaises(homelab.StateError, lambda: answer.reply)
            self.assertRaises(homelab.StateError, answer.result)
            self.assertEqual((answer.done, answer.error, answer.next_piece()), (False, None, None))
            self.assertEqual(repr(answer), "<Answer from local/a running>")
            answer.cancel()
            self.assertRaises(homelab.OperationCancelledError, answer.wait)
            self.assertEqual(answer.reply.attempts[0].outcome, Outcome.CANCELLED)

    def test_leaving_early_cancels(self):
        with two(token=0.05) as (router, context, _):
            answer = router.send(context, "hello")
            for _ in answer:
                break
            self.assertTrue(answer.done)
            self.assertIsInstance(answer.error, homelab.OperationCancelledError)
            with router.send(context, "hello") as answer:
                pass
            self.assertIsInstance(answer.error, homelab.OperationCancelledError)
            self.assertEqual((router.in_flight("local/a"), kinds(context)), (0, set()))
            self.assertEqual(context._claims, [])

    def test_closing(self):
        with two(token=0.05) as (router, context, _):
            answer = router.send(context, "hello")
            context.close()
            self.assertRaises(homelab.ClosedError, list, answer)
            self.assertRaises(homelab.ClosedError, router.send, context, "hello")

    def test_a_dropped_answer(self):
        """It goes on, its pieces are nobody's, and nothing keeps it."""
        with two() as (router, context, simulator):
            answer = router.send(context, "hello")
            gone = weakref.ref(answer)
            del answer
            self.assertIsNone(gone())
            while context._claims:
                context.wait(0.01)
            self.assertEqual(kinds(context), set())
            self.assertIn("POST " + CHAT[0], simulator.stats("local/a")["paths"])

    def test_keys(self):
        os.environ["BINDINGS_TEST_KEY"] = "wrong"
        self.addCleanup(os.environ.pop, "BINDINGS_TEST_KEY")
        with opened(k={"backend": "llamacpp", "api_key": "sk-right", "api_key_env": "BINDINGS_TEST_KEY"}) as (router, context, simulator):
            context.set_secret_provider(lambda request: "sk-right")
            with homelab.Prober(simulator.inventory_file, context=context) as prober:
                router.update(prober.check_now())
            self.assertEqual(router.send(context, "hello").wait().text, says("k"))

    def test_own_loop(self):
        import selectors
        with two() as (router, context, _), selectors.DefaultSelector() as selector:
            selector.register(context, selectors.EVENT_READ)
            answer, text = router.send(context, "hello"), ""
            while not answer.done:
                selector.select(1)
                context.dispatch()
                while (piece := answer.next_piece()) is not None:
                    text += piece
            self.assertEqual(text, says("a"))
            selector.unregister(context)

    def test_thread_of_the_library(self):
        with two() as (router, context, _):
            context.start_thread()
            for _ in range(20):
                self.assertEqual("".join(router.send(context, "hello")), says("a"))
            self.assertEqual(threading.active_count(), 1)

    def test_a_character_in_pieces(self):
        read = homelab._answer.texts()
        self.assertEqual([read(one) for one in (b"\xf0\x9f", b"\x98", b"\x80!", b"\xff")], ["", "", "\U0001f600!", "\ufffd"])


class Asyncio(unittest.IsolatedAsyncioTestCase):
    async def test_pieces(self):
        with two() as (router, context, _):
            answer = router.send(context, "hello")
            self.assertEqual("".join([piece async for piece in answer]), says("a"))
            self.assertEqual((await answer).text, says("a"))
            reply = await router.send(context, "hello")
            self.assertEqual((type(reply), reply.text), (homelab.Reply, says("a")))
            self.assertEqual([piece async for piece in router.send(context, BODY)], [])

    async def test_several_at_once(self):
        with two(token=0.02) as (router, context, _):
            async def one(endpoint):
                return "".join([piece async for piece in router.send(context, "hello", endpoint="local/" + endpoint)])

            found = await asyncio.gather(*(one("ab"[i % 2]) for i in range(10)))
            self.assertEqual(found, [says("ab"[i % 2]) for i in range(10)])

    async def test_failures(self):
        with two({"fault": "close", "stage": "body"}) as (router, context, _):
            pieces = []
            with self.assertRaises(homelab.AnswerCutError):
                async for piece in router.send(context, "hello"):
                    pieces.append(piece)
            self.assertTrue(pieces)
            with self.assertRaises(homelab.AnswerCutError):
                await router.send(context, "hello", endpoint="local/a")

    async def test_cancel(self):
        with two({"fault": "hang", "stage": "request"}) as (router, context, _):
            for form in (lambda answer: answer, lambda answer: self.read(answer)):
                answer = router.send(context, "hello")
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(form(answer), 0.05)
                self.assertIsInstance(answer.error, homelab.OperationCancelledError)
                self.assertEqual(context._waiters, [])

    async def read(self, answer):
        return [piece async for piece in answer]

    async def test_leaving_early_cancels(self):
        with two(token=0.05) as (router, context, _):
            answer = router.send(context, "hello")
            async for _ in answer:
                break
            with self.assertRaises(homelab.OperationCancelledError):
                await answer

    async def test_beside_a_monitor(self):
        """Pieces are no events, and events none of the answer's."""
        with lab.cluster(a={"backend": "llamacpp"}) as simulator:
            async with homelab.Prober(simulator.inventory_file, **lab.FAST) as prober:
                router = homelab.Router(prober.inventory, await prober.check())
                prober.start()
                for _ in range(5):
                    self.assertEqual((await router.send(prober.context, "hello")).text, says("a"))
                kinds = {event.type async for event in prober.events(timeout=0.05)}
                self.assertFalse(kinds & {homelab.EventType.ANSWER, homelab.EventType.ATTEMPT, homelab.EventType.OP_DONE}, kinds)


class Leaks(unittest.TestCase):
    def test_nothing_stays(self):
        """Neither objects nor claims of answers that ended or were cancelled."""
        with two(token=0.001) as (router, context, _):
            def once():
                list(router.send(context, "hello"))
                router.send(context, BODY).wait()
                router.send(context, "hello").cancel()

            for _ in range(10):
                once()
            gc.collect()
            objects = len(gc.get_objects())
            for _ in range(40):
                once()
            gc.collect()
            self.assertLess(len(gc.get_objects()) - objects, 40)
            context.wait(0)
            self.assertEqual(context._claims, [])


if __name__ == "__main__":
    unittest.main()

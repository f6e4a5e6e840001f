"""Callbacks: log and secrets, exceptions in them, the interpreter's lock, the library's thread."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import time
import unittest

import homelab
import lab


class Unraisable:
    """What went to sys.unraisablehook."""

    def __enter__(self):
        self.found, self.before = [], sys.unraisablehook
        sys.unraisablehook = lambda report: self.found.append(report.exc_value)
        return self.found

    def __exit__(self, *unused):
        sys.unraisablehook = self.before


class Log(unittest.TestCase):
    def test_lines(self):
        lines = []
        with homelab.Prober(lab.NOBODY, log=lambda *line: lines.append(line), log_level=homelab.LogLevel.DEBUG) as prober:
            prober.check_now()
            self.assertTrue(prober.context.log_text())
        self.assertTrue(lines)
        for level, subsystem, message in lines:
            self.assertIn(level, list(homelab.LogLevel))
            self.assertIsInstance(subsystem + message, str)

    def test_logger(self):
        logger = logging.getLogger("homelab.test")
        with self.assertLogs(logger, "DEBUG") as caught:
            with homelab.Prober(lab.NOBODY, log=logger, log_level=homelab.LogLevel.DEBUG) as prober:
                prober.check_now()
        self.assertTrue(caught.records)

    def test_exception_is_raised_where_it_was_dispatched(self):
        def log(*line):
            raise ZeroDivisionError("in a log callback")

        with Unraisable() as unraisable:
            with homelab.Prober(lab.NOBODY, log=log, log_level=homelab.LogLevel.DEBUG) as prober:
                self.assertRaisesRegex(ZeroDivisionError, "in a log callback", prober.check_now)
                prober.context.set_log(None)
                self.assertEqual(len(prober.check_now()), 1)
            self.assertFalse([one for one in unraisable if not isinstance(one, ZeroDivisionError)])

    def test_every_exception_is_reported(self):
        """The first of a dispatch is raised, the others go to sys.unraisablehook: none is lost."""
        count, raised = 0, 0

        def provider(request):
            nonlocal count
            count += 1
            raise ZeroDivisionError

        keyed = {"endpoints": {f"a/{i}": {"url": "http://127.0.0.1:1", "tier": "A", "api_key": f"env:KEY_{i}"} for i in range(20)}}
        with Unraisable() as unraisable, homelab.Prober(keyed, secrets=provider) as prober:
            op = prober.check()
            while not op.done:
                try:
                    op.wait(5)
                except ZeroDivisionError:
                    raised += 1
        self.assertEqual(count, 20)
        self.assertGreater(raised, 0)
        self.assertEqual(raised + len(unraisable), count)

    def test_interrupt_in_a_callback(self):
        def log(*line):
            raise KeyboardInterrupt

        with homelab.Prober(lab.NOBODY, log=log, log_level=homelab.LogLevel.DEBUG) as prober, Unraisable():
            self.assertRaises(KeyboardInterrupt, prober.check_now)

    def test_calls_from_inside(self):
        refused = []

        def log(*line):
            for call in (context.dispatch, context.close, context.start_thread, lambda: context.wait(0)):
                try:
                    call()
                except homelab.StateError as error:
                    refused.append(error)
            context.set_log(None)

        context = homelab.Context(log=log, log_level=homelab.LogLevel.DEBUG)
        prober = homelab.Prober(lab.NOBODY, context=context)
        self.assertEqual(len(prober.check_now()), 1)
        self.assertEqual(len(refused), 4)
        context.close()

    def test_last_reference_goes_inside(self):
        things = {}

        def log(*line):
            things.clear()
            gc.collect()

        things["prober"] = homelab.Prober(lab.NOBODY, log=log, log_level=homelab.LogLevel.DEBUG)
        native = things["prober"].context._handle
        things["prober"]._handle.check()
        while things:
            native.wait(10)


class Secrets(unittest.TestCase):
    def setUp(self):
        key = {"backend": "llamacpp", "api_key": "kept-secret", "api_key_env": "BINDINGS_TEST_KEY"}
        self.simulator = lab.cluster(keyed=key)
        self.addCleanup(self.simulator.close)

    def check(self, provider, **more):
        with homelab.Prober(self.simulator.inventory_file, secrets=provider, **more) as prober:
            return prober.check_now(10)["local/keyed"]

    def test_answer(self):
        seen = []

        def provider(request):
            seen.append((request.kind, request.reference, request.subject, request.attempt, repr(request)))
            return "kept-secret"

        self.assertEqual(self.check(provider).verdict, homelab.Verdict.HEALTHY)
        self.assertEqual(seen[0][:4], (homelab.SecretKind.API_KEY, "env:BINDINGS_TEST_KEY", "local/keyed", 1))
        self.assertIn("env:BINDINGS_TEST_KEY", seen[0][4])

    def test_pass_on(self):
        os.environ["BINDINGS_TEST_KEY"] = "kept-secret"
        self.addCleanup(os.environ.pop, "BINDINGS_TEST_KEY")
        self.assertEqual(self.check(lambda request: None).verdict, homelab.Verdict.HEALTHY)

    def test_refuse(self):
        endpoint = self.check(lambda request: request.refuse("not for you"))
        self.assertEqual((endpoint.verdict, endpoint.cause), (homelab.Verdict.MISCONFIGURED, homelab.Cause.AUTH))

    def test_exceptions_and_wrong_results(self):
        for provider, kind in ((lambda request: 1 / 0, ZeroDivisionError), (lambda request: 5, TypeError),
                               (lambda request: "a\0b", ValueError), (lambda request: "\udc80", UnicodeEncodeError),
                               (lambda: None, TypeError), (lambda request: "x" * 20000, homelab.LimitError),
                               (lambda request: sys.exit(3), SystemExit)):
            with self.subTest(kind), Unraisable():
                with homelab.Prober(self.simulator.inventory_file, secrets=provider) as prober:
                    self.assertRaises(kind, prober.check_now, 10)
                    prober.context.set_secret_provider(lambda request: "kept-secret")
                    self.assertEqual(prober.check_now(10)["local/keyed"].verdict, homelab.Verdict.HEALTHY)

    def test_later_from_another_thread(self):
        def answer(request):
            time.sleep(0.05)
            request.answer("kept-secret")
            self.assertRaises(homelab.StateError, request.answer, "again")

        def provider(request):
            threads.append(threading.Thread(target=answer, args=(request,)))
            threads[-1].start()
            return homelab.LATER

        for in_background in (False, True):
            threads = []
            with homelab.Prober(self.simulator.inventory_file, secrets=provider) as prober:
                if in_background:
                    prober.context.start_thread()
                self.assertEqual(prober.check_now(10)["local/keyed"].verdict, homelab.Verdict.HEALTHY)
            for thread in threads:
                thread.join()

    def test_later_and_forgotten(self):
        endpoint = self.check(lambda request: homelab.LATER)
        self.assertEqual(endpoint.cause, homelab.Cause.AUTH)

    def test_kept_beyond_the_context(self):
        kept = []
        prober = homelab.Prober(self.simulator.inventory_file, secrets=lambda request: kept.append(request) or homelab.LATER)
        prober.check()
        while not kept:
            prober.context.wait(0.01)
        prober.close()
        del prober
        gc.collect()
        self.assertRaises(homelab.StateError, kept[0].answer, "kept-secret")
        self.assertEqual(kept[0].subject, "local/keyed")

    def test_awaitable(self):
        async def provider(request):
            await asyncio.sleep(0.01)
            return "kept-secret"

        async def none(request):
            return None

        async def broken(request):
            raise ZeroDivisionError

        async def main():
            found = []
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: found.append(context))
            for given, verdict in ((provider, "HEALTHY"), (none, "MISCONFIGURED"), (broken, "MISCONFIGURED")):
                async with homelab.Prober(self.simulator.inventory_file, secrets=given) as prober:
                    snapshot = await prober.check()
                    self.assertEqual(snapshot["local/keyed"].verdict.name, verdict)
            del prober, snapshot
            gc.collect()
            await asyncio.sleep(0.01)
            self.assertIsInstance(found[0]["exception"], ZeroDivisionError)

        asyncio.run(main())


class Threads(unittest.TestCase):
    def test_others_run_meanwhile(self):
        """The interpreter's lock is given back while a call waits."""
        with lab.cluster(slow={"faults": [{"fault": "latency", "seconds": 0.5}]}) as simulator:
            for wait in (lambda prober: prober.check_now(5), lambda prober: prober._handle.check_now(5000),
                         lambda prober: prober.context._handle.wait(300)):
                with homelab.Prober(simulator.inventory_file) as prober:
                    ticks, going = [], threading.Event()

                    def tick():
                        while not going.wait(0.01):
                            ticks.append(time.monotonic())

                    thread = threading.Thread(target=tick)
                    thread.start()
                    wait(prober)
                    going.set()
                    thread.join()
                    self.assertGreater(len(ticks), 5)

    def test_background_thread(self):
        with lab.cluster(ollama={}) as simulator:
            lines, here = [], threading.get_ident()
            with homelab.Prober(simulator.inventory_file, log=lambda *line: lines.append(threading.get_ident()),
                                log_level=homelab.LogLevel.DEBUG, **lab.FAST) as prober:
                prober.context.start_thread()
                self.assertRaises(homelab.StateError, prober.context.start_thread)
                prober.start()
                first = next(iter(prober.events(timeout=5)))
                self.assertEqual((first.type, first.after), (homelab.EventType.ENDPOINT, homelab.Verdict.HEALTHY))
                simulator.fault("local/ollama", {"fault": "refused"})
                down = [event for event in prober.events(timeout=1) if event.type == homelab.EventType.ENDPOINT]
                self.assertEqual(down[-1].after, homelab.Verdict.DOWN)
            self.assertEqual(set(lines), {here})

    def test_close_while_the_thread_works(self):
        for _ in range(20):
            prober = homelab.Prober(lab.NOBODY, log=lambda *line: None, log_level=homelab.LogLevel.DEBUG, **lab.FAST)
            prober.context.start_thread()
            prober.start()
            op = prober.check()
            del prober
            gc.collect()
            del op

    def test_two_threads_in_one_context(self):
        """Against the rules, and still no crash: an error, or both get through."""
        problems = []
        with homelab.Prober(lab.NOBODY, **lab.FAST) as prober:
            prober.start()

            def work():
                try:
                    for _ in range(200):
                        try:
                            prober.context.dispatch()
                            prober.snapshot()
                            prober.context.next_event()
                            prober.check()
                        except homelab.StateError:
                            pass
                except Exception as problem:  # noqa: BLE001
                    problems.append(problem)

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(problems, [])

    def test_wakeup(self):
        with homelab.Context() as context:
            threading.Timer(0.05, context.wakeup).start()
            started = time.monotonic()
            self.assertEqual(context.wait(10), 0)
            self.assertLess(time.monotonic() - started, 5)

    def test_signals(self):
        """A signal's handler runs while a call waits, and its exception ends the wait."""
        class Alarm(Exception):
            pass

        def handler(number, frame):
            raise Alarm

        before = signal.signal(signal.SIGALRM, handler)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        with lab.cluster(slow={"faults": [{"fault": "hang"}]}) as simulator, homelab.Prober(simulator.inventory_file) as prober:
            for wait in (prober.context.wait, prober.check_now, lambda: next(iter(prober.events())), prober.check().wait):
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                started = time.monotonic()
                self.assertRaises(Alarm, wait)
                self.assertLess(time.monotonic() - started, 1)
            prober.check_now(10)


if __name__ == "__main__":
    unittest.main()

"""asyncio: events, checks, several loops one after another, cancelling; one descriptor, no thread."""

import asyncio
import gc
import os
import threading
import unittest
import weakref

import homelab
import lab


def threads():
    return len(os.listdir("/proc/self/task"))


class Asyncio(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = lab.cluster(ollama={}, llama={"backend": "llamacpp"})

    @classmethod
    def tearDownClass(cls):
        cls.simulator.close()

    def tearDown(self):
        self.simulator.fault("local/ollama")

    async def test_check(self):
        async with homelab.Prober(self.simulator.inventory_file) as prober:
            snapshot = await prober.check()
            self.assertEqual([one.verdict.name for one in snapshot], ["HEALTHY", "HEALTHY"])
            several = await asyncio.gather(*(prober.check() for _ in range(5)))
            self.assertEqual(len(several), 5)
            op = prober.check()
            self.assertIs(type(await op), homelab.Snapshot)
            self.assertIs(type(await op), homelab.Snapshot)
            self.assertEqual(threading.active_count(), 1)

    async def test_events(self):
        async with homelab.Prober(self.simulator.inventory_file, **lab.FAST) as prober:
            prober.start()
            seen = []
            async for event in prober.events(timeout=5):
                if event.type != homelab.EventType.ENDPOINT:
                    continue
                seen.append((event.subject, event.before.name, event.after.name))
                if len(seen) == 2:
                    self.simulator.fault("local/ollama", {"fault": "refused"})
                if len(seen) == 3:
                    break
            self.assertEqual(sorted(seen[:2]), [("local/llama", "UNKNOWN", "HEALTHY"), ("local/ollama", "UNKNOWN", "HEALTHY")])
            self.assertEqual(seen[2], ("local/ollama", "HEALTHY", "DOWN"))
            # No event of the operations, which were awaited.
            await prober.check()
            self.assertNotIn(homelab.EventType.OP_DONE, [event.type async for event in prober.events(timeout=0.05)])

    async def test_works_while_nobody_looks(self):
        async with homelab.Prober(self.simulator.inventory_file, **lab.FAST) as prober:
            await prober.check()
            prober.start()
            await asyncio.sleep(0.5)
            stats = prober.context.stats()
            self.assertGreater(stats["probes"], 4)
            self.assertLess(stats["spurious_dispatches"], 5)
            # Untaken events do not keep the loop busy.
            before = prober.context.stats()["dispatches"]
            prober.stop()
            await asyncio.sleep(0.2)
            self.assertLess(prober.context.stats()["dispatches"] - before, 20)
            self.assertTrue([event async for event in prober.events(timeout=0)])

    async def test_overflow(self):
        context = homelab.Context(queue_events=16)
        for i in range(20):
            context._put(homelab.Event(homelab.EventType.ENDPOINT, str(i), 0, 1, homelab.Cause.NONE, "", 1, i))
        taken = [event async for event in context.events(timeout=0)]
        self.assertEqual([event.type for event in taken[15:]], [homelab.EventType.ENDPOINT, homelab.EventType.OVERFLOW])
        self.assertEqual((taken[-1].after, taken[-1].to_dict()["after"]), (4, 4))
        context.close()

    async def test_cancel(self):
        with lab.cluster(slow={"faults": [{"fault": "hang"}]}) as simulator:
            async with homelab.Prober(simulator.inventory_file) as prober:
                op = prober.check()
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(op, 0.05)
                self.assertTrue(op.done)
                with self.assertRaises(homelab.OperationCancelledError):
                    await op
                task = asyncio.ensure_future(prober.events().__aiter__().__anext__())
                await asyncio.sleep(0.01)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                self.assertEqual(prober.context._waiters, [])

    async def test_close_wakes_everybody(self):
        with lab.cluster(slow={"faults": [{"fault": "hang"}]}) as simulator:
            prober = homelab.Prober(simulator.inventory_file)

            async def collect():
                return [event async for event in prober.events()]

            events = asyncio.ensure_future(collect())
            op = asyncio.ensure_future(prober._context._attach() and prober.check()._complete())
            await asyncio.sleep(0.05)
            prober.close()
            self.assertEqual(await asyncio.wait_for(events, 1), [])
            with self.assertRaises(homelab.ClosedError):
                await asyncio.wait_for(op, 1)

    async def test_exception_of_a_callback(self):
        found = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: found.append(context["exception"]))

        def log(*line):
            raise ZeroDivisionError

        async with homelab.Prober(lab.NOBODY, log=log, log_level=homelab.LogLevel.DEBUG) as prober:
            self.assertEqual(len(await prober.check()), 1)
            await asyncio.sleep(0.05)
        self.assertTrue(found)
        self.assertEqual({type(one) for one in found}, {ZeroDivisionError})

    async def test_thread_of_the_library(self):
        async with homelab.Prober(self.simulator.inventory_file, **lab.FAST) as prober:
            prober.context.start_thread()
            self.assertEqual(len(await prober.check()), 2)
            prober.start()
            async for event in prober.events(timeout=5):
                if event.type == homelab.EventType.PROGNOSIS:
                    break


class Loops(unittest.TestCase):
    def test_one_loop_after_another(self):
        prober = homelab.Prober(lab.NOBODY)
        for _ in range(3):
            async def main():
                return await prober.check()

            self.assertEqual(len(asyncio.run(main())), 1)
        self.assertEqual(len(prober.check_now()), 1)
        prober.close()

    def test_two_loops_at_once(self):
        async def main():
            await prober.check()
            result = []

            def other():
                try:
                    asyncio.run(prober.check()._complete())
                except homelab.StateError as error:
                    result.append(error)

            thread = threading.Thread(target=other)
            thread.start()
            while thread.is_alive():
                await asyncio.sleep(0.01)
            return result

        with homelab.Prober(lab.NOBODY) as prober:
            # A check that is over at once needs no loop; one that runs must not have two.
            self.assertLessEqual(len(asyncio.run(main())), 1)

    def test_loop_closed_with_a_live_monitor(self):
        async def main():
            prober = homelab.Prober(lab.NOBODY, **lab.FAST)
            prober.start()
            async for _ in prober.events():
                return weakref.ref(prober)

        for _ in range(20):
            gone = asyncio.run(main())
        gc.collect()
        self.assertIsNone(gone())

    def test_own_loop(self):
        """A selector of one's own: fileno, dispatch, next_event."""
        import selectors
        with homelab.Prober(lab.NOBODY) as prober, selectors.DefaultSelector() as selector:
            selector.register(prober.context, selectors.EVENT_READ)
            op, seen = prober.check(), []
            while not op.done or not seen:
                selector.select(1)
                prober.context.dispatch()
                while event := prober.context.next_event():
                    seen.append(event.type)
            self.assertIn(homelab.EventType.OP_DONE, seen)
            self.assertEqual(op.result()["a/x"].verdict, homelab.Verdict.DOWN)
            selector.unregister(prober.context)


if __name__ == "__main__":
    unittest.main()

"""Every host drives the same monitor through the same script, and is told the same: the sequence of events about each
subject is the expected one, whoever waits, polls, dispatches or lets the library's thread work.

A driver prints "event TYPE BEFORE AFTER CAUSE SUBJECT" per event and ends when the script's last event was seen. Each has
a simulator of its own; all run at one time."""

import collections
import concurrent.futures
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "sim")]

import hosts  # noqa: E402
import script  # noqa: E402
from simulator import Simulator  # noqa: E402

# Far more than it takes, for machines that are busy with something else.
STEP_S = 60


class Failure(Exception):
    pass


class Driver:
    """A driver under way: its events, and what it says besides."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace",
                                        start_new_session=True)
        self.lines, self.said = queue.Queue(), []
        self.readers = [threading.Thread(target=self.read, args=arguments)
                        for arguments in ((self.process.stdout, True), (self.process.stderr, False))]
        for reader in self.readers:
            reader.start()

    def read(self, stream, last):
        # Neovim writes what scripts print to its standard error, and ends lines as a terminal wants it.
        for line in stream:
            line = line.strip()
            if line.startswith("event "):
                self.lines.put(line)
            elif line:
                self.said.append(line)
        if last:
            self.lines.put(None)

    def next_event(self, deadline):
        try:
            line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None
        if line is None:
            status = self.process.wait(STEP_S)
            raise Failure(f"it ended early, with {status}: " + "\n".join(self.said))
        _, kind, before, after, cause, *subject = line.split(" ", 5)
        return int(kind), "".join(subject), int(before), int(after), int(cause)

    def end(self, number):
        try:
            if number:
                self.process.send_signal(number)
            status = self.process.wait(STEP_S)
        except subprocess.TimeoutExpired:
            raise Failure("it does not end") from None
        for reader in self.readers:
            reader.join(STEP_S)
        if status != 0:
            raise Failure(f"it ended with {status}: " + "\n".join(self.said))

    def kill(self):
        # A server's workers too, which hold the other ends of the pipes.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for reader in self.readers:
            reader.join(STEP_S)
        self.process.stdout.close()
        self.process.stderr.close()


class Comparison:
    """What was seen of each subject against what the script expects of it so far."""

    def __init__(self):
        self.expected, self.seen = collections.defaultdict(list), collections.Counter()

    def expect(self, events):
        for event in events:
            self.expected[event[:2]].append(event)

    def missing(self):
        return [event for key, events in self.expected.items() for event in events[self.seen[key]:]]

    def take(self, event):
        key = event[:2]
        rest = self.expected[key][self.seen[key]:]
        if not rest or rest[0] != event:
            raise Failure(f"found {event}, expected {rest[0] if rest else 'nothing more of this subject'}")
        self.seen[key] += 1


def follow_script(driver, simulator):
    comparison = Comparison()
    for number, step in enumerate(script.STEPS):
        comparison.expect(step.events)
        if step.subject:
            simulator.fault(step.subject, *step.faults)
        deadline = time.monotonic() + STEP_S
        while comparison.missing():
            try:
                event = driver.next_event(deadline)
                if event is None:
                    raise Failure(f"missing after {STEP_S} s: {comparison.missing()}")
                comparison.take(event)
            except Failure as failure:
                raise Failure(f"step {number}, {step.subject} {step.faults}: {failure}") from None


def run(host):
    """None, or why it is not as expected."""
    with Simulator(script.SCENARIO) as simulator, host.prepare(simulator) as (command, environment):
        driver = Driver(command, environment)
        try:
            follow_script(driver, simulator)
            driver.end(host.end_signal)
        except Failure as failure:
            return str(failure)
        finally:
            driver.kill()
    return None


class SameEvents(unittest.TestCase):
    results = {}

    @classmethod
    def setUpClass(cls):
        present = [host for host in hosts.ALL if not host.missing()]
        with concurrent.futures.ThreadPoolExecutor(len(present)) as pool:
            cls.results = {host.name: pool.submit(run, host) for host in present}


def check(host):
    def test(self):
        if host.missing():
            self.assertFalse(hosts.REQUIRED, host.missing())
            self.skipTest(host.missing())
        problem = self.results[host.name].result()
        if problem:
            self.fail(problem)
    return test


for one in hosts.ALL:
    setattr(SameEvents, "test_" + one.name, check(one))

if __name__ == "__main__":
    unittest.main(verbosity=2)

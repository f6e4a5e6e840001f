"""Faults below HTTP, made by the kernel."""

import cluster
import faults
from cluster import inventory, status


class Unreachable(cluster.LabTest):
    def test_black_hole(self):
        with faults.black_hole() as port:
            report = status(inventory(llm={"url": f"http://127.0.0.1:{port}", "timeout": 1}))
        self.assert_verdict(report, "llm", "DOWN", "connect-timeout")
        self.assert_within(report, 1)
        self.assertEqual(report.code, 2)

    def test_silence_after_accept(self):
        with faults.silent_port() as port:
            document = inventory(llm={"url": f"http://127.0.0.1:{port}", "timeout": 1})
            self.assert_verdict(status(document), "llm", "BUSY", "timeout-after-accept")
            report = status(document, confirm=2)
        self.assert_verdict(report, "llm", "WEDGED", "timeout-after-accept")
        self.assert_within(report, 3)

    def test_only_the_unclear_are_looked_at_again(self):
        with faults.silent_port() as port, faults.counting_port() as (clear, connections):
            document = inventory(silent={"url": f"http://127.0.0.1:{port}", "timeout": 1},
                                 closed={"url": f"http://127.0.0.1:{clear}", "timeout": 1})
            self.assert_verdict(status(document), "closed", "DOWN", "closed")
            once = len(connections)
            self.assert_verdict(status(document, confirm=3), "closed", "DOWN", "closed")
            self.assertEqual(len(connections), 2 * once, "a clear endpoint was looked at again")

    def test_unknown_name(self):
        report = status(inventory(llm={"url": "http://no-such-host.invalid:8080", "timeout": 3}))
        self.assert_verdict(report, "llm", "DOWN", "dns")

"""homelab status --watch: changes as they happen, an orderly end."""

import json
import os
import signal
import subprocess
import unittest

from cluster import PROGRAM, Simulator, check_schema, cluster

FAST = ("-o", "health.interval_ms=200", "-o", "health.fast_interval_ms=100", "-o", "health.down_interval_ms=200")


class Watch(unittest.TestCase):
    def start(self, simulator, *arguments):
        process = subprocess.Popen([PROGRAM, "status", "--watch", "-i", simulator.inventory_file, *FAST, *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                   env={"PATH": os.environ["PATH"]})
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()

    def next_verdict(self, process, wanted):
        """Reads documents until the prognosis is the wanted one."""
        for line in process.stdout:
            document = json.loads(line)
            check_schema(document, "snapshot.schema.json")
            if document["prognosis"]["verdict"] == wanted:
                return document
        self.fail(f"the output ended before {wanted}: {process.stderr.read()}")

    def test_json_lines_follow_changes(self):
        with Simulator(cluster({"local/a": {"backend": "http"}, "nas/b": {"backend": "http"}})) as simulator:
            process = self.start(simulator, "--json")
            first = self.next_verdict(process, "HEALTHY")
            simulator.fault("nas/b", {"fault": "refused"})
            second = self.next_verdict(process, "DEGRADED")
            self.assertGreater(second["generation"], first["generation"])
            simulator.fault("local/a", {"fault": "refused"})
            self.next_verdict(process, "DOWN")
            simulator.fault("local/a")
            simulator.fault("nas/b")
            self.next_verdict(process, "HEALTHY")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(10), 0)

    def test_exit_status_is_the_last_state(self):
        with Simulator(cluster({"local/a": {"backend": "http", "faults": [{"fault": "refused"}]}})) as simulator:
            process = self.start(simulator, "--json")
            self.next_verdict(process, "DOWN")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 2)

    def test_wedged_is_known_from_history(self):
        model = {"name": "m", "capabilities": ["completion"], "loaded": True}
        endpoints = {"a/llama": {"backend": "llamacpp", "models": [model], "faults": [{"fault": "wedge"}]}}
        with Simulator(cluster(endpoints)) as simulator:
            process = self.start(simulator, "--json", "-o", "health.patience_ms=1000")
            document = self.next_verdict(process, "DOWN")
            self.assertEqual((document["endpoints"][0]["verdict"], document["endpoints"][0]["cause"]),
                             ("WEDGED", "stalled"))

    def test_flapping(self):
        endpoints = {"a/web": {"backend": "http", "faults": [{"fault": "status", "every_requests": 3}]},
                     "a/fine": {"backend": "http"}}
        with Simulator(cluster(endpoints)) as simulator:
            process = self.start(simulator, "--json")
            for line in process.stdout:
                one = json.loads(line)["endpoints"][0]
                if one["cause"] == "flapping":
                    self.assertEqual(one["verdict"], "DEGRADED")
                    return
            self.fail("never flapping")


if __name__ == "__main__":
    unittest.main()

"""How much does the emulated server carry, and does any connection break under load?

wrk in a namespace, with connections that stay and with one connection per request; prints what it measured, fails on
socket errors only. SYNWHY_WRK_SECONDS (30) is how long each of the two runs.
"""

import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
import stage
from stage import SERVER, Stage

SECONDS = int(os.environ.get("SYNWHY_WRK_SECONDS", "30"))


class Load(unittest.TestCase):
    def setUp(self):
        self.stage = Stage()
        self.addCleanup(self.stage.close)

    def measure(self, *arguments):
        """@return wrk's requests, the report"""
        self.stage.emulate("--kernel", "6.12", "--backlog", "4096", *arguments)
        done = self.stage.within("server", "wrk", "-t1", "-c100", f"-d{SECONDS}s", "--latency", f"http://{SERVER}/",
                                 timeout=SECONDS + 60)
        status, report = self.stage.finish()
        rate = re.search(r"Requests/sec:\s*([0-9.]+)", done.stdout).group(1)
        p99 = re.search(r"99%\s+(\S+)", done.stdout).group(1)
        requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
        packets = report["traffic"]["packets received"] + report["traffic"]["packets sent"]
        print(f"wrk {' '.join(arguments) or 'keep-alive'}: {rate} requests/s, p99 {p99}, {packets / SECONDS:.0f} packets/s",
              file=sys.stderr)
        self.assertNotIn("Socket errors", done.stdout, done.stdout)
        self.assertNotIn("Non-2xx", done.stdout, done.stdout)
        self.assertEqual(0, status, report["verdict"])
        self.assertGreaterEqual(report["traffic"]["requests"], requests)
        return requests, report

    def test_connections_that_stay(self):
        requests, report = self.measure()
        self.assertGreater(requests, 1000 * SECONDS)
        self.assertLess(report["traffic"]["connections accepted"], 110, "a hundred, and what wrk tries first")

    def test_a_connection_per_request(self):
        requests, report = self.measure("--no-keep-alive")
        self.assertGreater(requests, 300 * SECONDS)
        self.assertGreaterEqual(report["traffic"]["connections accepted"], requests)


if __name__ == "__main__":
    reason = stage.missing("wrk")
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(verbosity=2)

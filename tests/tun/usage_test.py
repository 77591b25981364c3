"""Does `synwhy emulate` refuse what makes no sense, in one line, before it opens anything?

Needs no privilege: every case ends with exit status 2, or 3 where a running emulation is asked that is not there.
"""

import os
import subprocess
import sys
import unittest

BINARY = os.path.abspath(os.environ.get("SYNWHY_BINARY", "synwhy"))
KERNEL = ["--kernel", "3.10"]


class Usage(unittest.TestCase):
    def refused(self, arguments, said, status=2):
        done = subprocess.run([BINARY, "emulate", *arguments], capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual((status, ""), (done.returncode, done.stdout), (arguments, done.stderr))
        self.assertRegex(done.stderr, r"\Asynwhy: [^\n]+\n\Z", arguments)
        self.assertIn(said, done.stderr)

    def test_what_makes_no_sense(self):
        for arguments, said in (
                ([], "--kernel RELEASE is needed"),
                (["--kernel", "none"], "holds no kernel release"),
                (["--kernel", "4.12", "--sysctl", "net.ipv4.tcp_tw_recycle=1"], "kernel 4.12 has no such sysctl"),
                ([*KERNEL, "--sysctl", "tcp_syncookies"], "--sysctl"),
                ([*KERNEL, "--sysctl", "tcp_syncookies=yes"], "'yes' is no number"),
                ([*KERNEL, "--address", "10.0.0.1"], "--address: '10.0.0.1' is no IPv4 address with prefix"),
                ([*KERNEL, "--address", "10.0.0.1/33"], "--address"),
                ([*KERNEL, "--address", "fd00::1/64"], "--address"),
                ([*KERNEL, "--address6", "10.0.0.1/24"], "--address6"),
                ([*KERNEL, "--address", "10.0.0.1/32"], "--host-address"),
                ([*KERNEL, "--host-address", "10.0.0.1"], "--host-address"),
                ([*KERNEL, "--listen", "0"], "--listen: '0'"),
                ([*KERNEL, "--listen", "65536"], "--listen"),
                ([*KERNEL, "--listen", "fd00::1:80"], "--listen"),
                ([*KERNEL, "--listen", "80", "--listen", "80"], "another listener has this port"),
                ([*KERNEL, "--stall", "5"], "--stall"),
                ([*KERNEL, "--stall", "9-5"], "--stall"),
                ([*KERNEL, "--tun", "a name"], "--tun"),
                ([*KERNEL, "--tun", "tun%d"], "--tun"),
                ([*KERNEL, "--close-first", "both"], "--close-first"),
                ([*KERNEL, "--serve", "ftp"], "--serve"),
                ([*KERNEL, "--response-bytes", "1000000001"], "--response-bytes"),
                ([*KERNEL, "-w", "-"], "-w wants a file"),
                (["--show", "everything"], "--show"),
                (["--show", "peers", "--do", "stall"], "--"),
                (["--do", "set tcp_syncookies"], "--do set"),
                (["--do", "stall\nresume"], "--do")):
            with self.subTest(arguments=arguments):
                self.refused(arguments, said)

    def test_nobody_to_ask(self):
        for question in (["--show", "queues"], ["--do", "stall"], ["--do", "backlog", "5"]):
            self.refused([*question, "--control", "/nonexistent/socket"], "/nonexistent/socket: connect: ", 3)
        self.refused(["--show", "queues", "--control", "x" * 200], "107 bytes", 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)

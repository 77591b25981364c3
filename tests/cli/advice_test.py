"""Do `synwhy fix` and `synwhy size` keep their promises on the command line? Exit statuses, the JSON contract, refusals.

Sysctls are ordinary files below a folder of the test's own. Left out: a real kernel, which tests/fix changes.
"""

import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
import captures
import cli_test


class Fix(cli_test.Case):
    def setUp(self):
        super().setUp()
        os.makedirs(os.path.join(self.folder, "proc/sys/net/core"))
        os.makedirs(os.path.join(self.folder, "proc/sys/net/ipv4/conf/eth0"))
        os.makedirs(os.path.join(self.folder, "etc/sysctl.d"))
        self.set("net/core/somaxconn", "128")
        self.set("net/ipv4/conf/eth0/rp_filter", "1")

    def set(self, path, value):
        self.file(f"proc/sys/{path}", value.encode() + b"\n")

    def get(self, path):
        with open(os.path.join(self.folder, "proc/sys", path), encoding="ascii") as file:
            return file.read().strip()

    def fix(self, *arguments, code=0):
        out, err = self.run_synwhy("fix", *arguments, "--root", self.folder, code=code)
        if "--json" not in arguments:
            return out, err
        document = json.loads(out)
        self.assert_valid(document, "fix")
        return document

    def test_plan_apply_undo(self):
        plan = self.fix("accept-queue-full", "--json", code=1)
        self.assertTrue(plan["pending"])
        self.assertIn("nginx", [entry["server"] for entry in plan["backlogs"]])
        self.assertEqual("128", self.get("net/core/somaxconn"))
        applied = self.fix("accept-queue-full", "--apply", "--persist", "--seconds", "0", "--json")
        self.assertEqual([{"name": "net.core.somaxconn", "old": "128", "new": "4096"}], applied["applied"]["changed"])
        self.assertEqual("4096", self.get("net/core/somaxconn"))
        out, _ = self.fix("accept-queue-full")
        self.assertIn("All settings are as advised here.", out)
        undone = self.fix("accept-queue-full", "--undo", "--json")
        self.assertEqual(["net.core.somaxconn"], [entry["name"] for entry in undone["undone"]["restored"]])
        self.assertEqual("128", self.get("net/core/somaxconn"))
        self.assertEqual([], os.listdir(os.path.join(self.folder, "etc/sysctl.d")))
        self.assertIn("Nothing to undo", self.fix("accept-queue-full", "--undo")[0])

    def test_text_fits_and_shows_the_risk(self):
        out, err = self.fix("accept-queue-full", code=1)
        self.assertEqual("", err)
        self.assertLessEqual(max(map(len, out.splitlines())), 80)
        self.assertIn("net.core.somaxconn: 128 -> 4096", out)
        for word in ("Risk: ", "listen 80 backlog=N;", "What does not help", "--apply"):
            self.assertIn(word, out)

    def test_one_interface_only(self):
        _, err = self.fix("rp-filter", "--apply", "--seconds", "0", code=2)
        self.assertIn("--interface", err)
        for name in ("all", "default", "../eth0"):
            _, err = self.fix("rp-filter", "--interface", name, "--apply", code=2)
            self.assert_one_complaint(err)
        self.fix("rp-filter", "--interface", "eth0", "--apply", "--seconds", "0")
        self.assertEqual("2", self.get("net/ipv4/conf/eth0/rp_filter"))

    def test_another_kernels_plan_reads_nothing(self):
        plan = self.fix("per-host-paws", "--kernel", "3.10.0-1160.el7", "--json", code=1)
        self.assertEqual(["not-looked"], [s["state"] for step in plan["steps"] if step["chosen"] for s in step["settings"]])

    def test_refusals(self):
        for arguments in [["no-such-cause"], ["accept-queue-full", "--apply", "--undo"], ["accept-queue-full", "--persist"],
                          ["accept-queue-full", "--force"], ["accept-queue-full", "--apply", "--kernel", "6.1"],
                          ["accept-queue-full", "--step", "99"], ["accept-queue-full", "--step", "1"], [],
                          ["accept-queue-full", "--netns", "x", "--pid", "1"], ["accept-queue-full", "--seconds", "-1"]]:
            with self.subTest(arguments):
                out, err = self.run_synwhy("fix", *arguments, code=2)
                self.assertEqual("", out)
                self.assert_one_complaint(err)
        _, err = self.run_synwhy("fix", "accept-queue-full", "--netns", "no-such-name", code=3)
        self.assert_one_complaint(err)

    def test_near_name(self):
        self.assertIn("did you mean accept-queue-full?", self.run_synwhy("fix", "acept-queue-full", code=2)[1])


class Size(cli_test.Case):
    SMALL = ["--kernel", "6.1", "--connections", "10000", "--target", "0.05"]

    def size(self, *arguments, code=0, name="size-listener", **options):
        document = json.loads(self.run_synwhy("size", *arguments, "--json", code=code, **options)[0])
        self.assert_valid(document, name)
        return document

    def test_listener(self):
        answer = self.size("--rate", "1000", "--accept-gap", "20ms", *self.SMALL)
        self.assertEqual("shown", answer["result"])
        self.assertLessEqual(answer["chosen"]["high"], 0.05)
        self.assertLessEqual(answer["chosen"]["backlog"], 40)
        self.assertEqual(answer, self.size("--rate", "1000", "--accept-gap", "20ms", *self.SMALL))

    def test_what_is_there_now_is_too_little(self):
        answer = self.size("--rate", "1000", "--accept-gap", "200ms", "--backlog", "4", *self.SMALL, code=1)
        self.assertGreater(answer["now"]["low"], 0.05)
        self.assertTrue(answer["change"])
        self.run_synwhy("size", "--rate", "1000", "--accept-gap", "200ms", "--backlog", "4", *self.SMALL, "--exit-zero", code=0)

    def test_overload(self):
        out, _ = self.run_synwhy("size", "--rate", "1000", "--accept-time", "2ms", *self.SMALL, code=1)
        self.assertTrue(out.startswith("No backlog helps"))

    def test_text(self):
        out, err = self.run_synwhy("size", "--rate", "1000", "--accept-gap", "20ms", *self.SMALL, code=0)
        self.assertEqual("", err)
        self.assertLessEqual(max(map(len, out.splitlines())), 80)
        self.assertRegex(out, r"\Abacklog \d+ keeps the overflow probability under 0.05\.\n")
        self.assertIn("net.ipv4.tcp_max_syn_backlog: irrelevant here", " ".join(out.split()))

    def test_arrivals_and_captures(self):
        times = "".join(f"{second}.{i:03}\n" for second in range(100, 120) for i in range(50)).encode()
        path = self.file("times", times)
        answer = self.size("--arrivals", path, "--accept-time", "2ms", *self.SMALL)
        self.assertIsNone(answer["formula_backlog"])
        self.assertEqual(answer["chosen"], self.size("--arrivals", "-", "--accept-time", "2ms", *self.SMALL, stdin=times)["chosen"])
        capture = self.file("a.pcap", captures.silent())
        self.assertIn("a.pcap", self.size(capture, "--accept-time", "1ms", *self.SMALL)["sources"][0])
        self.file("broken", b"1\n2\nx\n")
        _, err = self.run_synwhy("size", "--arrivals", "broken", "--accept-time", "1ms", code=3)
        self.assertIn("broken:3: ", err)
        self.assert_one_complaint(err)

    def test_client(self):
        few = ["--client", "--ports", "10000-10099", "--kernel", "6.1"]
        answer = self.size(*few, "--rate", "5", code=1, name="size-client")
        self.assertAlmostEqual(100 / 60, answer["ceiling"], delta=0.1)
        self.assertGreater(answer["simulated"]["no_port"], 0)
        self.size(*few, "--rate", "0.5", name="size-client")
        self.size(*few, "--rate", "20", "--tw-reuse", name="size-client")
        self.size(*few, "--rate", "20", "--close-first", "server", name="size-client")
        out, _ = self.run_synwhy("size", *few, "--rate", "5", code=1)
        self.assertLessEqual(max(map(len, out.splitlines())), 80)

    def test_refusals(self):
        for arguments in [[], ["--rate", "10"], ["--rate", "0", "--accept-gap", "1ms"], ["--rate", "10", "--accept-gap", "soon"],
                          ["--rate", "10", "--accept-gap", "9ms-1ms"], ["--rate", "1", "--accept-gap", "1ms", "--target", "2"],
                          ["--rate", "1", "--arrivals", "x", "--accept-gap", "1ms"], ["--client"],
                          ["--rate", "1", "--accept-gap", "1ms", "--kernel", "6.1", "--sysctl", "net.ipv4.tcp_tw_recycle=1"],
                          ["--rate", "1", "--accept-gap", "1ms", "--server", "10.0.0.1:80"],
                          ["--client", "--rate", "1", "--ports", "9-1"], ["--client", "--rate", "1", "--ports", "-"]]:
            with self.subTest(arguments):
                out, err = self.run_synwhy("size", *arguments, code=2)
                self.assertEqual("", out)
                self.assert_one_complaint(err)


if __name__ == "__main__":
    unittest.main(verbosity=2)

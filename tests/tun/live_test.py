"""Do real clients get what the emulated kernel would give them?

The running kernel's TCP, in network namespaces, talks to `synwhy emulate` over its TUN device. Needs root, /dev/net/tun,
ip and, per test, curl and nft; says what is missing and is skipped (exit 77) without them.
"""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import json_schema
import stage
from stage import SERVER, SERVER6, Stage

ROUNDS = 5


class Case(unittest.TestCase):
    def setUp(self):
        self.stage = Stage()
        self.addCleanup(self.stage.close)

    def fates(self, report):
        return {(f["fate"], f["cause"]): f["segments"] for f in report["fates"] if f["syn"]}


class Requests(Case):
    def test_curl(self):
        self.stage.emulate("--kernel", "3.10", "--address6", f"{SERVER6}/64", "--response-bytes", "100000")
        for url in (f"http://{SERVER}/", f"http://[{SERVER6}]/"):
            for extra in ([], ["-H", "Connection: close"], ["--http1.0"], ["-I"], ["--data", "x" * 3000]):
                done = self.stage.curl("server", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", *extra, url=url)
                self.assertEqual("200 0" if extra == ["-I"] else "200 100000", done.stdout, (url, extra, done.stderr))
        status, report = self.stage.finish(signal.SIGINT)
        self.assertEqual(0, status)
        with open(os.path.join(stage.HERE, "..", "..", "schema", "emulation.schema.json"), encoding="utf-8") as file:
            self.assertEqual([], list(json_schema.check(report, json.load(file))))
        self.assertEqual("10 SYNs, all answered", report["verdict"])
        self.assertEqual([], report["findings"])
        self.assertEqual(10, report["traffic"]["requests"])

    def test_plain_sockets(self):
        """nc, so to say: both families, both ways to close, large and empty bodies."""
        for closes_first in ("server", "client"):
            with self.subTest(closes_first=closes_first):
                self.stage.emulate("--kernel", "6.12", "--address6", f"{SERVER6}/64", "--response-bytes", "300000",
                                   "--close-first", closes_first)
                for address in (SERVER, SERVER6):
                    for version in ("1.0", "1.1"):
                        self.assertEqual("ok\n", self.stage.client("server", "get", address, "80", version, "300000").stdout)
                status, report = self.stage.finish()
                self.assertEqual((0, 4), (status, report["syns"]))
                self.assertNotIn("Tcp.RetransSegs", report["counters"])

    def test_without_http(self):
        self.stage.emulate("--kernel", "4.9", "--serve", "bytes", "--response-bytes", "5000", "--listen", "7",
                           "--listen", f"{SERVER}:13")
        for port in ("7", "13"):
            self.assertEqual("ok\n", self.stage.client("server", "bytes", SERVER, port, "5000").stdout)
        self.assertEqual(7, self.stage.curl("server", url=f"http://{SERVER}:81/").returncode, "nobody listens there")
        status, report = self.stage.finish()
        self.assertEqual(1, status)
        self.assertEqual([{"cause": "no-listener", "syns": 1}], report["findings"])

    def test_a_capture_of_it(self):
        capture = os.path.join(self.stage.folder, "out.pcapng")
        self.stage.emulate("--kernel", "3.10", "-w", capture)
        self.stage.curl("server")
        self.stage.curl("server", url=f"http://{SERVER}:81/")
        self.stage.finish()
        done = stage.run(stage.BINARY, "pcap", "--json", capture, check=False)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn('"syns": 2', done.stdout)
        with open(capture, "rb") as file:
            self.assertIn(b"reset: lookup.no-listener (no-listener)", file.read())

    def test_duration_ends_it(self):
        self.stage.emulate("--kernel", "3.10", "--duration", "1.5")
        self.assertEqual(0, self.stage.emulation.wait(10))
        self.assertFalse(os.path.exists(self.stage.control))


class Office(Case):
    """Two machines behind one address, a server that closes first: the incident that began all this."""

    RECYCLE = ["--kernel", "3.10", "--sysctl", "net.ipv4.tcp_tw_recycle=1"]
    SHORT = ["--no-keep-alive"]

    def setUp(self):
        super().setUp()
        for space in ("newer", "older"):
            self.stage.add_client(space)
        self.stage.masquerade()

    def make_older(self, space, hours=1):
        """This machine's clocks are one; nft makes the one of this client older, as if it had booted later. Its
        TSvals then stand still, which TCP allows; what is echoed is taken away, since it never sent it."""
        ts = max(1, int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1000) - hours * 3_600_000) & 0xFFFFFFFF
        self.stage.nft(space, f"""
            table ip clock {{
                chain out {{ type filter hook output priority 0; tcp flags & rst == 0 tcp option timestamp tsval set {ts}; }};
                chain in {{ type filter hook input priority 0; tcp option timestamp tsecr set 0; }};
            }}""")

    def rounds(self, *arguments):
        """@return how many requests of the newer and of the older client were answered, the report"""
        self.stage.emulate(*arguments)
        answered = {"newer": 0, "older": 0}
        for _ in range(ROUNDS):
            for space in answered:
                answered[space] += self.stage.curl(space, "-o", "/dev/null").returncode == 0
        status, report = self.stage.finish()
        return answered, status, report

    def test_an_older_clock_is_locked_out(self):
        for space in ("newer", "older"):
            self.stage.sysctl(space, "net.ipv4.tcp_timestamps", 2)  # no offset per connection
        self.make_older("older")

        answered, status, report = self.rounds(*self.RECYCLE, *self.SHORT)
        self.assertEqual({"newer": ROUNDS, "older": 0}, answered)
        self.assertEqual(1, status)
        self.assertEqual(["per-host-paws"], [f["cause"] for f in report["findings"]])
        self.assertGreaterEqual(report["unanswered"], ROUNDS)
        self.assertEqual(report["unanswered"], report["counters"]["TcpExt.PAWSPassive"])
        self.assertEqual({("answered", None): ROUNDS, ("silence", "per-host-paws"): report["unanswered"]},
                         self.fates(report))

        for harmless in (["--kernel", "4.12"], ["--kernel", "3.10"], [*self.RECYCLE, "--close-first", "client"]):
            answered, status, report = self.rounds(*harmless, *self.SHORT)
            self.assertEqual(({"newer": ROUNDS, "older": ROUNDS}, 0), (answered, status), harmless)

    def test_random_offsets_hit_everyone(self):
        """Since 4.10 each connection's timestamps start anywhere: half of them are older than the last stamp."""
        if int(os.uname().release.split(".")[0]) < 5:
            self.skipTest("this kernel's offsets may not be per connection")
        for space in ("newer", "older"):
            self.stage.sysctl(space, "net.ipv4.tcp_timestamps", 1)
        count = 20
        outcomes = {}
        for name, arguments in (("recycle", self.RECYCLE), ("gone", ["--kernel", "4.12"])):
            self.stage.emulate(*arguments, *self.SHORT)
            outcomes[name] = [0, 0]
            for _ in range(count):
                for i, space in enumerate(("newer", "older")):
                    done = self.stage.curl(space, "-o", "/dev/null", "--connect-timeout", "0.3")
                    outcomes[name][i] += done.returncode == 0
            _, report = self.stage.finish()
            if name == "recycle":
                self.assertEqual(["per-host-paws"], [f["cause"] for f in report["findings"]])
        self.assertEqual([count, count], outcomes["gone"])
        # 40 coins: outside of this once in 10^5.
        self.assertGreater(sum(outcomes["recycle"]), 7, outcomes)
        self.assertLess(sum(outcomes["recycle"]), 33, outcomes)


class Queues(Case):
    def test_a_stalled_process(self):
        """Accept queue of backlog + 1, then silence; what waited is served after the stall."""
        self.stage.emulate("--kernel", "4.12", "--backlog", "3")
        self.stage.ask("--do", "stall")
        client = subprocess.Popen(["ip", "netns", "exec", self.stage.name("server"), "python3", "-B", stage.CLIENT, "open",
                                   SERVER, "80", "10", "2"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.wait)
        end = time.monotonic() + 10
        while self.stage.counter("TcpExt.ListenOverflows") == 0 and time.monotonic() < end:
            time.sleep(0.1)
        queue, = self.stage.show("queues")
        self.assertEqual((4, 3), (queue["accept_queue"], queue["backlog"]))
        self.assertGreater(queue["drops"], 0)
        self.assertIn("times the listen queue of a socket overflowed", self.stage.ask("--show", "counters").stdout)
        self.assertEqual("4\n", client.communicate(timeout=20)[0])
        self.stage.ask("--do", "resume")
        queue, = self.stage.show("queues")
        self.assertEqual(0, queue["accept_queue"])
        self.assertEqual(0, self.stage.curl("server", "-o", "/dev/null").returncode)
        status, report = self.stage.finish()
        self.assertEqual(1, status)
        self.assertEqual("accept-queue-full", report["findings"][0]["cause"])

    def test_settings_change_while_it_runs(self):
        self.stage.emulate("--kernel", "6.12")
        self.stage.ask("--do", "set", "net.core.somaxconn=5")
        self.stage.ask("--do", "backlog 100")
        queue, = self.stage.show("queues")
        self.assertEqual(5, queue["backlog"], "listen() is bounded by somaxconn")
        self.assertEqual(2, self.stage.ask("--do", "set", "net.ipv4.tcp_tw_recycle=1", check=False).returncode)
        self.assertEqual(2, self.stage.ask("--do", "dance", check=False).returncode)
        self.stage.finish()
        self.assertEqual(3, self.stage.ask("--show", "queues", check=False).returncode, "nobody is there any more")

    def test_two_thousand_at_once(self):
        self.stage.emulate("--kernel", "6.12", "--backlog", "4096")
        done = self.stage.client("server", "many", SERVER, "80", "2000", check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        status, report = self.stage.finish()
        print(f"2000 at once: {done.stdout.strip()}", file=sys.stderr)
        self.assertEqual(0, status)
        self.assertEqual({("answered", None): 2000}, self.fates(report))
        for counter in ("Tcp.RetransSegs", "TcpExt.TCPSynRetrans", "TcpExt.ListenDrops"):
            self.assertNotIn(counter, report["counters"])
        self.assertEqual([], [text for text in report["missing"] if "device" in text])


class Loss(Case):
    def test_a_response_over_a_lossy_path(self):
        """One in twenty packets is lost each way; 200 kB arrive whole."""
        self.stage.add_client("far")
        self.stage.emulate("--kernel", "6.12", "--response-bytes", "200000", "--no-keep-alive")
        tool = self.lose("server")
        for _ in range(3):
            start = time.monotonic()
            done = self.stage.client("far", "get", SERVER, "80", "1.1", "200000", check=False, timeout=120)
            self.assertEqual("ok\n", done.stdout, done.stderr)
            print(f"200 kB at 5 % loss ({tool}): {time.monotonic() - start:.2f} s", file=sys.stderr)
        _, report = self.stage.finish()
        self.assertGreater(report["counters"]["Tcp.RetransSegs"], 0)

    def lose(self, space):
        """netem where the kernel has it; else nft drops what is forwarded, which is the same to both ends."""
        done = self.stage.within(space, "tc", "qdisc", "add", "dev", "c1s", "root", "netem", "loss", "5%", check=False)
        if done.returncode == 0:
            self.stage.within(space, "tc", "qdisc", "add", "dev", "synwhy0", "root", "netem", "loss", "5%")
            return "netem"
        self.stage.nft(space, """
            table ip loss { chain forward { type filter hook forward priority 0; numgen random mod 100 < 5 drop; }; }""")
        return "nft"


class Errors(Case):
    """Every complaint is one line, and the exit status says that nothing could be looked at."""

    def refused(self, *command):
        done = stage.run(*command, check=False)
        self.assertEqual(3, done.returncode, done.stderr)
        self.assertRegex(done.stderr, r"\Asynwhy: [^\n]+\n\Z")
        return done.stderr

    def emulate_command(self, *arguments):
        return [stage.BINARY, "emulate", "--kernel", "3.10", "--control", self.stage.control + "2", "--duration", "0", *arguments]

    def test_a_name_in_use(self):
        self.stage.emulate("--kernel", "3.10")
        enter = ["ip", "netns", "exec", self.stage.name("server")]
        self.assertIn("in use", self.refused(*enter, *self.emulate_command("--address", "10.1.0.1/24")))
        self.assertIn("already", self.refused(*enter, *self.emulate_command("--tun", "other0", "--host-address", "10.0.0.3")))
        self.assertIn("is an address of this machine itself",
                      self.refused(*enter, *self.emulate_command("--tun", "other0", "--address", "10.0.0.2/24")))
        self.assertIn("another kind", self.refused(*enter, *self.emulate_command("--tun", "lo", "--address", "10.2.0.1/24")))

    def test_no_device_file(self):
        if stage.shutil.which("unshare") is None:
            self.skipTest("needs unshare")
        script = 'mount -t tmpfs none /dev/net && exec "$@"'
        said = self.refused("unshare", "--mount", "sh", "-c", script, "sh", *self.emulate_command())
        self.assertIn("/dev/net/tun: open: No such file or directory", said)
        self.assertIn("modprobe tun", said)

    def test_no_privilege(self):
        done = subprocess.run(["ip", "netns", "exec", self.stage.name("server"), "setpriv", "--bounding-set=-net_admin",
                               "--inh-caps=-net_admin", *self.emulate_command()], capture_output=True, text=True, check=False)
        if "setpriv" in done.stderr and "No such file" in done.stderr:
            self.skipTest("needs setpriv")
        self.assertEqual(3, done.returncode, done.stderr)
        self.assertIn("CAP_NET_ADMIN", done.stderr)

    def test_privileges_are_given_up(self):
        self.stage.emulate("--kernel", "3.10")
        with open(f"/proc/{self.stage.emulation.pid}/status", encoding="ascii") as status:
            lines = dict(line.split(":", 1) for line in status)
        for kind in ("CapEff", "CapPrm", "CapBnd"):
            self.assertEqual(0, int(lines[kind], 16), kind)

    def test_the_device_is_removed(self):
        self.stage.emulate("--kernel", "3.10")
        self.stage.ip("server", "link", "del", "synwhy0")
        self.assertEqual(3, self.stage.emulation.wait(10))
        self.assertIn("was the device removed?", self.stage.said())


if __name__ == "__main__":
    reason = stage.missing("curl", "nft", "tc")
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(verbosity=2)

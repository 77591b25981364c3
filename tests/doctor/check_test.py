"""Is each trouble, made for real, found first, with the right listener, process and fix, and nothing false beside it?

One method a trouble. The report is read as JSON from `synwhy check` run against the server's namespace while the client
sends. Needs root; a trouble whose tool or kernel module is missing is skipped with its reason.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import stage
from stage import CLIENT, CLIENT6, FAR, SERVER, SERVER6, Stage, syn, timestamps


class Trouble(unittest.TestCase):
    """What every method of the classes below uses."""

    def setUp(self):
        self.stage = Stage()
        self.addCleanup(self.stage.close)

    def found(self, cause, *words, during=None, seconds=1.5, port=None, also=()):
        """The first finding is `cause`; no other than it and those in `also` are found. @return that finding"""
        code, report = self.stage.check(*words, during=during, seconds=seconds)
        causes = [finding["cause"] for finding in report["findings"]]
        story = f"findings {causes}, unknown {report['unknown']}, missing {report['missing']}"
        self.assertTrue(causes, story)
        first = report["findings"][0]
        self.assertEqual(first["cause"], cause, f"{story}; {first['headline']}: {first['evidence']}")
        self.assertEqual(set(causes) - {cause} - set(also), set(), story)
        self.assertEqual(code, 1)
        if port is not None:
            self.assertTrue(any(server.endswith(f":{port}") for server in first["servers"]), first["servers"])
        return first

    def has(self, texts, *parts):
        """One of the sentences holds every part."""
        self.assertTrue(any(all(part in text for part in parts) for text in texts), f"{parts} not in {texts}")


class AcceptQueue(Trouble):
    def owner(self, finding):
        self.has(finding["processes"], "python3", "pid ")

    def test_stopped_process(self):
        service = self.stage.service("80", "4", "accept")
        pid = int(subprocess.run(["ip", "netns", "pids", self.stage.names["server"]], capture_output=True, text=True,
                                 check=True).stdout.split()[0])
        os.kill(pid, signal.SIGSTOP)
        self.stage.connect(5)
        finding = self.found("accept-queue-full", during=self.stage.syns, port=80)
        self.owner(finding)
        self.has(finding["story"], "stopped by a signal", f"pid {pid}")
        self.has(finding["fix"], f"kill -CONT {pid}")
        self.assertEqual(finding["confidence"], "certain")
        self.assertEqual(finding["syns"], 5)
        self.assertIsNone(service.poll())

    def test_slow_process(self):
        self.stage.service("80", "2", "slow", "30")
        self.stage.connect(4)
        finding = self.found("accept-queue-full", during=self.stage.syns, port=80)
        self.owner(finding)
        self.has(finding["story"], "only thread", "sleeps in")

    def test_no_descriptor_left(self):
        self.stage.service("80", "2", "full")
        self.stage.connect(3)
        finding = self.found("accept-queue-full", during=self.stage.syns, port=80)
        self.has(finding["story"], "64 of 64 descriptors", "EMFILE")
        self.has(finding["fix"], "prlimit --pid")

    def test_backlog_1(self):
        self.stage.service("80", "1", "never")
        self.stage.connect(2)
        finding = self.found("accept-queue-full", during=self.stage.syns, port=80)
        self.has(finding["evidence"], "full above 1")
        self.has(finding["fix"], "own configuration")

    def test_somaxconn_below_backlog(self):
        self.stage.sysctl("server", "net.core.somaxconn", 3)
        self.stage.service("80", "100", "never")
        self.stage.connect(4)
        finding = self.found("accept-queue-full", during=self.stage.syns, port=80)
        self.has(finding["story"], "exactly net.core.somaxconn (3)")

    def test_ipv6(self):
        self.stage.service("80", "1", "never6")
        self.stage.connect(2, address=SERVER6)
        finding = self.found("accept-queue-full", during=lambda: self.stage.connect(3, address=SERVER6, timeout=0.3), port=80)
        self.owner(finding)
        self.assertGreaterEqual(finding["syns"], 3)

    def test_watched_again_and_again(self):
        self.stage.service("80", "1", "never")
        self.stage.connect(2)
        process = subprocess.Popen([stage.BINARY, "check", "--netns", self.stage.names["server"], "--watch", "--seconds",
                                    "0.3", "--ndjson"], stdout=subprocess.PIPE, text=True)
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual({line["cause"] for line in lines}, {"accept-queue-full"})
        self.assertEqual(process.returncode, 1)

    def test_full_without_traffic_in_one_look(self):
        self.stage.service("80", "1", "never")
        self.stage.connect(2)
        self.found("accept-queue-full", seconds=0, port=80)

    def test_one_reuseport_member_is_stuck(self):
        self.stage.service("80", "8", "reuseport", "3", "1")
        self.stage.connect(80, timeout=0.1)
        finding = self.found("reuseport-stuck-member", during=lambda: self.stage.syns(16, gap_s=0.01), port=80)
        self.has([finding["headline"]], "One of the 4 SO_REUSEPORT listeners")


class SynQueue(Trouble):
    def fill(self, count):
        self.stage.syns(count, first_port=30000, gap_s=0.0)

    def test_full_without_cookies(self):
        self.stage.sysctl("server", "net.ipv4.tcp_syncookies", 0)
        self.stage.service("80", "8", "accept")
        self.fill(9)
        finding = self.found("syn-queue-full", during=self.stage.syns, port=80)
        self.has([finding["headline"]], "SYN cookies are off")
        self.has(finding["fix"], "tcp_syncookies=1")
        self.assertEqual(finding["syns"], 5)

    def test_full_with_cookies(self):
        self.stage.sysctl("server", "net.ipv4.tcp_syncookies", 1)
        self.stage.service("80", "8", "accept")
        self.fill(9)
        finding = self.found("syn-queue-full", during=self.stage.syns, port=80)
        self.has([finding["headline"]], "SYN cookies answer in its place")

    def test_last_quarter(self):
        self.stage.sysctl("server", "net.ipv4.tcp_syncookies", 0)
        self.stage.sysctl("server", "net.ipv4.tcp_max_syn_backlog", 16)
        self.stage.service("80", "128", "accept")
        self.fill(16)
        finding = self.found("syn-backlog-quarter", during=self.stage.syns, port=80)
        self.has(finding["fix"], "tcp_syncookies=1")


class Firewall(Trouble):
    def setUp(self):
        if reason := stage.missing("nft"):
            self.skipTest(reason)
        super().setUp()
        self.stage.service("80", "128", "accept")

    def dropped(self, rules, *parts, cause="netfilter-drop", confidence=None):
        self.stage.nft("server", rules)
        finding = self.found(cause, during=self.stage.syns, port=80)
        self.has(finding["evidence"], *parts)
        if confidence:
            self.assertEqual(finding["confidence"], confidence)
        self.assertIn(FAR, finding["clients"])
        return finding

    def test_named_rule_and_handle(self):
        finding = self.dropped("table inet f { chain i { type filter hook input priority 0; "
                               f"ip saddr {FAR} tcp dport 80 counter drop comment \"blocklist-9\"; }} }}",
                               "nft inet f i handle ", "drop", "blocklist-9", confidence="certain")
        self.has(finding["evidence"], "its counter moved by 5")

    def test_rule_without_counter(self):
        self.dropped("table inet f { chain i { type filter hook input priority 0; tcp dport 80 drop; } }",
                     "nft inet f i handle ", confidence="likely")

    def test_user_chain(self):
        self.dropped("table inet f { chain web { counter drop; } chain i { type filter hook input priority 0; "
                     "tcp dport { 80, 443 } jump web; } }", "nft inet f web handle ", confidence="certain")

    def test_set_lookup(self):
        self.dropped("table inet f { set bad { type ipv4_addr; flags interval; elements = { 198.51.100.0/24 }; } "
                     "chain i { type filter hook input priority 0; ip saddr @bad counter drop; } }", "@bad")

    def test_rate_limit(self):
        self.dropped("table inet f { chain i { type filter hook input priority 0; "
                     "tcp flags syn limit rate over 1/minute burst 1 packets counter drop; } }", "limit rate")

    def test_policy(self):
        self.dropped("table inet f { chain i { type filter hook input priority 0; policy drop; "
                     "ct state established accept; } }", "the policy of nft chain inet f i")

    def test_reject(self):
        self.dropped("table inet f { chain i { type filter hook input priority 0; "
                     "tcp dport 80 counter reject with tcp reset; } }", "reject", cause="netfilter-reject")

    def test_output_drop_of_the_answer(self):
        finding = self.dropped("table inet f { chain o { type filter hook output priority 0; "
                               "tcp sport 80 counter drop; } }", "nft inet f o handle ", cause="syn-ack-filtered")
        self.has([finding["headline"]], "SYN+ACK")

    def test_ipv6(self):
        self.stage.service("81", "128", "never6")
        self.stage.nft("server", "table ip6 f { chain i { type filter hook input priority 0; tcp dport 81 counter drop; } }")
        finding = self.found("netfilter-drop", port=81,
                             during=lambda: self.stage.connect(2, port=81, address=SERVER6, timeout=0.5))
        self.has(finding["evidence"], "nft ip6 f i handle")
        self.assertEqual(finding["clients"], [CLIENT6])

    def test_rule_nobody_met_is_no_finding(self):
        self.stage.nft("server", "table inet f { chain i { type filter hook input priority 0; tcp dport 81 drop; } }")
        code, report = self.stage.check(during=self.stage.syns)
        self.assertEqual([finding["cause"] for finding in report["findings"]], [])
        self.assertEqual(code, 0)

    def iptables(self, tool, *parts):
        if reason := stage.missing(tool):
            self.skipTest(reason)
        tried = self.stage.within("server", tool, "-A", "INPUT", "-p", "tcp", "--dport", "80", "-j", "DROP", check=False)
        if tried.returncode != 0:
            self.skipTest(f"{tool}: {tried.stderr.strip().splitlines()[-1]}")
        finding = self.found("netfilter-drop", during=self.stage.syns, port=80)
        self.has(finding["evidence"], *parts)

    def test_iptables_nft(self):
        # nft shows such a rule in its own words.
        self.iptables("iptables-nft", "INPUT", "dport 80", "drop")

    def test_iptables_legacy(self):
        self.iptables("iptables-legacy", "INPUT", "--dport 80", "DROP")

    def test_conntrack_full(self):
        self.stage.nft("server", "table inet f { chain p { type filter hook prerouting priority -300; ct state new accept; } }")
        path = "/proc/sys/net/netfilter/nf_conntrack_max"
        if not os.path.exists(path):
            self.skipTest("no nf_conntrack in this kernel")
        with open(path, encoding="ascii") as file:
            before = file.read()
        self.addCleanup(lambda: open(path, "w", encoding="ascii").write(before))
        # The limit belongs to the whole machine in most kernels: it is low for a moment only.
        self.stage.syns(20, first_port=40000, gap_s=0)
        with open(path, "w", encoding="ascii") as file:
            file.write("4")
        finding = self.found("conntrack-full", during=self.stage.syns)
        self.has(finding["fix"], "nf_conntrack_max")


class Routes(Trouble):
    def setUp(self):
        super().setUp()
        self.stage.service("80", "128", "accept")

    def test_rp_filter(self):
        self.stage.ip("server", "link", "add", "d0", "type", "veth", "peer", "name", "d1")
        self.stage.ip("server", "link", "set", "d1", "up")
        self.stage.ip("server", "link", "set", "d0", "up")
        self.stage.ip("server", "route", "replace", "198.51.100.0/24", "dev", "d0")
        self.stage.sysctl("server", "net.ipv4.conf.v0.rp_filter", 1)
        finding = self.found("rp-filter", during=self.stage.syns)
        self.has(finding["evidence"], "come in on v0", "leaves by d0")
        self.assertEqual(finding["syns"], 5)

    def test_no_route_back(self):
        self.stage.ip("server", "route", "del", "198.51.100.0/24")
        self.stage.sysctl("server", "net.ipv4.conf.all.rp_filter", 0)
        self.stage.sysctl("server", "net.ipv4.conf.v0.rp_filter", 0)
        finding = self.found("no-route-back", during=self.stage.syns, port=80)
        self.assertIn(FAR, finding["clients"])

    def test_blackhole(self):
        self.stage.ip("server", "route", "replace", "blackhole", "198.51.100.0/24")
        self.stage.sysctl("server", "net.ipv4.conf.all.rp_filter", 0)
        self.stage.sysctl("server", "net.ipv4.conf.v0.rp_filter", 0)
        finding = self.found("no-route-back", during=self.stage.syns)
        self.has(finding["evidence"], "blackhole")

    def test_neighbour_does_not_answer(self):
        self.stage.ip("server", "route", "replace", "198.51.100.0/24", "via", "10.9.1.77")
        self.stage.sysctl("server", "net.ipv4.conf.all.rp_filter", 0)
        finding = self.found("syn-ack-neighbour", during=self.stage.syns, seconds=2)
        self.has(finding["evidence"], "10.9.1.77")


class Listeners(Trouble):
    def test_min_ttl(self):
        self.stage.service("80", "128", "min-ttl", "200")
        finding = self.found("min-ttl", during=self.stage.syns, port=80)
        self.has(finding["evidence"], "IP_MINTTL of the socket is 200")
        self.assertEqual(finding["confidence"], "certain")

    def test_md5_required(self):
        self.stage.service("80", "128", "md5", FAR)
        finding = self.found("md5-missing", during=self.stage.syns, port=80)
        self.assertEqual(finding["confidence"], "certain")

    def test_socket_filter(self):
        self.stage.service("80", "128", "filter")
        self.found("socket-filter", during=self.stage.syns, port=80)

    def test_bad_checksums(self):
        self.stage.service("80", "128", "accept")
        finding = self.found("bad-tcp-checksum", during=lambda: self.stage.syns(broken=True))
        self.assertEqual(finding["syns"], 5)

    def test_closed_port(self):
        finding = self.found("no-listener", during=lambda: self.stage.syns(port=8080), port=8080)
        self.assertEqual(finding["confidence"], "certain")

    def test_time_wait(self):
        self.stage.service("80", "128", "accept")
        port = 23456
        self.stage.sysctl("client", "net.ipv4.tcp_timestamps", 2)  # no random offset: milliseconds of the monotonic clock
        with stage.inside(self.stage.names["client"]):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.bind((CLIENT, port))
            connection.connect((SERVER, 80))
        connection.recv(1)  # the server closes first
        connection.close()
        time.sleep(0.2)
        # A RST for the server's ACK would end its TIME_WAIT.
        self.stage.nft("client", "table ip f { chain o { type filter hook output priority 0; tcp flags rst drop; } }")
        old = (int(time.monotonic() * 1000) - 60_000) & 0xFFFFFFFF
        packets = [syn(CLIENT, SERVER, port, 80, 77 + i, options=timestamps(old)) for i in range(4)]
        self.found("time-wait-refused", during=lambda: self.stage.send(packets, 0.1), port=80)


class Bundle(Trouble):
    def test_of_the_shell_script(self):
        """The host in trouble runs nothing but busybox."""
        if reason := stage.missing("busybox"):
            self.skipTest(reason)
        self.stage.service("80", "1", "never")
        self.stage.connect(2)
        with tempfile.TemporaryDirectory(prefix="synwhy-bundle-") as folder:
            bundle = os.path.join(folder, "b.tar.gz")
            script = os.path.join(stage.HERE, "../../collect/synwhy-collect")
            process = subprocess.Popen(["ip", "netns", "exec", self.stage.names["server"], "busybox", "sh", script,
                                        "--seconds", "2", "--output", bundle], stderr=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, text=True)
            for _ in range(20):
                self.stage.syns(2, gap_s=0.2)
                if process.poll() is not None:
                    break
            _, talk = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, talk)
            done = subprocess.run([stage.BINARY, "check", "--bundle", bundle, "--json"], capture_output=True, text=True,
                                  check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual([finding["cause"] for finding in report["findings"]], ["accept-queue-full"])
        self.has(report["findings"][0]["servers"], ":80")
        self.has(report["findings"][0]["processes"], "python3")


class Client(Trouble):
    def test_no_port_left(self):
        self.stage.sysctl("client", "net.ipv4.ip_local_port_range", "40000 40009")
        self.stage.service("80", "128", "accept")
        self.stage.connect(12)
        self.stage.names["server"], self.stage.names["client"] = self.stage.names["client"], self.stage.names["server"]
        finding = self.found("port-exhausted", seconds=0, port=80)
        self.has(finding["evidence"], "10 of the 10 ports")


class Health(Trouble):
    def test_busy_server_gets_no_finding(self):
        self.stage.service("80", "128", "accept")
        def traffic():
            self.stage.connect(300)
        code, report = self.stage.check(during=traffic, seconds=2)
        self.assertEqual([(finding["cause"], finding["evidence"]) for finding in report["findings"]], [])
        self.assertEqual(report["unknown"], [])
        self.assertGreaterEqual(report["totals"]["answered"], 300)
        self.assertEqual(code, 0)

    def test_real_server_under_load_gets_no_finding(self):
        if reason := stage.missing("busybox", "wrk"):
            self.skipTest(reason)
        with tempfile.TemporaryDirectory(prefix="synwhy-www-") as folder:
            with open(os.path.join(folder, "index.html"), "w", encoding="ascii") as file:
                file.write("hello\n")
            # Its listen() argument is 9, so no more clients than that at once.
            server = subprocess.Popen(["ip", "netns", "exec", self.stage.names["server"], "busybox", "httpd", "-f", "-p",
                                       "80", "-h", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.stage.services.append(server)
            time.sleep(0.3)
            load = lambda: self.stage.within("client", "wrk", "-t", "1", "-c", "4", "-d", "3", f"http://{SERVER}/")
            code, report = self.stage.check(during=load, seconds=2)
        self.assertEqual([(finding["cause"], finding["evidence"]) for finding in report["findings"]], [])
        self.assertEqual(report["unknown"], [])
        self.assertGreater(report["totals"]["answered"], 100)
        self.assertEqual(code, 0)

    def test_every_cause_is_spoken_of(self):
        _, report = self.stage.check(seconds=0.2)
        spoken = {entry["cause"] for part in ("findings", "ruled_out", "past", "not_examinable") for entry in report[part]}
        listed = subprocess.run([stage.BINARY, "explain", "list", "--json"], capture_output=True, text=True, check=True)
        causes = {json.loads(line)["cause"] for line in listed.stdout.splitlines()}
        self.assertEqual(causes - spoken, set())


if __name__ == "__main__":
    if reason := stage.missing():
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(verbosity=2)

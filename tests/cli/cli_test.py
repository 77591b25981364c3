"""Does the command line keep its promises? Exit statuses, what goes to stdout and what to stderr, the JSON contract.

Runs the program on small hand-made captures. Golden texts lie in golden/; SYNWHY_UPDATE_GOLDEN=1 rewrites them.
Left out: whether a diagnosis is right, which tests/incidents judges.
"""

import errno
import glob
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest

sys.dont_write_bytecode = True
import captures
import json_schema

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..")
BINARY = os.path.abspath(os.environ.get("SYNWHY_BINARY", "synwhy"))
PLAIN = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm"}
COMMANDS = ["check", "pcap", "explain", "path", "lab", "sim", "size", "fix", "emulate", "replay"]


def schema(name):
    with open(os.path.join(SOURCE, "schema", f"{name}.schema.json"), encoding="utf-8") as file:
        return json.load(file)


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def run_raw(self, *arguments, stdin=b"", env=None):
        return subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, timeout=60, env={**PLAIN, **(env or {})},
                              cwd=self.folder)

    def run_synwhy(self, *arguments, code=None, **options):
        done = self.run_raw(*arguments, **options)
        if code is not None:
            self.assertEqual(code, done.returncode, f"synwhy {' '.join(arguments)}\n{done.stderr.decode()}")
        return done.stdout.decode(), done.stderr.decode()

    def assert_one_complaint(self, stderr):
        self.assertRegex(stderr, r"\Asynwhy: [^\n]+\n\Z")

    def golden(self, name, text):
        path = os.path.join(HERE, "golden", name)
        if os.environ.get("SYNWHY_UPDATE_GOLDEN") == "1":
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), text, f"{name} differs; if that is right: SYNWHY_UPDATE_GOLDEN=1")

    def assert_valid(self, value, name):
        self.assertEqual([], list(json_schema.check(value, schema(name))))
        self.assertEqual([], list(json_schema.undescribed(value, schema(name))), "fields that the schema does not describe")


class Help(Case):
    def test_texts(self):
        for command in ["", *COMMANDS]:
            out, err = self.run_synwhy(*filter(None, [command]), "--help", code=0)
            self.assertEqual("", err)
            self.assertLessEqual(max(map(len, out.splitlines())), 80)
            self.golden(f"help{'-' * bool(command)}{command}.txt", out)

    def test_names_every_option_and_no_other(self):
        with open(os.path.join(SOURCE, "src/cli/options.cpp"), encoding="utf-8") as file:
            source = file.read()
        declared = {name.strip("!") for text in re.findall(r'add_(?:option|flag)\("([^"]+)"', source) for name in text.split(",")}
        declared = {name for name in declared if name.startswith("-")}
        texts = "".join(self.run_synwhy(command, "--help")[0] for command in COMMANDS)
        ours = re.sub(r"(?m)^  (synwhy|ssh) .*|netstat -s|nstat -az|uname -[rv]", "", texts)  # other programs' options
        named = set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", ours))
        self.assertEqual(declared, named - {"--help"})

    def test_version(self):
        out, err = self.run_synwhy("--version", code=0)
        self.assertRegex(out, r"\Asynwhy \d+\.\d+\.\d+\n\Z")
        self.assertEqual("", err)


class Sim(Case):
    def test_scenarios_satisfy_their_schema(self):
        files = sorted(glob.glob(os.path.join(SOURCE, "scenarios/*.toml")))
        self.assertGreater(len(files), 5)
        for path in files:
            with self.subTest(path), open(path, "rb") as file:
                self.assertEqual([], list(json_schema.check(tomllib.load(file), schema("scenario"))))

    def test_documents_keep_the_schema(self):
        for scenario, code in (("nat-recycle", 1), ("nat-recycle/recycle-off", 0), ("syn-flood", 1), ("what-time-wait-protects", 1)):
            with self.subTest(scenario):
                out, _ = self.run_synwhy("sim", scenario, "--duration", "20 s", "--json", code=code)
                self.assert_valid(json.loads(out), "sim")

    def test_a_wrong_document_breaks_the_schema(self):
        out, _ = self.run_synwhy("sim", "nat-recycle", "--duration", "20 s", "--json", code=1)
        document = json.loads(out)
        for damage in (lambda d: d.pop("verdict"), lambda d: d["attempts"].update(total=-1),
                       lambda d: d["servers"][0]["counters"].update(x="1"), lambda d: d["servers"][0]["queues"]["rows"][0].pop(),
                       lambda d: d["clients"]["groups"][0].pop("attempts"), lambda d: d["network"].update(lost=None)):
            damaged = json.loads(out)
            damage(damaged)
            self.assertNotEqual([], list(json_schema.check(damaged, schema("sim"))))
        self.assertEqual(["$.new"], list(json_schema.undescribed({**document, "new": 1}, schema("sim"))))

    def test_schema_rejects(self):
        for scenario in ({"duration": 5}, {"seed": -1}, {"clients": {"arrivals": {"uniform": ["1 s"]}}}, {"gateway": {}},
                         {"link": [{"loss": 2}]}, {"script": {"steps": [1]}}):
            with self.subTest(scenario):
                self.assertNotEqual([], list(json_schema.check(scenario, schema("scenario"))))

    def test_mistake_in_a_file_has_a_place(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "x.toml")
            with open(path, "w", encoding="utf-8") as file:
                file.write('title = "x"\nsede = 1\n')
            _, err = self.run_synwhy("sim", path, code=2)
            self.assert_one_complaint(err)
            self.assertIn("x.toml:2:1: unknown key 'sede' (did you mean 'seed'?)", err)


class Check(Case):
    def test_old_host_of_the_first_story(self):
        """2.6.32 with tcp_tw_recycle=1, its counters read twice."""
        bundle = os.path.join(SOURCE, "tests/hosts/el6")
        report = json.loads(self.run_synwhy("check", "--bundle", bundle, "--json", code=1)[0])
        self.assert_valid(report, "pcap")
        self.assertEqual(["per-host-paws"], [finding["cause"] for finding in report["findings"]])
        finding = report["findings"][0]
        self.assertEqual("certain", finding["confidence"])
        self.assertEqual(241, finding["syns"])
        self.assertIn("sysctl -w net.ipv4.tcp_tw_recycle=0", finding["fix"][0])
        lines = self.run_synwhy("check", "--bundle", bundle, "--ndjson", code=1)[0].splitlines()
        self.assertEqual(1, len(lines))
        self.assert_valid(json.loads(lines[0]), "finding")
        self.assertEqual(finding["headline"], json.loads(lines[0])["headline"])
        text = self.run_synwhy("check", "--bundle", bundle, code=1)[0]
        self.golden("check-el6.txt", text)

    def test_what_cannot_be_looked_at(self):
        for arguments, code in [(["--bundle", self.file("empty.tar", b"")], 3), (["--netns", "no-such-namespace"], 3),
                                (["--pid", "999999999"], 3), (["--from", "host"], 2), (["--port", "0"], 2),
                                (["--seconds", "-1"], 2), (["--netns", "a", "--pid", "1"], 2),
                                (["--json", "--ndjson"], 2), (["--watch", "--seconds", "0"], 2)]:
            _, err = self.run_synwhy("check", *arguments, code=code)
            self.assert_one_complaint(err)


class Usage(Case):
    def test_nothing_asked(self):
        out, _ = self.run_synwhy()
        self.assertIn("Ruled out", out)  # the check of this host

    def test_errors(self):
        path = self.file("a.pcap", captures.answered())
        for arguments in [
            ["nonsense"], ["pcap", "--nonsense", path], ["pcap", path, "--sysctl", "nonsense"], ["pcap", path, "--sysctl"],
            ["pcap", path, "--kernel", "nonsense"], ["pcap", path, "--color", "sometimes"], ["pcap", path, "--json", "--ndjson"],
            ["pcap", path, "--all"], ["pcap", "-", "-"], ["pcap", path, "-w", "-", "--json"], ["pcap", path, "--server", "host"],
            ["pcap", path, "--max-handshakes", "0"], ["pcap", path, "--max-handshakes", "many"],
            ["explain", "no-such-cause"], ["explain", "list", "more"], ["path"], ["path", "--kernel", "nonsense"],
            ["path", "--diff", "4.9"], ["path", "--diff", "4.9", "nonsense"], ["path", "--kernel", "4.9", "--list"],
        ]:
            with self.subTest(" ".join(arguments)):
                out, err = self.run_synwhy(*arguments, code=2)
                self.assertEqual("", out)
                self.assert_one_complaint(err)

    def test_hints(self):
        for slip in ["per-host-pwas", "per_host_paws", "PER-HOST-PAWS", "paws"]:
            self.assertIn("did you mean per-host-paws", self.run_synwhy("explain", slip)[1])
        self.assertIn("explain list", self.run_synwhy("explain", "qqqqqqqqqqqq")[1])
        self.assertIn("3.10.0-1160.el7", self.run_synwhy("path", "--kernel", "newest")[1])

    def test_one_sysctl_each(self):
        path = self.file("a.pcap", captures.answered())
        self.run_synwhy("pcap", "--sysctl", "net.ipv4.tcp_tw_recycle=1", "--sysctl", "net.ipv4.never_heard_of=1", path, code=0)


class ExitStatus(Case):
    def test_by_what_was_found(self):
        healthy = self.file("answered.pcap", captures.answered())
        refused = self.file("refused.pcap", captures.refused())
        self.run_synwhy("pcap", healthy, code=0)
        for form in [[], ["-v"], ["--json"], ["--ndjson"]]:
            self.run_synwhy("pcap", refused, *form, code=1)
        self.run_synwhy("pcap", refused, "--exit-zero", code=0)

    def test_what_cannot_be_read(self):
        for path in [os.path.join(self.folder, "missing.pcap"), self.folder, self.file("empty.pcap", b""),
                     self.file("text.pcap", b"hello, world\n"), self.file("short.pcap", captures.answered()[:20])]:
            with self.subTest(path):
                out, err = self.run_synwhy("pcap", path, code=3)
                self.assertEqual("", out)
                self.assert_one_complaint(err)
                self.assertIn(path, err)

    def test_broken_capture_keeps_what_came_before(self):
        path = self.file("cut.pcap", captures.refused()[:-10])
        out, err = self.run_synwhy("pcap", path, code=3)
        self.assertIn("connection attempts", out)
        self.assert_one_complaint(err)
        self.assertRegex(err, rf"synwhy: {re.escape(path)}: offset \d+: ")
        self.run_synwhy("pcap", path, "--exit-zero", code=3)
        document = json.loads(self.run_synwhy("pcap", path, "--json", code=3)[0])
        self.assertEqual(1, len(document["input_errors"]))

    def test_one_of_several_is_missing(self):
        good = self.file("good.pcap", captures.answered())
        out, err = self.run_synwhy("pcap", good, os.path.join(self.folder, "missing.pcap"), code=3)
        self.assertIn("All 5 connection attempts were answered", out)
        self.assert_one_complaint(err)

    def test_host_facts(self):
        path = self.file("a.pcap", captures.answered())
        for option in ["--netstat", "--bundle"]:
            out, err = self.run_synwhy("pcap", path, option, os.path.join(self.folder, "missing"), code=3)
            self.assertEqual("", out)
            self.assert_one_complaint(err)
        counters = self.file("netstat.txt", b"TcpExt: SyncookiesSent PAWSPassive\nTcpExt: 0 0\n")
        self.run_synwhy("pcap", path, "--netstat", counters, code=0)
        self.run_synwhy("pcap", path, "--kernel", "3.10.0-1160.el7.x86_64 #1 SMP", code=0)

    def test_closed_standard_output(self):
        path = self.file("a.pcap", captures.refused())
        for output in ["", "-w out.pcapng"]:
            done = subprocess.run(["sh", "-c", f"exec {BINARY} pcap {path} {output} <&- >&-"], stderr=subprocess.PIPE, env=PLAIN,
                                  cwd=self.folder, timeout=60)
            self.assertEqual(3, done.returncode)
            self.assertIn(b"standard output: write", done.stderr)
        self.assertIn("8 connection attempts", self.run_synwhy("pcap", "out.pcapng", code=1)[0])

    def test_full_disk(self):
        path = self.file("a.pcap", captures.answered())
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BINARY, "pcap", path], stdout=full, stderr=subprocess.PIPE, env=PLAIN, timeout=60)
        self.assertEqual(3, done.returncode)
        self.assert_one_complaint(done.stderr.decode())


class Input(Case):
    def test_standard_input(self):
        data = captures.refused()
        path = self.file("a.pcap", data)
        expected = json.loads(self.run_synwhy("pcap", path, "--json", code=1)[0])
        for arguments in [["-"], []]:
            document = json.loads(self.run_synwhy("pcap", *arguments, "--json", stdin=data, code=1)[0])
            self.assertEqual(["-"], document["source"]["files"])
            self.assertEqual({**expected, "source": None}, {**document, "source": None})

    def test_several_files_are_one_time_line(self):
        first = self.file("1.pcap", captures.capture(captures.attempt(0, 40000)[:1]))
        second = self.file("2.pcap", captures.capture(captures.attempt(0, 40000)[1:]))
        for order in [[first, second], [second, first]]:
            self.assertIn("was answered", self.run_synwhy("pcap", *order, code=0)[0])

    def test_no_packets(self):
        path = self.file("none.pcap", captures.pcap([]))
        self.assertIn("No connection attempt", self.run_synwhy("pcap", path, code=0)[0])
        self.assert_valid(json.loads(self.run_synwhy("pcap", path, "--json", code=0)[0]), "pcap")

    def test_only_one_server(self):
        path = self.file("a.pcap", captures.refused())
        self.assertIn("8 connection attempts", self.run_synwhy("pcap", path, "--server", captures.SERVER, code=1)[0])
        self.assertIn("No connection attempt", self.run_synwhy("pcap", path, "--server", "10.9.9.9", code=0)[0])

    def test_memory_limit_is_told(self):
        path = self.file("a.pcap", captures.answered(400))
        out = self.run_synwhy("pcap", path, "--max-handshakes", "100", code=0)[0]
        self.assertIn("--max-handshakes", out)

    def test_interrupt(self):
        for arguments in [[], ["-w", "annotated.pcapng"]]:
            process = subprocess.Popen([BINARY, "pcap", "-", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=PLAIN, cwd=self.folder)
            process.stdin.write(captures.refused()[:-10])
            process.stdin.flush()
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            out, err = process.stdout.read().decode(), process.stderr.read().decode()
            process.stdin.close()
            self.assertEqual(1, process.wait(timeout=60), err)
            process.stdout.close()
            process.stderr.close()
            self.assertIn("everything after the ^C", out)
            self.assertNotIn("offset", err)


class Output(Case):
    def test_closed_pipe_is_no_error(self):
        path = self.file("a.pcap", captures.silent(2000))
        for arguments in [["pcap", path, "--ndjson", "--all"], ["explain", "list"], ["path", "--kernel", "6.1"]]:
            read_end, write_end = os.pipe()
            os.close(read_end)
            done = subprocess.run([BINARY, *arguments], stdout=write_end, stderr=subprocess.PIPE, env=PLAIN, timeout=60)
            os.close(write_end)
            self.assertEqual(b"", done.stderr)
            self.assertIn(done.returncode, (0, 1))

    def run_on_terminal(self, *arguments, env=None):
        controller, terminal = pty.openpty()
        process = subprocess.Popen([BINARY, *arguments], stdout=terminal, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                   env={**PLAIN, **(env or {})})
        os.close(terminal)
        out = b""
        while True:
            try:
                piece = os.read(controller, 65536)
            except OSError as error:
                if error.errno == errno.EIO:
                    break
                raise
            if not piece:
                break
            out += piece
        process.wait(timeout=60)
        os.close(controller)
        return out

    def test_colour(self):
        path = self.file("a.pcap", captures.refused())
        for arguments, env, coloured in [([], {}, True), ([], {"NO_COLOR": "1"}, False), ([], {"NO_COLOR": ""}, True),
                                         (["--color", "never"], {}, False), (["--color=always"], {"NO_COLOR": "1"}, True)]:
            for command in [["pcap", path], ["explain", "no-listener"]]:
                out = self.run_on_terminal(*command, *arguments, env=env)
                self.assertEqual(coloured, b"\x1b[" in out, (command, arguments, env))
        self.assertNotIn("\x1b", self.run_synwhy("pcap", path)[0])
        self.assertIn("\x1b[", self.run_synwhy("pcap", path, "--color=always")[0])

    def test_plain_ascii_where_asked_for(self):
        path = self.file("a.pcap", captures.refused())
        self.assertTrue(self.run_synwhy("pcap", path, env={"LC_ALL": "C"})[0].isascii())

    def test_hostile_file_name(self):
        path = self.file("a\x1b[31m\u202eb\n.pcap", captures.answered())
        out, _ = self.run_synwhy("pcap", path, code=0)
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\u202e", out)
        self.assert_valid(json.loads(self.run_synwhy("pcap", path, "--json", code=0)[0]), "pcap")
        err = self.run_synwhy("pcap", path + "\x1b[31m", code=3)[1]
        self.assertNotIn("\x1b", err)

    def test_file_name_that_is_no_text(self):
        name = self.folder.encode() + b"/\xff\xfe.pcap"
        with open(name, "wb") as file:
            file.write(captures.answered())
        done = subprocess.run([BINARY, "pcap", "--json", name], capture_output=True, env=PLAIN, timeout=60)
        self.assertEqual(0, done.returncode)
        self.assertIn("\ufffd\ufffd.pcap", json.loads(done.stdout.decode())["source"]["files"][0])

    def test_80_columns(self):
        for data in [captures.answered(), captures.refused(), captures.silent(), captures.refused()[:-10]]:
            path = self.file("a.pcap", data)
            for form in [[], ["-v"], ["-v", "--all"]]:
                for line in self.run_synwhy("pcap", path, *form)[0].splitlines():
                    if not line.startswith("    "):  # a command to be copied is never broken
                        self.assertLessEqual(len(line), 80, line)

    def test_detail(self):
        path = self.file("a.pcap", captures.refused())
        plain, verbose = (self.run_synwhy("pcap", path, *form)[0] for form in ([], ["-v"]))
        self.assertNotIn("198.51.100.7:41000 >", plain)
        self.assertIn("198.51.100.7:41000 > 10.0.0.1:81 isn 1000: RST", verbose)
        self.assertNotIn("198.51.100.7:40000 >", verbose)
        self.assertIn("198.51.100.7:40000 >", self.run_synwhy("pcap", path, "-v", "--all")[0])


class Json(Case):
    def test_documents_keep_the_schema(self):
        for data in [captures.answered(), captures.refused(), captures.silent(), captures.silent()[:-10]]:
            path = self.file("a.pcap", data)
            document = json.loads(self.run_synwhy("pcap", path, "--json")[0])
            self.assert_valid(document, "pcap")
            totals = document["totals"]
            fates = sum(totals[name] for name in ("answered", "cookie", "refused_rst", "bare_ack", "icmp", "unanswered"))
            self.assertEqual(totals["handshakes"], fates)

    def test_lines_keep_the_schema(self):
        path = self.file("a.pcap", captures.silent())
        totals = json.loads(self.run_synwhy("pcap", path, "--json")[0])["totals"]
        every = [json.loads(line) for line in self.run_synwhy("pcap", path, "--ndjson", "--all")[0].splitlines()]
        for line in every:
            self.assert_valid(line, "handshake")
        self.assertEqual(totals["handshakes"], len(every))
        self.assertEqual(totals["syns"], sum(line["syns"] for line in every))
        self.assertEqual(sorted(line["t"] for line in every), [line["t"] for line in every])
        asked = [json.loads(line) for line in self.run_synwhy("pcap", path, "--ndjson")[0].splitlines()]
        in_question = [line for line in every if line["cause"] or line["outcome"] not in ("synack", "cookie")]
        self.assertEqual(in_question, asked)
        self.assertEqual(3, len(asked))
        self.assertEqual("2015-03-01T12:00:00.050000000Z", asked[0]["t"])
        self.assertEqual("198.51.100.7:42000", asked[0]["client"])

    def test_explain_alone_lists(self):
        self.assertEqual(self.run_synwhy("explain", "list", code=0), self.run_synwhy("explain", code=0))

    def test_pages_are_json(self):
        listed = [json.loads(line) for line in self.run_synwhy("explain", "list", "--json", code=0)[0].splitlines()]
        self.assertEqual(json.loads(self.run_synwhy("explain", "per-host-paws", "--json", code=0)[0]),
                         next(page for page in listed if page["cause"] == "per-host-paws"))

    def test_the_checker_rejects(self):
        path = self.file("a.pcap", captures.silent())
        line = json.loads(self.run_synwhy("pcap", path, "--ndjson")[0].splitlines()[0])
        for field, wrong in [("v", 2), ("v", True), ("t", "yesterday"), ("isn", -1), ("isn", 2**32), ("isn", 1.5), ("client", "x"),
                             ("outcome", "lost"), ("cause", 7), ("rivals", ["A b"]), ("copies", [{}]), ("answer_inferred", 0)]:
            self.assertNotEqual([], list(json_schema.check({**line, field: wrong}, schema("handshake"))), field)
        for field in line:
            damaged = {name: value for name, value in line.items() if name != field}
            self.assertNotEqual([], list(json_schema.check(damaged, schema("handshake"))), field)
        self.assertEqual(["$.new"], list(json_schema.undescribed({**line, "new": 1}, schema("handshake"))))
        with self.assertRaises(ValueError):
            list(json_schema.check(1, {"multipleOf": 2}))


class Annotate(Case):
    PCAPNG = b"\x0a\x0d\x0d\x0a"

    def test_file(self):
        path = self.file("a.pcap", captures.refused())
        out, err = self.run_synwhy("pcap", path, "-w", "out.pcapng", code=1)
        self.assertIn("connection attempts", out)
        self.assertIn("out.pcapng: 21 packets, 3 comments", err)
        with open(os.path.join(self.folder, "out.pcapng"), "rb") as file:
            data = file.read()
        self.assertTrue(data.startswith(self.PCAPNG))
        self.assertEqual(3, data.count(b"synwhy: RST: no-listener"))
        self.assertEqual(self.run_synwhy("pcap", path, "--ndjson")[0], self.run_synwhy("pcap", "out.pcapng", "--ndjson")[0])

    def test_standard_input_and_output(self):
        data = captures.refused()
        done = self.run_raw("pcap", "-w", "-", stdin=data)
        self.assertEqual(1, done.returncode)
        self.assertTrue(done.stdout.startswith(self.PCAPNG))
        self.assertIn(b"connection attempts", done.stderr)
        broken = self.run_raw("pcap", "-", "-w", "out.pcapng", stdin=data[:-10])
        self.assertEqual(3, broken.returncode)
        self.assertIn(b"synwhy: -: offset ", broken.stderr)
        self.assertNotIn(b"/proc", broken.stderr + broken.stdout)
        self.assertEqual(["out.pcapng"], os.listdir(self.folder))

    def test_never_over_an_input(self):
        data = captures.refused()
        path = self.file("a.pcap", data)
        _, err = self.run_synwhy("pcap", path, "-w", path, code=3)
        self.assert_one_complaint(err)
        with open(path, "rb") as file:
            self.assertEqual(data, file.read())


class Path(Case):
    def test_prints(self):
        releases = self.run_synwhy("path", "--list", code=0)[0].split()
        self.assertIn("3.10.0-1160.el7", releases)
        self.assertIn("3.10.0-1160.el7", self.run_synwhy("path", "--kernel", "3.10.0-1160.el7", code=0)[0])
        self.assertIn("tcp_tw_recycle", self.run_synwhy("path", "--diff", "4.9", "4.12", code=0)[0])
        out, err = self.run_synwhy("path", "--diff", "4.9", "4.9", code=0)
        self.assertEqual("", out)
        self.assert_one_complaint(err)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Which cause did a recorded step prove for its SYN?

Labeller walks one recorded scenario (parsed NAME.json) and labels every injected SYN. A label rests only on what the
step itself recorded: counters that moved, socket states, the injected segment. What these do not settle gets no cause
("causes": null), never a guess. Left out: files and archives (pack_truth.py).
"""
import collections
import re

# Moved by timers of earlier segments or by every packet: they say nothing about this step's SYN.
NOISE = {"InReceives", "InDelivers", "OutRequests", "OutTransmits", "InSegs", "OutSegs", "TCPTimeouts", "TCPSynRetrans",
         "RetransSegs", "TW", "TWKilled", "TWRecycled", "Ip6InReceives", "Ip6InDelivers"}
KEPT_SYSCTLS = re.compile(r"\.tcp_|somaxconn|netdev_max_backlog|rp_filter|accept_local|accept_source_route|ip_early_demux")
DROPPED_SYSCTLS = re.compile(r"fastopen_key|congestion_control|tcp_(mem|rmem|wmem)$")
OUTCOME_ORDER = ["synack", "cookie", "rst", "ack", "icmp", "none"]
COUNTER_CAUSES = [  # first match wins
    ("TcpExt.PAWSPassive", "per-host-paws"),
    ("Ip.OutNoRoutes", "no-route-back"),
    ("TcpExt.IPReversePathFilter", "rp-filter"),
    ("TcpExt.TCPMinTTLDrop", "min-ttl"),
    ("TcpExt.TCPMD5Unexpected", "md5-unexpected"),
    ("TcpExt.TCPMD5NotFound", "md5-missing"),
    ("TcpExt.TCPMD5Failure", "md5-wrong"),
    ("TcpExt.ListenOverflows", "accept-queue-full"),
    ("TcpExt.TCPReqQFullDrop", "syn-queue-full"),
    ("Tcp.InCsumErrors", "bad-tcp-checksum"),
    ("IpExt.InCsumErrors", "bad-ip-checksum"),
    ("TcpExt.TCPAbortOnSyn", "established-collision"),
]


def split_endpoint(text):
    """'fd00::1:80' -> ('fd00::1', 80): the recorder does not bracket IPv6."""
    address, port = text.rsplit(":", 1)
    return address, int(port)


def endpoint(text):
    """Recorder's address:port as synwhy prints it."""
    address, port = split_endpoint(text)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def is_syn(segment):
    return "S" in segment.get("flags", "") and "A" not in segment["flags"]


def words(line):
    """key=value words of a scenario line."""
    return dict(w.split("=", 1) for w in line.split()[1:] if "=" in w)


def significant(counters):
    """What moved beside timers and packet counts."""
    return {k: v for k, v in counters.items() if k.split(".")[1] not in NOISE}


def martian_source(address, dropped_by_subnet_rule):
    """Source addresses Linux refuses before TCP; net/ipv4/route.c:ip_route_input_slow and fib source validation."""
    if ":" in address:
        return False
    octets = [int(x) for x in address.split(".")]
    return (octets[0] in (0, 127) or 224 <= octets[0] <= 239 or address in ("255.255.255.255", "10.0.0.1")
            or (dropped_by_subnet_rule and address in ("10.0.0.0", "10.0.0.255")))


def odd_destination(address):
    """None, or the causes that fit a destination that is not a unicast address of the server (10.0.0.1/24)."""
    if ":" in address or address == "10.0.0.1":
        return None
    first = int(address.split(".")[0])
    if address in ("10.0.0.255", "255.255.255.255", "224.0.0.1"):
        return ["broadcast-destination"]
    if 224 <= first <= 239:  # a group nobody joined: both names are right
        return ["broadcast-destination", "not-local"]
    return ["not-local"]


class Tuples:
    """State of each 4-tuple's server socket, followed from what both sides sent."""

    def __init__(self):
        self.state = {}
        self.closed_by = {}

    def answered(self, key):
        self.state[key] = "SYN_RECV"

    def client_sent(self, key, flags, opened):
        state = self.state.get(key)
        if state is None:
            return
        if "R" in flags:
            if state != "TIME_WAIT":
                self.state[key] = None
            return
        if state == "SYN_RECV" and opened:
            state = "ESTABLISHED"
        if "A" in flags and state == "FIN_WAIT1":
            state = "FIN_WAIT2"
        elif "A" in flags and state == "CLOSING":
            state = "TIME_WAIT"
        elif "A" in flags and state == "LAST_ACK":
            state = None
        if "F" in flags:
            state = {"ESTABLISHED": "CLOSE_WAIT", "FIN_WAIT1": "CLOSING", "FIN_WAIT2": "TIME_WAIT"}.get(state, state)
        self.state[key] = state

    def server_sent(self, key, flags, resets_syn):
        state = self.state.get(key)
        if state is None:
            return
        if "R" in flags and not resets_syn:
            self.state[key] = None
        elif "F" in flags:
            self.state[key] = {"ESTABLISHED": "FIN_WAIT1", "SYN_RECV": "FIN_WAIT1", "CLOSE_WAIT": "LAST_ACK"}.get(state, state)


class Labeller:
    """Walks one recorded scenario and labels every injected SYN."""

    def __init__(self, record):
        self.record = record
        self.kernel = record["kernel"]
        self.sysctls = dict(record["sysctls_at_start"])
        self.route_back = True
        self.listeners = []
        self.tuples = Tuples()
        self.syns = []
        self.changes = []
        self.after = collections.defaultdict(set)
        self.last_syn = {}  # (client, server) -> label of the latest SYN
        self.socks = {}
        self.answers = self.find_answers()
        self.group = []  # SYNs sent with `fast`: their counters stand in the next other step

    def find_answers(self):
        """(client, server) -> [(t, ack)] of every SYN+ACK; w=0 and fast steps are answered in later steps."""
        found = collections.defaultdict(list)
        for step in self.record["steps"]:
            for reply in step.get("rx", []):
                if reply.get("kind") == "synack":
                    found[(reply["dst"], reply["src"])].append((reply["t"], reply["ack"]))
        return found

    def number(self, name, default=0):
        try:
            return int(self.sysctls.get(name, default))
        except ValueError:
            return default

    def backlog(self, port):
        for listener in reversed(self.listeners):
            if listener["port"] == port and "closed" not in listener:
                return min(listener["backlog"] & 0xffffffff, self.number("net.core.somaxconn", 128))
        return None

    def run(self):
        steps = self.record["steps"]
        last_copy = {}  # when the next copy of the same SYN leaves, to give each answer to one copy
        for step in steps:
            if "sent" in step and is_syn(step["sent"]):
                sent = step["sent"]
                key = (sent["src"], sent["dst"], sent["seq"])
                if key in last_copy:
                    last_copy[key]["next_t"] = step["t_inj"]
                last_copy[key] = step
        for step in steps:
            self.follow_setup(step)
            if "sent" in step:
                self.follow_segment(step)
            for reply in step.get("rx", []):
                if "flags" in reply and reply.get("kind") != "synack":
                    self.tuples.server_sent((reply["dst"], reply["src"]), reply["flags"],
                                            "sent" in step and is_syn(step["sent"]) and "A" in reply["flags"])
            if "socks" in step:
                self.socks = step["socks"]
            if " fast" not in step["line"]:
                self.close_group(step)
        return self.label()

    def follow_setup(self, step):
        op, line = step["op"], step["line"].split()
        if op == "set":
            if step["result"] == "ok":
                self.sysctls[line[1]] = step["new"]
                self.changes.append([step["t"], line[1], step["new"]])
        elif op == "route" and step["result"] == "ok" and len(line) < 4:
            self.route_back = line[1] == "add"
        elif op == "listen" and step["result"].endswith("listen=ok") and step["result"].startswith("bind=ok"):
            key = words(step["line"])
            listener = {"name": line[1], "port": int(key.get("port", 80)), "backlog": int(key.get("backlog", 128)), "t": step["t"]}
            if "v6" in line:
                listener["v6"] = True
            if "defer" in key:
                listener["defer_s"] = int(key["defer"])
            self.listeners.append(listener)
        elif op == "relisten" and step["result"] == "ok":
            old = next(x for x in reversed(self.listeners) if x["name"] == line[1])
            self.listeners.append(dict(old, backlog=int(words(step["line"])["backlog"]), t=step["t"]))
            old["closed"] = step["t"]
        elif op in ("close", "rstclose"):
            for listener in self.listeners:
                if listener["name"] == line[1]:
                    listener["closed"] = step["t"]

    def follow_segment(self, step):
        sent = step["sent"]
        key = (sent["src"], sent["dst"])
        if is_syn(sent):
            self.judge_syn(step)
            return
        moved = step["counters"]
        syn = self.last_syn.get(key)
        if syn and syn["verdict"] in ("synack", "cookie"):
            cookie = syn["verdict"] == "cookie"
            refused = None
            if moved.get("TcpExt.ListenOverflows"):
                refused = "aborted-on-overflow" if "rst" in step["verdict"] else "cookie-ack-refused" if cookie else "final-ack-refused"
            elif cookie and moved.get("TcpExt.SyncookiesFailed"):
                refused = "cookie-ack-refused"
            if refused:
                self.after[(syn["client"], syn["server"], syn["isn"])].add(refused)
        opened = bool(moved.get("Tcp.PassiveOpens"))
        self.tuples.client_sent(key, sent["flags"], opened)

    def judge_syn(self, step):
        sent = step["sent"]
        key = (sent["src"], sent["dst"])
        end = step.get("next_t", float("inf"))
        answered = any(step["t_inj"] - 1e-3 <= t < end and 1 <= (ack - sent["seq"]) % 2**32 <= 1 + sent["dlen"]
                       for t, ack in self.answers[key])
        parts = set(re.sub(r"\(.*?\)", "", step["verdict"]).split("+"))
        if answered and not (parts == {"none"} and step["counters"].keys() & {"TcpExt.TCPACKSkippedSynRecv"}):
            verdict = "cookie" if step["counters"].get("TcpExt.SyncookiesSent") else "synack"
        else:
            verdict = next((x for x in ("rst", "ack", "icmp") if x in parts), "none")
        syn = {"n": step["n"], "t": step["t_inj"], "client": endpoint(sent["src"]), "server": endpoint(sent["dst"]),
               "isn": sent["seq"], "tsval": sent["ts"][0] if "ts" in sent else None, "verdict": verdict}
        if verdict in ("rst", "ack", "none"):
            syn["causes"], syn["basis"] = self.cause_of(step, verdict)
        moved = significant(step["counters"])
        if moved:
            syn["moved"] = moved
        self.syns.append(syn)
        if " fast" in step["line"]:
            self.group.append((syn, self.tuples.state.get(key)))
        if verdict in ("synack", "cookie"):
            self.tuples.answered(key)
        self.last_syn[key] = syn

    def cause_of(self, step, verdict):
        """(causes or None, what the label rests on)"""
        sent, moved, line = step["sent"], significant(step["counters"]), words(step["line"])
        client, server = split_endpoint(sent["src"])[0], split_endpoint(sent["dst"])[0]
        port = split_endpoint(sent["dst"])[1]
        if verdict == "none" and any(x.startswith("TcpExt.TCPACKSkipped") for x in moved):
            return ["ack-rate-limited"], "counter"
        if verdict == "none" and moved.get("TcpExt.EmbryonicRsts") and moved.get("Tcp.OutRsts") and client == server:
            return ["capture-blind"], "counter: answered itself over lo"
        for counter, cause in COUNTER_CAUSES:
            if moved.get(counter):
                return [cause], "counter"
        if moved.get("Ip.InHdrErrors"):
            return ["bad-ip-checksum" if line.get("ipcsum") == "bad" else "bad-ip-header"], "counter"
        if moved.get("Tcp.InErrs") and verdict == "none":
            if line.get("csum") == "bad":
                return ["bad-tcp-checksum"], "counter"
            if int(line.get("doff", 5)) < 5:
                return ["bad-tcp-header"], "counter"
        if verdict in ("ack", "rst"):
            return self.cause_of_refusal(step, verdict, port)
        if moved.get("RtCache.in_martian_src") and not martian_source(client, True):
            if self.rp_filter() and not self.route_back:  # 2.6.32 counts reverse path drops as martians only
                return ["rp-filter"], "counter and script"
            return None, "martian counter, ordinary source"
        if martian_source(client, bool(moved.get("RtCache.in_martian_src")) or self.kernel.startswith("6.")):
            return ["martian-source"], "counter" if moved.get("RtCache.in_martian_src") else "segment"
        destination = odd_destination(server)
        if destination:
            return destination, "counter and segment" if moved else "segment"
        if "F" in sent["flags"] or "R" in sent["flags"]:
            return ["bad-flags"], "segment"
        if int(line.get("doff", 0)) > 10:
            return ["bad-tcp-header"], "segment"
        return self.cause_by_state(step, port, moved)

    def rp_filter(self):
        return max(self.number(f"net.ipv4.conf.{x}.rp_filter") for x in ("all", "tun0"))

    def cause_of_refusal(self, step, verdict, port):
        """A bare ACK or RST: the socket that held the 4-tuple decides."""
        key = (step["sent"]["src"], step["sent"]["dst"])
        state = self.tuples.state.get(key)
        present = {x for x in self.socks if not x.startswith("acceptq")}
        if len(present) == 1 and state not in present:
            state = next(iter(present)) if key in self.last_syn else state
        listening = any(x["port"] == port and "closed" not in x for x in self.listeners)
        if verdict == "rst" and not listening and state in (None, "LAST_ACK"):
            return ["no-listener"], "counter" if step["counters"].get("Tcp.OutRsts") else "script"
        if state == "SYN_RECV" or step["counters"].get("TcpExt.EmbryonicRsts"):
            return ["syn-recv-collision"], "state SYN_RECV"
        if state in ("TIME_WAIT", "FIN_WAIT2"):
            return ["time-wait-refused"], "state " + state
        if state:
            return ["established-collision"], "state " + state
        return None, "reply without a known socket"

    def cause_by_state(self, step, port, moved):
        """Silence that no counter of its own explains: queues and the 4-tuple's socket."""
        key = (step["sent"]["src"], step["sent"]["dst"])
        state = self.tuples.state.get(key)
        if "socks" not in step:
            return None, "group"
        socks = step["socks"]
        backlog = self.backlog(port)
        if state in ("ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT1", "LAST_ACK", "CLOSING") and not moved:
            return ["established-collision"], "state " + state
        if backlog is None:
            return None, "no listener, no reply"
        if socks.get(f"acceptq:{port}", 0) > backlog:
            return ["accept-queue-full"], "state accept queue"
        if "opt19" in step["sent"] and step["sent"]["opt19"] != 18:
            return ["ao-refused", "bad-tcp-header"], "segment: malformed authentication option"
        return self.queue_cause(socks.get("SYN_RECV", 0), backlog, bool(moved.get("TcpExt.ListenDrops")))

    def queue_cause(self, half_open, backlog, listen_drop):
        """With cookies off: which of the two SYN-queue rules stopped a SYN at this fill level?"""
        if self.number("net.ipv4.tcp_syncookies"):
            return None, "cookies on, nothing moved"
        limit = self.number("net.ipv4.tcp_max_syn_backlog", 128)
        size = table = 1 << max(8, min(backlog, limit)).bit_length()  # roundup_pow2(n + 1)
        if not self.kernel.startswith(("2.6", "3.10")):
            size = backlog
        counted = not self.kernel.startswith("2.6")
        quarter = limit - half_open < limit >> 2
        if counted and listen_drop:  # requests are listed after the step: a few may have expired since the decision
            near = limit - half_open < (limit >> 2) + 8
            return (["syn-backlog-quarter"], "counter") if near else (None, f"ListenDrops at {half_open} half-open")
        if not counted and half_open >= table:
            return ["syn-queue-full"], "state SYN queue"
        if not counted and quarter:
            return ["syn-backlog-quarter"], "state SYN queue"
        return None, f"{half_open} half-open of {size}, nothing moved"

    def close_group(self, step):
        """Counters of a `fast` run stand in the first step after it: all refused SYNs of the run share them."""
        if not self.group:
            return
        moved = step["counters"]
        refused = [s for s, state in self.group if s["verdict"] == "none"]
        open_causes = [s for s in refused if s["causes"] is None]
        answered = [s for s, _ in self.group if s["verdict"] == "synack"]
        cookies = moved.get("TcpExt.SyncookiesSent", 0)
        if "sent" in step and is_syn(step["sent"]) and self.syns[-1]["verdict"] == "cookie":
            cookies -= 1  # the step's own SYN
        for syn in answered[len(answered) - min(cookies, len(answered)):]:
            syn["verdict"] = "cookie"
        full, overflows = moved.get("TcpExt.TCPReqQFullDrop", 0), moved.get("TcpExt.ListenOverflows", 0)
        drops = moved.get("TcpExt.ListenDrops", 0)
        for syn in open_causes:
            port = int(syn["server"].rsplit(":", 1)[1])
            if full >= len(refused) and not overflows:
                syn["causes"], syn["basis"] = ["syn-queue-full"], "counter of the run"
            elif overflows >= len(refused) and not full:
                syn["causes"], syn["basis"] = ["accept-queue-full"], "counter of the run"
            elif not full and not overflows:
                half_open = step.get("socks", self.socks).get("SYN_RECV", 0)
                half_open = max(half_open, sum(1 for s in answered if s["t"] < syn["t"]))
                causes, basis = self.queue_cause(half_open, self.backlog(port) or 0, drops >= len(refused))
                syn["causes"], syn["basis"] = causes, basis + " of the run"
        self.group = []

    def label(self):
        handshakes = {}
        for syn in self.syns:
            key = (syn["client"], syn["server"], syn["isn"])
            h = handshakes.setdefault(key, {"client": key[0], "server": key[1], "isn": key[2], "t": syn["t"], "syns": 0,
                                            "outcome": "none", "causes": []})
            h["syns"] += 1
            h["outcome"] = min(h["outcome"], syn["verdict"], key=OUTCOME_ORDER.index)
            if "causes" in syn:
                if syn["causes"] is None:
                    h["unsettled"] = True
                else:
                    h["causes"] += [c for c in syn["causes"] if c not in h["causes"]]
        for key, after in self.after.items():
            if key in handshakes:
                handshakes[key]["after"] = sorted(after)
        for h in handshakes.values():
            port = int(h["server"].rsplit(":", 1)[1])
            if any(x["port"] == port and "defer_s" in x for x in self.listeners):
                h["after"] = h.get("after", []) + ["defer-accept"]
        record = self.record
        return {"v": 1, "scenario": record["scenario"], "kernel": record["kernel"], "kernel_version": record.get("kernel_version", ""),
                "release": release_of(record), "hz": record["hz"], "wall_start": record["wall_start"], "duration": record["duration"],
                "sysctls": slim(record["sysctls_at_start"]), "changes": self.changes, "listeners": self.listeners,
                "handshakes": list(handshakes.values()), "syns": self.syns}


def release_of(record):
    """What to pass as --kernel: Debian names its stable release only in uname -v."""
    debian = re.search(r"Debian (\d+\.\d+\.\d+)-", record.get("kernel_version", ""))
    return debian.group(1) if debian else record["kernel"]


def slim(sysctls):
    return {k: v for k, v in sysctls.items() if KEPT_SYSCTLS.search(k) and not DROPPED_SYSCTLS.search(k)}

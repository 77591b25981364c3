"""What do the two scorers share? Running the tool, reading its handshake lines, ranking a claim against a label.

A claim is what `synwhy pcap --ndjson --all FILE` says about one (client, server, isn). Several lines with the same
key (a reused initial sequence number) are folded: best outcome, first named cause, rivals of all.
Left out: what the label means; that is each scorer's own business.
"""
import json
import subprocess

OUTCOME_ORDER = ["synack", "cookie", "rst", "ack", "icmp", "none"]
SURE = ("certain", "likely")
# Causes that blame the client or the way to it: right or wrong, the server's record cannot say.
CLIENT_SIDE = {"syn-ack-lost", "final-ack-lost", "syn-ack-filtered", "syn-ack-neighbour", "syn-ack-qdisc", "port-exhausted"}


class Claim:
    """The folded lines of one handshake."""

    def __init__(self):
        self.outcome = "none"
        self.causes = []  # (cause, confidence) of each line
        self.rivals = []
        self.syns = 0

    def add(self, line):
        self.outcome = min(self.outcome, line["outcome"], key=OUTCOME_ORDER.index)
        self.syns += line.get("syns", 0)
        if line.get("cause"):
            self.causes.append((line["cause"], line.get("confidence", "unknown")))
        self.rivals += line.get("rivals") or []

    def rank(self, truth):
        """'first', 'rival' or 'missed' for a set of true causes."""
        if any(cause in truth for cause, _ in self.causes):
            return "first"
        return "rival" if any(r in truth for r in self.rivals) else "missed"

    def wrong(self, truth):
        """[(cause, confidence)] claimed as certain or likely and not true."""
        return [(c, confidence) for c, confidence in self.causes if confidence in SURE and c not in truth]

    def text(self):
        named = ", ".join(f"{c} ({confidence})" for c, confidence in self.causes) or "no cause"
        return f"{self.outcome}: {named}" + (f" rivals {' '.join(self.rivals)}" if self.rivals else "")


class Failed(Exception):
    """The tool crashed, hung, refused, or printed something that is not its contract."""


def run(binary, capture, arguments=(), timeout_s=120):
    """{(client, server, isn): Claim}; raises Failed. Exit codes 0 and 1 are answers, all others are not."""
    command = [*binary, "pcap", "--ndjson", "--all", *arguments, str(capture)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, text=True, errors="replace")
    except subprocess.TimeoutExpired:
        raise Failed(f"no end after {timeout_s} s") from None
    except OSError as error:
        raise Failed(str(error)) from None
    if done.returncode not in (0, 1):
        raise Failed(f"exit {done.returncode}: {done.stderr.strip()[-300:]}")
    claims = {}
    for number, text in enumerate(done.stdout.splitlines(), 1):
        try:
            line = json.loads(text)
            if line.get("type") == "handshake":
                claims.setdefault((line["client"], line["server"], line["isn"]), Claim()).add(line)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise Failed(f"line {number} breaks the contract ({error!r}): {text[:200]}") from None
    return claims


def fold(outcome):
    """A SYN cookie is a SYN+ACK: only a guess tells them apart in a capture."""
    return "synack" if outcome == "cookie" else outcome


def host_arguments(release, sysctls):
    """--kernel and --sysctl options; `absent` marks a sysctl that this kernel lacks."""
    arguments = ["--kernel", release]
    for name, value in sorted(sysctls.items()):
        if value != "absent":
            arguments += ["--sysctl", f"{name}={value}"]
    return arguments


def percent(part, whole):
    return f"{part}/{whole} = {100 * part / whole:.2f} %" if whole else "0/0"


def ratio(part, whole):
    """Nothing to judge counts as perfect."""
    return part / whole if whole else 1.0


def print_cause_table(table):
    """table: {cause: Counter(first, rival, missed, wrong-likely, wrong-certain)}"""
    columns = ["first", "rival", "missed", "wrong-likely", "wrong-certain"]
    print(f"  {'cause':24}" + "".join(f"{c:>14}" for c in columns))
    for cause in sorted(table):
        print(f"  {cause:24}" + "".join(f"{table[cause][c]:14}" for c in columns))

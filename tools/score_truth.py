#!/usr/bin/env python3
"""How well does synwhy explain captures of single experiments on real kernels?

Unpacks tests/truth/data/KERNEL.tar.zst and runs the tool on every scenario: bare (outcomes of all handshakes,
causes of the unanswered ones) and, where a SYN stayed unanswered, with the kernel's release and the sysctls in
force when the first refused SYN arrived. Exit 1 below the thresholds, 77 when a helper program is missing.
Left out: handshakes whose cause the record does not settle; they are counted.
"""
import argparse
import collections
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True  # tools/ is a source folder
import scoring


def unpack(archive, target):
    """Extracts captures and labels (not the step lists) of one kernel."""
    raw = subprocess.run(["zstd", "-dcq", "--long=27", str(archive)], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for member in tar:
            if member.isfile() and "/" not in member.name and member.name.endswith((".pcap", ".label.json")):
                (target / member.name).write_bytes(tar.extractfile(member).read())


def sysctls_in_force(label):
    """Values when the first refused SYN arrived."""
    first = next(s["t"] for s in label["syns"] if s["verdict"] == "none")
    values = dict(label["sysctls"])
    for t, name, value in label["changes"]:
        if t <= first:
            values[name] = value
    return values


class Mode:
    """Counts of one way of asking (bare, with facts)."""

    def __init__(self):
        self.n = collections.Counter()
        self.table = collections.defaultdict(collections.Counter)
        self.shares = []  # (first, first or rival) of each scenario


class Scenario:
    """One capture judged."""

    def __init__(self, name):
        self.name = name
        self.n = collections.Counter()
        self.messages = []


def judge_outcomes(scenario, label, claims):
    """Every handshake's outcome and number of SYNs as recorded?"""
    for h in label["handshakes"]:
        claim = claims.get((h["client"], h["server"], h["isn"]))
        scenario.n["handshakes"] += 1
        if claim and scoring.fold(claim.outcome) == scoring.fold(h["outcome"]):
            scenario.n["outcomes right"] += 1
        else:
            said = claim.outcome if claim else "nothing"
            scenario.messages.append(f"outcome {h['client']} > {h['server']} isn {h['isn']}: said {said}, recorded {h['outcome']}")
        if claim and claim.syns == h["syns"]:
            scenario.n["syn counts right"] += 1
    known = {(h["client"], h["server"], h["isn"]) for h in label["handshakes"]}
    for key in claims:
        if key not in known:
            scenario.n["invented"] += 1
            scenario.messages.append(f"invented handshake {key}")


def judge_causes(scenario, mode, prefix, label, claims):
    """Ranks the truth for unanswered handshakes, counts wrong sure claims on all."""
    local = collections.Counter()
    for h in label["handshakes"]:
        claim = claims.get((h["client"], h["server"], h["isn"]), scoring.Claim())
        if h.get("unsettled"):
            mode.n["unsettled"] += 1
            continue
        truth = set(h["causes"]) | set(h.get("after", []))
        text = f"{prefix} {h['client']} > {h['server']} isn {h['isn']}: recorded {h['outcome']} {sorted(truth)}, said {claim.text()}"
        if h["outcome"] == "none":
            rank = claim.rank(truth)
            local[rank] += 1
            for cause in h["causes"]:
                mode.table[cause][rank] += 1
            if rank != "first":
                scenario.messages.append(f"{rank} {text}")
        answered = h["outcome"] in ("synack", "cookie")
        for cause, confidence in claim.wrong(truth):
            if answered and cause in scoring.CLIENT_SIDE:
                mode.n["client-side claims"] += 1
                continue
            mode.n[f"wrong {confidence}"] += 1
            mode.n["wrong on answered"] += answered
            for true in truth or {"(no cause)"}:
                mode.table[true][f"wrong-{confidence}"] += 1
            scenario.messages.append(f"WRONG {text}")
    mode.n += local
    whole = sum(local.values())
    if whole:
        mode.shares.append((local["first"] / whole, (local["first"] + local["rival"]) / whole))


def ask(options, kernel, label_path):
    """Runs the tool up to twice; returns label, {mode: claims or failure text}."""
    label = json.loads(label_path.read_text())
    capture = label_path.with_name(label_path.name.replace(".label.json", ".pcap"))
    questions = {"bare": []}
    if any(h["outcome"] == "none" for h in label["handshakes"]):
        questions["facts"] = scoring.host_arguments(label["release"], sysctls_in_force(label))
    answers = {}
    for mode, arguments in questions.items():
        try:
            answers[mode] = scoring.run(options.synwhy, capture, arguments, options.timeout)
        except scoring.Failed as failure:
            answers[mode] = failure
    return f"{kernel}/{label['scenario']}", label, answers


def score(options, modes, totals, name, label, answers):
    scenario = Scenario(name)
    for mode, claims in answers.items():
        if isinstance(claims, scoring.Failed):
            totals["failed runs"] += 1
            scenario.messages.append(f"FAILED {mode}: {claims}")
            claims = {}
        if mode == "bare":
            judge_outcomes(scenario, label, claims)
        judge_causes(scenario, modes[mode], mode, label, claims)
    totals.update(scenario.n)
    totals["scenarios"] += 1
    totals["scenarios exact"] += scenario.n["outcomes right"] == scenario.n["handshakes"] and not scenario.n["invented"]
    if scenario.messages and options.verbose:
        print(name)
        for message in scenario.messages[:options.limit]:
            print(f"    {message}")
        if len(scenario.messages) > options.limit:
            print(f"    ... {len(scenario.messages) - options.limit} more")


def print_mode(title, mode):
    n = mode.n
    whole = n["first"] + n["rival"] + n["missed"]
    print(f"\n{title}: {whole} unanswered handshakes in {len(mode.shares)} scenarios, {n['unsettled']} without a settled cause")
    scoring.print_cause_table(mode.table)
    first = sum(s[0] for s in mode.shares) / max(len(mode.shares), 1)
    rival = sum(s[1] for s in mode.shares) / max(len(mode.shares), 1)
    print(f"  truth first          per handshake {scoring.percent(n['first'], whole)}, per scenario {100 * first:.2f} %")
    print(f"  truth first or rival per handshake {scoring.percent(n['first'] + n['rival'], whole)}, per scenario {100 * rival:.2f} %")
    print(f"  wrong certain {n['wrong certain']}, wrong likely {n['wrong likely']} (on answered handshakes {n['wrong on answered']}); "
          f"client-side claims on answered handshakes {n['client-side claims']}")


def verdict(options, modes, totals):
    """Threshold violations as sentences."""
    bare, facts = modes["bare"].n, modes["facts"].n
    whole = [sum(n[k] for k in ("first", "rival", "missed")) for n in (bare, facts)]
    checks = [
        (totals["failed runs"] == 0, "some runs failed"),
        (whole[0] > 0, "nothing to judge"),
        (bare["wrong certain"] + bare["wrong likely"] <= options.max_wrong, "wrong sure claims, bare"),
        (facts["wrong certain"] <= options.max_wrong_certain, "wrong certain, with facts"),
        (scoring.ratio(bare["first"] + bare["rival"], whole[0]) >= options.min_rival, "truth first or rival too seldom, bare"),
        (scoring.ratio(facts["first"], whole[1]) >= options.min_first, "truth first too seldom, with facts"),
        (scoring.ratio(totals["outcomes right"], totals["handshakes"]) >= options.min_outcomes, "outcomes not as recorded"),
        (totals["invented"] == 0 or options.min_outcomes < 1, "handshakes that were not sent"),
    ]
    return [text for good, text in checks if not good]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synwhy", nargs="+", required=True, help="the program (and leading arguments)")
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--kernel", action="append", help="only these archives")
    parser.add_argument("--only", help="scenario name (substring)")
    parser.add_argument("--verbose", action="store_true", help="list misses per scenario")
    parser.add_argument("--limit", type=int, default=12, help="messages per scenario")
    parser.add_argument("--max-wrong", type=int, default=0, help="wrong certain or likely claims, bare")
    parser.add_argument("--max-wrong-certain", type=int, default=0, help="wrong certain claims, with facts")
    parser.add_argument("--min-rival", type=float, default=0.0, help="truth first or among rivals, bare")
    parser.add_argument("--min-first", type=float, default=0.0, help="truth first, with facts")
    parser.add_argument("--min-outcomes", type=float, default=0.0, help="outcomes as recorded")
    parser.add_argument("--timeout", type=float, default=60, help="seconds per run")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if not shutil.which("zstd"):
        print("skipped: the zstd program is missing")
        return 77
    modes, totals = {"bare": Mode(), "facts": Mode()}, collections.Counter()
    with tempfile.TemporaryDirectory(prefix="synwhy-truth-") as scratch, ThreadPoolExecutor(options.jobs) as pool:
        for archive in sorted(options.data.glob("*.tar.zst")):
            kernel = archive.name[:-len(".tar.zst")]
            if options.kernel and kernel not in options.kernel:
                continue
            folder = pathlib.Path(scratch) / kernel
            folder.mkdir()
            unpack(archive, folder)
            labels = [p for p in sorted(folder.glob("*.label.json")) if not options.only or options.only in p.name]
            before = collections.Counter(totals)
            for name, label, answers in pool.map(lambda p, k=kernel: ask(options, k, p), labels):
                score(options, modes, totals, name, label, answers)
            now = totals - before
            print(f"{kernel:18} scenarios {now['scenarios']:4}, outcomes as recorded "
                  f"{scoring.percent(now['outcomes right'], now['handshakes'])}, exact scenarios {now['scenarios exact']}")
    print(f"\nall outcomes as recorded {scoring.percent(totals['outcomes right'], totals['handshakes'])}; numbers of SYNs "
          f"{scoring.percent(totals['syn counts right'], totals['handshakes'])}; exact scenarios "
          f"{scoring.percent(totals['scenarios exact'], totals['scenarios'])}; invented {totals['invented']}; failed runs {totals['failed runs']}")
    print_mode("capture alone", modes["bare"])
    print_mode("with kernel and sysctls", modes["facts"])
    failures = verdict(options, modes, totals)
    print("\nFAIL: " + "; ".join(failures) if failures else "\nPASS")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

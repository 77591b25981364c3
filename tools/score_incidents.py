#!/usr/bin/env python3
"""How well does synwhy explain the labelled incident captures?

Runs the tool on every capture of --data and compares each handshake line with the label of the same
(client, server, isn): was the outcome seen, is the true cause first or among the rivals, and was anything
claimed as certain or likely that is not true. Exit 1 below the thresholds, 77 when a helper program is missing.
Left out: labels marked unsure, and causes of SYN copies that the capture does not hold.
"""
import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True  # tools/ is a source folder
import scoring

LATE = {"final-ack-refused", "aborted-on-overflow"}  # causes of a handshake, not of one of its SYNs


def load(path):
    if path.suffix == ".zst":
        return json.loads(subprocess.run(["zstd", "-dcq", str(path)], stdout=subprocess.PIPE, check=True).stdout)
    return json.loads(path.read_text())


def find_incidents(data):
    """[(id, label path, capture path)]"""
    found = []
    for label in sorted([*data.glob("*.json"), *data.glob("*.json.zst")]):
        name = re.sub(r"\.json(\.zst)?$", "", label.name)
        captures = [c for c in (data / f"{name}.{e}" for e in ("pcap", "pcap.zst", "pcapng", "pcapng.zst")) if c.exists()]
        if captures:
            found.append((name, label, captures[0]))
    return found


def release_of(label):
    """Debian names its stable release only in uname -v."""
    debian = re.search(r"Debian (\d+\.\d+\.\d+)-", label.get("kernel_version", ""))
    if debian:
        return debian.group(1)
    # A vendor kernel built by hand may say only its base version; the tree's name tells the rest.
    named = label.get("kernel_name", "")
    return named if re.search(r"\.el\d+", named) else label["kernel"]


class Expected:
    """What a label says about one handshake, seen through its capture."""

    def __init__(self, handshake):
        visible = [s for s in handshake["syns"] if s.get("in_capture", True)]
        hidden_copy = len(visible) < len(handshake["syns"])
        hidden_answer = any(s.get("answer_in_capture", True) is not True for s in visible)
        best = min([s["outcome"] for s in visible], key=scoring.OUTCOME_ORDER.index, default="none")
        seen = min([s["outcome"] if s.get("answer_in_capture", True) is True else "none" for s in visible],
                   key=scoring.OUTCOME_ORDER.index, default="none")
        self.has_syn = bool(visible)
        self.outcome = handshake["outcome"]
        self.outcomes = {scoring.fold(self.outcome)}
        if hidden_copy or hidden_answer:
            self.outcomes |= {scoring.fold(best), scoring.fold(seen)}
        self.unsure = any(s.get("unsure") for s in handshake["syns"])
        self.causes = set(handshake["causes"])  # all that is true
        self.visible_causes = {s["cause"] for s in visible if s.get("cause")}
        if handshake.get("synacks_in_capture", 1):
            self.visible_causes |= self.causes & LATE
        self.visible_causes &= self.causes
        self.neutral = set(scoring.CLIENT_SIDE)
        if hidden_answer or handshake.get("synacks_in_capture") == 0:
            self.neutral.add("capture-blind")
        self.client_lost = any(handshake.get(k) for k in ("synacks_lost_after_capture", "client_segments_lost_before_capture",
                                                          "syn_copies_lost_before_capture", "client_never_answers"))


class Score:
    """Counts of one incident; add() sums them."""

    def __init__(self):
        self.n = collections.Counter()
        self.table = collections.defaultdict(collections.Counter)
        self.messages = []
        self.failure = None

    def add(self, other):
        self.n += other.n
        for cause, row in other.table.items():
            self.table[cause] += row
        if other.failure:
            self.n["failed runs"] += 1


def judge(label, claims):
    score = Score()
    for handshake in label["handshakes"]:
        key = (handshake["client"], handshake["server"], handshake["isn"])
        expected = Expected(handshake)
        if expected.has_syn:
            judge_handshake(score, f"{key[0]} > {key[1]} isn {key[2]}", expected, claims.get(key))
    known = {(h["client"], h["server"], h["isn"]) for h in label["handshakes"]}
    score.n["unlabelled handshakes"] = sum(1 for key in claims if key not in known)
    return score


def judge_handshake(score, name, expected, claim):
    n = score.n
    n["handshakes"] += 1
    if claim is None:
        score.messages.append(f"missing   {name}: label {expected.outcome} {sorted(expected.causes)}")
        claim = scoring.Claim()
        n["missing"] += 1
    elif scoring.fold(claim.outcome) in expected.outcomes:
        n["outcomes right"] += 1
    else:
        score.messages.append(f"outcome   {name}: said {claim.outcome}, label {expected.outcome}")
    if claim.outcome in ("synack", "cookie") and expected.outcome in ("synack", "cookie"):
        n["cookie told apart" if claim.outcome == expected.outcome else "cookie confused"] += 1
    if expected.unsure:
        n["unsure"] += 1
        return
    if expected.visible_causes:
        rank = claim.rank(expected.causes)
        for scope in ["all"] + (["unanswered"] if expected.outcome == "none" else []):
            n[f"{scope} caused"] += 1
            n[f"{scope} {rank}"] += 1
        for cause in expected.visible_causes:
            score.table[cause][rank] += 1
        if rank != "first":
            score.messages.append(f"{rank:9} {name}: label {expected.outcome} {sorted(expected.causes)}, said {claim.text()}")
    judge_claims(score, name, expected, claim)


def judge_claims(score, name, expected, claim):
    n = score.n
    n["sure claims"] += sum(1 for c, confidence in claim.causes if confidence in scoring.SURE and c not in scoring.CLIENT_SIDE)
    for cause, confidence in claim.wrong(expected.causes):
        if cause in expected.neutral:
            n["client side, borne out" if expected.client_lost else "client side, not borne out"] += 1
            continue
        n[f"wrong {confidence}"] += 1
        kind = "wrong" if expected.causes else "false alarm"
        n["false alarms"] += kind == "false alarm"
        for true in expected.causes or {"(no cause)"}:
            score.table[true][f"wrong-{confidence}"] += 1
        score.messages.append(f"{kind:9} {name}: {cause} ({confidence}), label {expected.outcome} {sorted(expected.causes)}")


def score_one(options, incident):
    name, label_path, capture = incident
    label = load(label_path)
    arguments = scoring.host_arguments(release_of(label), label["sysctls"]) if options.with_facts else []
    try:
        return name, judge(label, scoring.run(options.synwhy, capture, arguments, options.timeout))
    except scoring.Failed as failure:
        score = judge(label, {})
        score.failure = str(failure)
        return name, score


def print_incident(name, score, verbose):
    n = score.n
    print(f"{name:48} outcomes {n['outcomes right']:4}/{n['handshakes']:<4} unanswered first {n['unanswered first']:3} "
          f"rival {n['unanswered rival']:3} missed {n['unanswered missed']:3}  all first {n['all first']:3} rival {n['all rival']:3} "
          f"missed {n['all missed']:3}  wrong {n['wrong certain']}c {n['wrong likely']}l  false alarms {n['false alarms']}")
    if score.failure:
        print(f"    FAILED: {score.failure}")
    for message in score.messages if verbose else []:
        print(f"    {message}")


def print_totals(total):
    n = total.n
    print("\nper cause (handshakes that hold a SYN with that cause):")
    scoring.print_cause_table(total.table)
    print(f"\noutcomes right            {scoring.percent(n['outcomes right'], n['handshakes'])}, missing {n['missing']}")
    print(f"cookies told from SYN+ACK {scoring.percent(n['cookie told apart'], n['cookie told apart'] + n['cookie confused'])}")
    for scope in ("unanswered", "all"):
        whole, first, rival = n[f"{scope} caused"], n[f"{scope} first"], n[f"{scope} rival"]
        print(f"{scope:10} truth first     {scoring.percent(first, whole)}; first or rival {scoring.percent(first + rival, whole)}")
    wrong = n["wrong certain"] + n["wrong likely"]
    print(f"wrong certain {n['wrong certain']}, wrong likely {n['wrong likely']} (of them on healthy handshakes {n['false alarms']}) "
          f"of sure claims: {scoring.percent(wrong, n['sure claims'])}")
    print(f"client-side claims borne out {n['client side, borne out']}, not borne out {n['client side, not borne out']}; "
          f"unsure labels skipped {n['unsure']}; handshakes without label {n['unlabelled handshakes']}; failed runs {n['failed runs']}")


def verdict(options, n):
    """Threshold violations as sentences."""
    scope = options.judge
    whole, first = n[f"{scope} caused"], n[f"{scope} first"]
    checks = [
        (n["failed runs"] == 0, "some runs failed"),
        (whole > 0, "nothing to judge"),
        (scoring.ratio(first + n[f"{scope} rival"], whole) >= options.min_rival, "truth first or rival too seldom"),
        (scoring.ratio(first, whole) >= options.min_first, "truth first too seldom"),
        (scoring.ratio(n["outcomes right"], n["handshakes"]) >= options.min_outcomes, "outcomes wrong"),
        (n["wrong certain"] <= options.max_wrong_certain, "a wrong certain"),
        ((n["wrong certain"] + n["wrong likely"]) <= options.max_wrong_likely * max(n["sure claims"], 1), "too many wrong sure claims"),
    ]
    return [text for good, text in checks if not good]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synwhy", nargs="+", required=True, help="the program (and leading arguments)")
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--with-facts", action="store_true", help="also give --kernel and --sysctl")
    parser.add_argument("--only", action="append", help="incident id (substring)")
    parser.add_argument("--verbose", action="store_true", help="list every miss")
    parser.add_argument("--judge", choices=["unanswered", "all"], default="unanswered", help="which handshakes the thresholds mean")
    parser.add_argument("--min-rival", type=float, default=0.0, help="share with the truth first or among the rivals")
    parser.add_argument("--min-first", type=float, default=0.0, help="share with the truth first")
    parser.add_argument("--min-outcomes", type=float, default=0.0, help="share of outcomes right")
    parser.add_argument("--max-wrong-likely", type=float, default=1.0, help="wrong certain or likely among such claims")
    parser.add_argument("--max-wrong-certain", type=int, default=0, help="number of wrong certain claims")
    parser.add_argument("--timeout", type=float, default=120, help="seconds per capture")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if not shutil.which("zstd"):
        print("skipped: the zstd program is missing")
        return 77
    incidents = [i for i in find_incidents(options.data) if not options.only or any(o in i[0] for o in options.only)]
    total = Score()
    with ThreadPoolExecutor(options.jobs) as pool:
        for name, score in pool.map(lambda i: score_one(options, i), incidents):
            print_incident(name, score, options.verbose)
            total.add(score)
    print_totals(total)
    failures = verdict(options, total.n)
    print("FAIL: " + "; ".join(failures) if failures else "PASS")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

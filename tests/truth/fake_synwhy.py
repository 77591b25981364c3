#!/usr/bin/env python3
"""Can the scorers pass and fail? A stand-in for synwhy that answers from the labels beside the capture.

usage: fake_synwhy.py MODE pcap --ndjson --all [--kernel R] [--sysctl k=v]... CAPTURE
MODE: right (every label), rival (truth only among rivals), empty (nothing), wrong (a false cause, likely),
alarm (right, but a healthy handshake gets a cause), crash, garbage.
"""
import json
import pathlib
import re
import subprocess
import sys


def labels_of(capture):
    """Handshakes of a truth label (NAME.label.json) or an incident label (ID.json.zst)."""
    stem = re.sub(r"\.pcap(ng)?(\.zst)?$", "", capture.name)
    truth = capture.with_name(stem + ".label.json")
    if truth.exists():
        return json.loads(truth.read_text())["handshakes"]
    incident = capture.with_name(stem + ".json.zst")
    return json.loads(subprocess.run(["zstd", "-dcq", str(incident)], stdout=subprocess.PIPE, check=True).stdout)["handshakes"]


def line_for(mode, handshake):
    causes = handshake["causes"] + handshake.get("after", [])
    line = {"v": 1, "type": "handshake", "client": handshake["client"], "server": handshake["server"], "isn": handshake["isn"],
            "syns": handshake["syns"] if isinstance(handshake["syns"], int) else len(handshake["syns"]),
            "outcome": handshake["outcome"], "cause": causes[0] if causes else None, "confidence": "likely", "rivals": []}
    if mode == "rival" and causes:
        line.update(cause="md5-missing", confidence="possible", rivals=causes)
    if (mode == "wrong" and causes) or (mode == "alarm" and not causes):
        line.update(cause="md5-missing")
    return line


def main():
    mode, capture = sys.argv[1], pathlib.Path(sys.argv[-1])
    if mode == "crash":
        return 70
    if mode == "garbage":
        print("not json")
        return 0
    for handshake in labels_of(capture) if mode != "empty" else []:
        print(json.dumps(line_for(mode, handshake)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Do the scorers pass a perfect tool and fail a silent, a wrong, an alarmist and a broken one?

Runs both scorers on a small part of the data with fake_synwhy.py in each of its modes.
"""
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCORERS = {
    "truth": [ROOT / "tools/score_truth.py", "--data", HERE / "data", "--kernel", "3.10.105", "--only", "n1",
              "--min-rival", "0.95", "--min-first", "0.98", "--min-outcomes", "1"],
    "incidents, bare": [ROOT / "tools/score_incidents.py", "--data", ROOT / "tests/incidents/data", "--only", "051-", "--only", "081-",
                        "--min-rival", "0.95", "--min-outcomes", "1", "--max-wrong-likely", "0.01"],
    "incidents, facts": [ROOT / "tools/score_incidents.py", "--data", ROOT / "tests/incidents/data", "--only", "051-", "--with-facts",
                         "--min-first", "0.98", "--max-wrong-likely", "0.01"],
}
# mode of the fake -> scorers that must pass; every other must fail
EXPECTED = {"right": set(SCORERS), "rival": {"incidents, bare"}, "empty": set(), "wrong": set(), "alarm": set(), "crash": set(),
            "garbage": set()}


def main():
    if not shutil.which("zstd"):
        print("skipped: the zstd program is missing")
        return 77
    bad = 0
    for mode, passing in EXPECTED.items():
        for name, scorer in SCORERS.items():
            command = [sys.executable, *map(str, scorer), "--synwhy", sys.executable, str(HERE / "fake_synwhy.py"), mode]
            done = subprocess.run(command, capture_output=True, text=True)
            want = 0 if name in passing else 1
            story = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()[-200:]
            print(f"{'ok ' if done.returncode == want else 'BAD'} a tool that answers '{mode}', {name}: exit {done.returncode}, {story}")
            bad += done.returncode != want
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""One scenario, three engines: do real clients see the running kernel, the model and the model behind TUN do the same?

usage: worlds_test.py SYNWHY SCENARIO FROM_S SECONDS EXPECTED [--ipv6]

Plays a part of a scenario in each engine and compares the verdicts: whether attempts of a group were hindered never,
sometimes or always, and which counters moved. EXPECTED is what the running kernel has to say of some group, so that a
lab where nothing happens does not pass. Real time jitters, so a difference has to show three times. Exit status 77
(skipped) says what is missing.
"""

import json
import os
import re
import subprocess
import sys

from missing import missing

ATTEMPTS = 3
TIMEOUT_S = 120
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../schema/lab.schema.json")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cli"))
import json_schema  # noqa: E402


def lab(*arguments):
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    print(f"{' '.join(arguments[1:])}: exit status {run.returncode}\n{run.stdout}{run.stderr}")
    return run


def check_json(synwhy, scenario, options):
    """The JSON of the quickest engine keeps the schema."""
    run = lab(synwhy, "lab", "run", scenario, *options, "--engine", "model", "--json")
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    document = json.loads(run.stdout)
    faults = [*json_schema.check(document, schema), *json_schema.undescribed(document, schema)]
    if faults or run.returncode not in (0, 1):
        sys.exit("FAIL: " + "\n".join(faults))


def main():
    synwhy, scenario, from_s, seconds, expected, *more = sys.argv[1:]
    reason = missing("nft")
    if reason:
        print(f"SKIP: {reason}")
        sys.exit(77)
    options = ["--from", from_s, "--seconds", seconds, *more]
    check_json(synwhy, scenario, options)
    for _ in range(ATTEMPTS):
        run = lab(synwhy, "lab", "compare", scenario, *options)
        if run.returncode == 3:
            sys.exit("FAIL: the lab could not play it")
        text = re.sub(r"\s+", " ", run.stdout)
        if run.returncode == 0 and "kernel, model, tun agree" in text and re.search(rf"kernel [\d,]+ of [1-9][\d,]* \({expected}\)", text):
            return
    sys.exit("FAIL: the engines disagree, or the kernel did not say: " + expected)


if __name__ == "__main__":
    main()

"""One scenario, three engines: do the running kernel, the model and the model behind TUN agree about a script?

usage: engines_test.py SYNWHY SCRIPT.toml

Plays the script and its IPv6 twin. Real timers and a busy machine can move a retransmission over the end of a step, so a
difference has to show three times; one that comes from a rule always does. Exit status 77 (skipped) says what is missing.
"""

import subprocess
import sys

from missing import missing

ATTEMPTS = 3
TIMEOUT_S = 100


def main():
    synwhy, script = sys.argv[1:]
    reason = missing()
    if reason:
        print(f"SKIP: {reason}")
        sys.exit(77)
    for attempt in range(1, ATTEMPTS + 1):
        run = subprocess.run([synwhy, "lab", "compare", script], capture_output=True, text=True, timeout=TIMEOUT_S,
                             check=False)
        print(f"attempt {attempt}, exit status {run.returncode}\n{run.stdout}{run.stderr}")
        if run.returncode == 0:
            if all("skipped" in line for line in run.stdout.splitlines()):
                print("SKIP: this kernel cannot show it")
                sys.exit(77)
            return
        if run.returncode != 1:
            break
    sys.exit(1)


if __name__ == "__main__":
    main()

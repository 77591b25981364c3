"""Does a lab leave nothing behind: not after its end, not after ^C, and not for long after kill -9?

usage: cleanup_test.py SYNWHY

Exit status 77 (skipped) says what is missing.
"""

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LONG_SCRIPT = "title = 'waits'\n[script]\nsteps = ['listen L', 'wait 20000']\n"
SHORT_SCRIPT = "title = 'short'\n[script]\nsteps = ['set net.ipv4.tcp_syncookies 0', 'listen L backlog=4', 'syn A', 'ack A']\n"


def syncookies():
    with open("/proc/sys/net/ipv4/tcp_syncookies", encoding="ascii") as file:
        return file.read()


def names_of(pid):
    return glob.glob(f"/run/netns/synwhy-lab-{pid}-*")


def wait_for(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"FAIL: waited {seconds} s for: {what}")
        time.sleep(0.02)


def check(condition, what):
    print(("ok   " if condition else "FAIL ") + what)
    if not condition:
        sys.exit(1)


def start(synwhy, script):
    lab = subprocess.Popen([synwhy, "lab", "run", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: names_of(lab.pid) and b"listen" in os.read(lab.stdout.fileno(), 4096), "the script's first step")
    return lab


def test_end(synwhy, folder):
    script = os.path.join(folder, "short.toml")
    record = os.path.join(folder, "record.json")
    with open(script, "w", encoding="utf-8") as file:
        file.write(SHORT_SCRIPT)
    before = syncookies()
    lab = subprocess.Popen([synwhy, "lab", "run", script, "--record", record], stdout=subprocess.PIPE, text=True)
    output = lab.communicate(timeout=60)[0]
    check(lab.returncode == 0 and "synack" in output, "a script is played")
    check(not names_of(lab.pid), "nothing is left after the end")
    check(before == syncookies(), "the host's own sysctl is as before")
    with open(record, encoding="utf-8") as file:
        recording = json.load(file)
    verdicts = [step.get("verdict") for step in recording["steps"]]
    check(verdicts == [None, None, "synack", "none"], "the record holds every step's verdict")
    check(recording["kernel"] == os.uname().release, "the record names the kernel")
    check(recording["steps"][-1]["socks"]["acceptq:80"] == 1, "the record holds the accept queue")
    replay = subprocess.run([synwhy, "replay", record], capture_output=True, text=True, check=False)
    check(replay.returncode == 0, "the record can be replayed, and the model agrees")


def test_interrupt(synwhy, script):
    lab = start(synwhy, script)
    lab.send_signal(signal.SIGINT)
    lab.wait(timeout=20)
    check(lab.returncode == 3, "^C ends a lab")
    check("interrupted" in lab.stderr.read(), "and says so")
    check(not names_of(lab.pid), "and leaves nothing")


def start_world(synwhy):
    """A scenario with server, gateway and two groups of clients, all of them joined."""
    lab = subprocess.Popen([synwhy, "lab", "run", "nat-recycle", "--seconds", "60"], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    wait_for(lambda: len(names_of(lab.pid)) == 4, "four namespaces")
    server = os.open(glob.glob(f"/run/netns/synwhy-lab-{lab.pid}-*-server")[0], os.O_RDONLY)
    wait_for(lambda: len(interfaces_of(server)) == 2, "the server's side of the network")
    return lab, server


def interfaces_of(namespace):
    listing = subprocess.run(["nsenter", f"--net=/proc/{os.getpid()}/fd/{namespace}", "cat", "/proc/net/dev"],
                             capture_output=True, text=True, check=True)
    return [line.split(":")[0].strip() for line in listing.stdout.splitlines() if ":" in line]


def tables():
    return subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout


def test_world(synwhy):
    """Namespaces, veth pairs and a NAT table: ^C, and kill -9 with the start after it."""
    before = tables()
    lab, server = start_world(synwhy)
    lab.send_signal(signal.SIGINT)
    lab.wait(timeout=20)
    check(lab.returncode == 3 and "interrupted" in lab.stderr.read(), "^C ends a scenario")
    check(not names_of(lab.pid), "and leaves no namespace")
    wait_for(lambda: interfaces_of(server) == ["lo"], "the veth pairs to go with the namespaces of their other ends")
    os.close(server)
    lab, server = start_world(synwhy)
    check(len(interfaces_of(server)) == 2, "a server has its loopback and the way to the gateway")
    lab.kill()
    lab.wait(timeout=20)
    check(len(names_of(lab.pid)) == 4, "kill -9 leaves four namespaces")
    listing = subprocess.run([synwhy, "lab", "list"], capture_output=True, text=True, timeout=60, check=False)
    check(not names_of(lab.pid), "the next start removes them")
    check(listing.stderr.count(f"synwhy-lab-{lab.pid}-") == 4, "and names each")
    wait_for(lambda: interfaces_of(server) == ["lo"], "the gateway to vanish with its veth pairs and its NAT table")
    os.close(server)
    check(before == tables(), "the host's own tables are as before")


def test_kill(synwhy, script):
    bystander = start(synwhy, script)
    killed = start(synwhy, script)
    killed.kill()
    killed.wait(timeout=20)
    check(bool(names_of(killed.pid)), "kill -9 leaves a namespace")
    listing = subprocess.run([synwhy, "lab", "list"], capture_output=True, text=True, timeout=60, check=False)
    check(not names_of(killed.pid), "the next start removes it")
    check(f"synwhy-lab-{killed.pid}-" in listing.stderr, "and says so")
    check(bool(names_of(bystander.pid)) and bystander.poll() is None, "a lab that still runs is left alone")
    bystander.send_signal(signal.SIGINT)
    bystander.wait(timeout=20)
    check(not names_of(bystander.pid), "and cleans up itself")


def main():
    synwhy = sys.argv[1]
    if os.geteuid() != 0:
        print("SKIP: not root")
        sys.exit(77)
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        print("SKIP: no /dev/net/tun")
        sys.exit(77)
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        print("SKIP: no network namespaces")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        test_end(synwhy, folder)
        script = os.path.join(folder, "long.toml")
        with open(script, "w", encoding="utf-8") as file:
            file.write(LONG_SCRIPT)
        test_interrupt(synwhy, script)
        test_kill(synwhy, script)
    if shutil.which("nft") is None:
        print("no nft: the scenario is left out")
        return
    test_world(synwhy)


if __name__ == "__main__":
    main()

"""How fast is synwhy beside the tools people use today, on this machine, in this run?

Ratios only: all commands read the same file, pinned to the same core, page cache warm, in turns (A B A B), medians of
user+system CPU time with wall time beside it. tshark is slow, reads a slice, and is scaled by packets. Nothing here
passes or fails on a time; it does fail when synwhy does not see every SYN. Left out: live capture.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TCPDUMP_FILTER = "tcp[tcpflags] & tcp-syn != 0"


class Run:
    """One finished command: CPU and wall time in seconds, peak memory in MiB."""

    def __init__(self, cpu, wall, peak):
        self.cpu, self.wall, self.peak = cpu, wall, peak


def run(command, allowed=(0,), stdout=subprocess.DEVNULL):
    """Runs one command and measures it; exits with its stderr when its status is not an allowed one."""
    with tempfile.TemporaryFile() as errors:
        begin = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in allowed:
            errors.seek(0)
            sys.exit(f"{' '.join(command)}: exit status {process.returncode}\n{errors.read().decode('utf-8', 'replace')}")
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def median(runs):
    return Run(*(statistics.median(getattr(r, what) for r in runs) for what in ("cpu", "wall", "peak")))


def generate(traffic, folder, kind, packets, seed):
    """The capture and its summary; made once, kept for the next time."""
    capture = os.path.join(folder, f"{kind}-{packets}-{seed}.pcap")
    summary = capture + ".json"
    if not os.path.exists(summary):
        print(f"generating {capture}", file=sys.stderr)
        with open(capture, "wb") as out:
            done = subprocess.run([traffic, kind, str(packets), str(seed)], stdout=out, stderr=subprocess.PIPE,
                                  check=True)
        with open(summary, "wb") as out:
            out.write(done.stderr)
    with open(summary, "rb") as file:
        return capture, json.load(file)


def pinned(command):
    """The command on the last core that we may use: the first one serves most interrupts."""
    if shutil.which("taskset") is None:
        return command
    return ["taskset", "-c", str(max(os.sched_getaffinity(0))), *command]


def tcpdump_command(capture):
    """Counting needs tcpdump 4.99; an older one writes what it found to nowhere."""
    if shutil.which("tcpdump") is None:
        return None
    known = subprocess.run(["tcpdump", "--help"], capture_output=True, text=True, check=False)
    end = ["--count"] if "--count" in known.stdout + known.stderr else ["-w", "/dev/null"]
    return ["tcpdump", "-r", capture, *end, TCPDUMP_FILTER]


def warm(path):
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass


def row(name, packets, result, base):
    """One line of the table; base is synwhy's CPU time per packet."""
    # A child starts with the peak of the process that forked it: below that nothing can be told.
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peak = f"{result.peak:.0f}" if result.peak > 1.05 * floor else f"<{floor:.0f}"
    print(f"  {name:<34}{result.cpu:>8.2f}{result.wall:>8.2f}{packets / result.cpu / 1e6:>9.2f}{peak:>9}"
          f"{result.cpu / packets / base:>9.2f}x")


def compare(options, kind):
    capture, facts = generate(options.traffic, options.work, kind, options.packets, options.seed)
    size = os.path.getsize(capture)
    synwhy = pinned([options.synwhy, "pcap", capture, "--json", "--no-progress"])
    tcpdump = tcpdump_command(capture)
    warm(capture)

    with tempfile.TemporaryFile() as out:
        run(synwhy, allowed=(0, 1), stdout=out)
        out.seek(0)
        seen = json.load(out)["totals"]["syns"]

    ours, theirs, reads, decoded, folded = [], [], [], [], []
    stages = os.path.join(os.path.dirname(options.traffic), "synwhy_stages")
    for _ in range(options.repeat):
        ours.append(run(synwhy, allowed=(0, 1)))
        decoded.append(run(pinned([stages, "read", capture])))
        folded.append(run(pinned([stages, "fold", capture])))
        if tcpdump:
            theirs.append(run(pinned(tcpdump)))
        reads.append(run(pinned(["dd", f"if={capture}", "of=/dev/null", "bs=256k", "status=none"])))

    print(f"\n{kind}: {facts['packets']:,} packets, {size / 1e6:,.0f} MB, {facts['syns']:,} SYNs")
    print(f"  {'':<34}{'CPU s':>8}{'wall s':>8}{'Mpkt/s':>9}{'RSS MiB':>9}{'CPU/pkt':>10}")
    result = median(ours)
    base = result.cpu / facts["packets"]
    row("synwhy pcap --json (all of it)", facts["packets"], result, base)
    row("  its reading and decoding alone", facts["packets"], median(decoded), base)
    row("  its reading, decoding, folding", facts["packets"], median(folded), base)
    if tcpdump:
        row("tcpdump counting SYN flags", facts["packets"], median(theirs), base)
    row("reading the file (dd bs=256k)", facts["packets"], median(reads), base)
    if options.tshark and shutil.which("tshark"):
        slice_packets = min(options.tshark_packets, facts["packets"])
        part, _ = generate(options.traffic, options.work, kind, slice_packets, options.seed)
        warm(part)
        row(f"tshark -z conv,tcp ({slice_packets:,} pkts)", slice_packets,
            run(pinned(["tshark", "-r", part, "-q", "-z", "conv,tcp"])), base)
    print(f"  SYNs seen by synwhy: {seen:,} of {facts['syns']:,}")
    return seen == facts["syns"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synwhy", required=True)
    parser.add_argument("--traffic", required=True, help="the synwhy_traffic program")
    parser.add_argument("--work", required=True, help="folder for the captures (kept)")
    parser.add_argument("--kinds", default="syn,mixed96", help="comma separated: syn, mixed, mixed96")
    parser.add_argument("--packets", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--tshark-packets", type=int, default=500_000)
    parser.add_argument("--no-tshark", dest="tshark", action="store_false")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)

    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.2f} at the start, {options.repeat} runs each in turns, medians; "
          "one core, page cache warm")
    if load > 0.5:
        print("the machine is busy: CPU times suffer, wall times mean little")
    print("CPU/pkt: CPU time per packet, relative to synwhy's. tcpdump's filter knows neither IPv6 nor VLAN.")
    complete = [compare(options, kind) for kind in options.kinds.split(",")]
    sys.exit(0 if all(complete) else 1)


if __name__ == "__main__":
    main()

"""How fast are the model and the simulation, beside ns-3 in the same run?

Runs the model's own measurements, `synwhy sim bench/connect.toml` and the same connections in ns-3 (when libns3-dev was
there at build time), in turns, pinned to one core; medians of CPU time. Prints ratios and one JSON object; never judges.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys


def run(command, ok=(0,)):
    """Standard output and CPU seconds (user + system) of one run on one core."""
    before = os.times()
    done = subprocess.run(["taskset", "-c", "0", *command], stdout=subprocess.PIPE, check=False)
    after = os.times()
    if done.returncode not in ok:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return done.stdout, cpu


def median_of(runs, key):
    return statistics.median(r[key] for r in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--synwhy", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--ns3")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ns3-connections", type=int, default=2000)
    options = parser.parse_args()
    scenario = pathlib.Path(__file__).with_name("connect.toml")
    model_runs, sim_runs, ns3_runs = [], [], []
    for _ in range(options.repeats):
        model_runs.append(json.loads(run([options.model])[0]))
        out, cpu = run([options.synwhy, "sim", "--json", "--exit-zero", str(scenario)])
        result = json.loads(out)
        sim_runs.append({"connections_per_s": result["attempts"]["total"] / cpu, "events_per_s": result["events"] / cpu})
        if options.ns3 and os.path.exists(options.ns3):
            out, cpu = run([options.ns3, str(options.ns3_connections)])
            peer = json.loads(out)
            ns3_runs.append({"connections_per_s": peer["accepted"] / cpu, "events_per_s": peer["events"] / cpu})
    summary = {key: median_of(model_runs, key) for key in model_runs[0]}
    for name, runs in (("sim", sim_runs), ("ns3", ns3_runs)):
        for key in runs[0] if runs else ():
            summary[f"{name}_{key}"] = round(median_of(runs, key))
    print(f"model, 1,000,000 peers, one core: {summary['verdicts_refused_per_s'] / 1e6:.2f} M refusals/s, "
          f"{summary['verdicts_answered_per_s'] / 1e6:.2f} M answers/s, "
          f"{summary['connections_per_s'] / 1e3:.0f} k whole connections/s")
    print(f"bytes: half-open {summary['bytes_per_request']:.0f}, TIME_WAIT {summary['bytes_per_time_wait']:.0f}, "
          f"peer memory {summary['bytes_per_peer']:.0f}")
    print(f"sim: {summary['sim_connections_per_s'] / 1e3:.1f} k connections/s, "
          f"{summary['sim_events_per_s'] / 1e6:.2f} M events/s")
    if ns3_runs:
        print(f"ns-3 on the same topology ({options.ns3_connections} connections): "
              f"{summary['ns3_connections_per_s']} connections/s, {summary['ns3_events_per_s'] / 1e3:.0f} k events/s; "
              f"sim is {summary['sim_connections_per_s'] / summary['ns3_connections_per_s']:.0f} times as fast in "
              f"connections, {summary['sim_events_per_s'] / summary['ns3_events_per_s']:.0f} times in events")
    else:
        print("ns-3: not built (libns3-dev)")
    print(json.dumps(summary))


if __name__ == "__main__":
    main()

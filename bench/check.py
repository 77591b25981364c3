#!/usr/bin/env python3
"""What does `synwhy check --seconds 0` cost beside `ss -tan | wc -l`, and on a machine with many network namespaces?

Everything happens in namespaces made here; connections stay on their loopback. CPU time is user and system time of all
processes of a command; runs alternate; printed are medians and their ratio. Needs root. Nothing here passes or fails.
"""

import argparse
import ctypes
import os
import resource
import socket
import statistics
import subprocess
import sys
import time

PER_PROCESS = min(12_000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100) // 2)  # connections of two descriptors


def cost(command):
    """(CPU seconds, wall seconds, largest resident set of one process in MiB, exit status)"""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def hold_connections(number, count, ready):
    """In a child: `count` connections to a listener of its own on the loopback, until it is killed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 10_000 + number))
    listener.listen(128)
    kept = [listener]
    for _ in range(count):
        kept.append(socket.create_connection(listener.getsockname()))
        kept.append(listener.accept()[0])
    os.write(ready, b".")
    time.sleep(600)


def many_sockets(synwhy, sockets, rounds):
    name = f"swyb{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    children = []
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        reader, writer = os.pipe()
        left, number = sockets // 2, 0
        while left > 0:
            child = os.fork()
            if child == 0:
                descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
                if ctypes.CDLL(None).setns(descriptor, 0x40000000) != 0:
                    os._exit(1)
                try:
                    hold_connections(number, min(left, PER_PROCESS), writer)
                except OSError as error:
                    print(f"could not hold that many connections: {error}", file=sys.stderr)
                os.close(writer)
                os._exit(1)
            children.append(child)
            left -= PER_PROCESS
            number += 1
        os.close(writer)
        for _ in children:
            if os.read(reader, 1) != b".":
                return
        inside = ["ip", "netns", "exec", name]
        ss, check = [], []
        for _ in range(rounds):
            ss.append(cost([*inside, "sh", "-c", "ss -tan | wc -l"]))
            check.append(cost([*inside, synwhy, "check", "--seconds", "0", "--json"]))
        ss_cpu, check_cpu = (statistics.median(run[0] for run in runs) for runs in (ss, check))
        print(f"{sockets} sockets: ss -tan | wc -l {ss_cpu:.3f} s CPU; synwhy check --seconds 0 {check_cpu:.3f} s CPU, "
              f"{max(run[2] for run in check):.0f} MiB; ratio {check_cpu / ss_cpu:.2f}")
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
        subprocess.run(["ip", "netns", "del", name], check=False)


def many_namespaces(synwhy, count):
    names = [f"swyb{os.getpid()}n{index}" for index in range(count)]
    made = []
    try:
        for name in names:
            if subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode != 0:
                break
            made.append(name)
        cpu, wall, memory, status = cost([synwhy, "check", "--all-netns", "--seconds", "1", "--json"])
        print(f"{len(made)} namespaces: synwhy check --all-netns --seconds 1: {cpu:.2f} s CPU, {wall:.2f} s, {memory:.0f} MiB, "
              f"exit {status}")
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "del", name], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--synwhy", required=True)
    parser.add_argument("--sockets", type=int, default=100_000)
    parser.add_argument("--namespaces", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root: network namespaces")
    synwhy = os.path.abspath(arguments.synwhy)
    idle = [cost([synwhy, "check", "--seconds", "0", "--json"]) for _ in range(arguments.rounds)]
    print(f"this host: synwhy check --seconds 0 {statistics.median(run[0] for run in idle):.3f} s CPU")
    many_sockets(synwhy, arguments.sockets, arguments.rounds)
    many_namespaces(synwhy, arguments.namespaces)


main()

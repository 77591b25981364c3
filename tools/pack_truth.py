#!/usr/bin/env python3
"""Which cause did a real kernel have for each SYN it did not answer?

Reads recorded experiments (NAME.json + NAME.pcap, one folder per kernel) and writes one KERNEL.tar.zst per kernel
with, per scenario, the capture, the recorded steps (bulky sysctl dumps reduced) and a compact label file
(truth_label.py). What a recording does not settle is counted.
Left out: any opinion of the tool under test; the scorer (score_truth.py) compares.
"""
import argparse
import collections
import io
import json
import pathlib
import struct
import subprocess
import sys
import tarfile

from truth_label import Labeller, slim


def slim_record(record):
    """The recorded experiment with its sysctl dumps reduced; steps untouched."""
    small = dict(record, sysctls_at_start=slim(record["sysctls_at_start"]))
    end = slim(small.pop("sysctls_at_end", {}))
    if end:
        small["sysctls_at_end"] = {k: v for k, v in end.items() if small["sysctls_at_start"].get(k) != v}
    return small


def syns_in_pcap(data):
    """Number of TCP packets with SYN and without ACK in a raw-IP pcap, to check the labels against the capture."""
    position, count = 24, 0
    while position + 16 <= len(data):
        length = struct.unpack_from("<I", data, position + 8)[0]
        packet = data[position + 16:position + 16 + length]
        position += 16 + length
        offset = 40 if packet[0] >> 4 == 6 else (packet[0] & 15) * 4
        if len(packet) > offset + 13 and packet[6 if offset == 40 and packet[0] >> 4 == 6 else 9] == 6:
            count += (packet[offset + 13] & 0x12) == 0x02
    return count


def add(archive, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def dump(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def pack(folder, target, level, verbose):
    name = folder.name
    raw = io.BytesIO()
    table, unsettled, problems = collections.Counter(), [], 0
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.glob("*.json")):
            record = json.loads(path.read_text())
            capture = path.with_suffix(".pcap").read_bytes()
            label = Labeller(record).run()
            if syns_in_pcap(capture) != len(label["syns"]):
                problems += 1
                print(f"{name}/{path.stem}: {syns_in_pcap(capture)} SYNs in the capture, {len(label['syns'])} injected", file=sys.stderr)
            for syn in label["syns"]:
                causes = syn.get("causes")
                table[(syn["verdict"], "+".join(causes) if causes else "-" if "causes" not in syn else "unsettled")] += 1
                if "causes" in syn and causes is None:
                    unsettled.append((path.stem, syn))
            add(archive, f"{path.stem}.pcap", capture)
            add(archive, f"{path.stem}.label.json", dump(label))
            add(archive, f"{path.stem}.json", dump(slim_record(record)))
    output = target / f"{name}.tar.zst"
    subprocess.run(["zstd", f"-{level}", "--long=27", "-q", "-f", "-o", str(output)], input=raw.getvalue(), check=True)
    print(f"{name}: {output.stat().st_size / 1e6:.2f} MB")
    for (verdict, cause), count in sorted(table.items()):
        print(f"    {verdict:7} {cause:40} {count}")
    if verbose:
        for scenario, syn in unsettled:
            print("   unsettled", scenario, syn["n"], syn["client"], syn["verdict"], syn["basis"], syn.get("moved", {}))
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=pathlib.Path, help="folder with one sub-folder per kernel")
    parser.add_argument("target", type=pathlib.Path, help="folder for the archives")
    parser.add_argument("--level", type=int, default=19, help="zstd level")
    parser.add_argument("--kernel", action="append", help="only these sub-folders")
    parser.add_argument("--verbose", action="store_true", help="list SYNs without a settled cause")
    options = parser.parse_args()
    options.target.mkdir(parents=True, exist_ok=True)
    problems = 0
    for folder in sorted(options.source.iterdir()):
        if folder.is_dir() and any(folder.glob("*.pcap")) and (not options.kernel or folder.name in options.kernel):
            problems += pack(folder, options.target, options.level, options.verbose)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

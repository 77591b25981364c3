"""Is the benchmark's traffic what it says it is?

Reads the generated pcap with a few lines of its own: same seed, same bytes; as many packets and SYNs as the summary
tells; shares of IPv6 and VLAN; the average size; every IPv4 and TCP checksum of a full-length capture right.
"""

import json
import struct
import subprocess
import sys
import unittest

TRAFFIC = sys.argv.pop(1)


def generate(kind, packets, seed):
    done = subprocess.run([TRAFFIC, kind, str(packets), str(seed)], capture_output=True, check=True)
    return done.stdout, json.loads(done.stderr)


def frames(capture):
    """(time in us, captured bytes, length on the wire) of every record."""
    at = 24
    while at < len(capture):
        seconds, micros, kept, wire = struct.unpack_from("=IIII", capture, at)
        yield seconds * 1_000_000 + micros, capture[at + 16:at + 16 + kept], wire
        at += 16 + kept


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def dissect(frame):
    """(VLAN?, IP version, IP header, addresses, TCP segment)."""
    ethertype, at = struct.unpack_from("!H", frame, 12)[0], 14
    vlan = ethertype == 0x8100
    if vlan:
        ethertype, at = struct.unpack_from("!H", frame, 16)[0], 18
    if ethertype == 0x0800:
        return vlan, 4, frame[at:at + 20], frame[at + 12:at + 20], frame[at + 20:]
    return vlan, 6, frame[at:at + 40], frame[at + 8:at + 40], frame[at + 40:]


class Traffic(unittest.TestCase):
    def test_same_seed_same_bytes(self):
        for kind in ("syn", "mixed", "mixed96"):
            first, again, other = (generate(kind, 3000, seed)[0] for seed in (1, 1, 2))
            self.assertEqual(first, again)
            self.assertNotEqual(first, other)

    def test_summary_agrees_with_the_packets(self):
        for kind in ("syn", "mixed"):
            capture, summary = generate(kind, 20000, 7)
            packets = syns = wire_bytes = 0
            last = 0
            for time, frame, wire in frames(capture):
                _, version, header, addresses, segment = dissect(frame)
                packets += 1
                wire_bytes += wire
                syns += segment[13] & 0x12 == 0x02
                self.assertGreaterEqual(time, last)
                last = time
                if version == 4:
                    self.assertEqual(checksum(header), 0xFFFF)
                self.assertEqual(checksum(addresses + struct.pack("!HH", 6, len(segment)) + segment), 0xFFFF)
            self.assertEqual((packets, syns, wire_bytes),
                             (summary["packets"], summary["syns"], summary["wire_bytes"]))
            self.assertEqual(packets, 20000)
            self.assertGreater(summary["unanswered_syns"], 0)
            self.assertGreater(summary["rst_syns"], 0)

    def test_the_mix(self):
        capture, summary = generate("mixed96", 100000, 3)
        vlan = ipv6 = 0
        for _, frame, wire in frames(capture):
            is_vlan, version, *_ = dissect(frame)
            vlan += is_vlan
            ipv6 += version == 6
            self.assertLessEqual(len(frame), 96)
            self.assertLessEqual(len(frame), wire)
        self.assertAlmostEqual(ipv6 / summary["packets"], 0.15, delta=0.02)
        self.assertAlmostEqual(vlan / summary["packets"], 0.12, delta=0.02)
        self.assertAlmostEqual(summary["wire_bytes"] / summary["packets"], 800, delta=40)

    def test_usage(self):
        for arguments in ([], ["syn", "10"], ["other", "10", "1"], ["syn", "ten", "1"]):
            self.assertEqual(subprocess.run([TRAFFIC, *arguments], capture_output=True, check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""Writes the seed inputs of the packet and capture fuzzers: fuzz/corpus/<target>/<name>.

Run it after changing it; the files are committed. Deterministic. lz4 and zstd seeds need these programs.
Left out: the seeds of other parsers, which are small texts kept by hand.
"""

import gzip
import lzma
import os
import shutil
import struct
import subprocess

ROOT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fuzz", "corpus")

SYN_OPTIONS = bytes.fromhex("020405b4 0402 080a 0001e240 00000000 01 030307")
TIMESTAMPS = bytes.fromhex("0101 080a 00000005 00000009")
# The order of kLinks in fuzz_packet.cpp.
LINKS = ["ethernet", "raw", "sll", "sll2", "null", "loop", "ppp", "hdlc", "pppoe", "raw12", "raw14", "ipv4", "ipv6"]


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp(options=SYN_OPTIONS, flags=2, payload=b""):
    offset = 5 + len(options) // 4
    return struct.pack("!HHIIBBHHH", 40001, 80, 1, 2, offset << 4, flags, 64240, 0, 0) + options + payload


def ipv4(payload, protocol=6, fragment=0):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, fragment, 64, protocol, 0,
                         bytes([198, 51, 100, 7]), bytes([10, 0, 0, 1]))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ipv6(payload, following=6):
    address = bytes.fromhex("20010db8000000000000000000000001")
    return struct.pack("!IHBB", 6 << 28, len(payload), following, 64) + address + address + payload


def ethernet(kind, payload):
    return bytes.fromhex("020000000001 020000000002") + struct.pack("!H", kind) + payload


def packets():
    def put(link, frame, wire=0):
        return bytes([LINKS.index(link), wire]) + frame

    syn4, syn6 = ipv4(tcp()), ipv6(tcp())
    vlan = struct.pack("!HH", 0x6078, 0x0800) + syn4
    extended = ipv6(bytes([44, 0, 5, 2, 0, 0, 0, 0]) + bytes([51, 0, 0, 1, 0, 0, 0, 9]) +
                    bytes([60, 1]) + bytes(10) + bytes([6, 0, 1, 4, 0, 0, 0, 0]) + tcp(), 0)
    arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, bytes(6), bytes([10, 0, 0, 1]), bytes(6), bytes(4))
    pppoe = bytes.fromhex("1100 0001 003e")
    return {
        "ethernet": put("ethernet", ethernet(0x0800, syn4)),
        "ethernet6": put("ethernet", ethernet(0x86DD, syn6)),
        "vlan": put("ethernet", ethernet(0x8100, vlan)),
        "qinq": put("ethernet", ethernet(0x88A8, struct.pack("!HH", 7, 0x8100) + vlan)),
        "snap": put("ethernet", ethernet(60, bytes.fromhex("aaaa03000000 0800") + syn4)),
        "pppoe-in-ethernet": put("ethernet", ethernet(0x8864, pppoe + b"\0\x21" + syn4)),
        "arp": put("ethernet", ethernet(0x0806, arp)),
        "raw4": put("raw", syn4),
        "data": put("raw", ipv4(tcp(TIMESTAMPS, 0x18, b"GET / HTTP/1.0\r\n\r\n"))),
        "cut": put("ethernet", ethernet(0x0800, syn4)[:54], 3),
        "first-fragment": put("raw", ipv4(tcp(), fragment=0x2000)),
        "fragment": put("raw", ipv4(tcp(), fragment=3)),
        "extensions": put("raw", extended),
        "icmp": put("raw", ipv4(bytes([3, 1]) + bytes(6) + syn4[:28], 1)),
        "icmp6": put("raw", ipv6(bytes([1, 0]) + bytes(6) + syn6, 58)),
        "sll": put("sll", struct.pack("!HHH8sH", 0, 1, 6, bytes(8), 0x0800) + syn4),
        "sll2": put("sll2", struct.pack("!HHIHBB8s", 0x0800, 0, 2, 1, 0, 6, bytes(8)) + syn4),
        "null": put("null", bytes([30, 0, 0, 0]) + syn6),
        "loop": put("loop", bytes([0, 0, 0, 2]) + syn4),
        "ppp": put("ppp", b"\xff\x03\0\x21" + syn4),
        "hdlc": put("hdlc", b"\x0f\0\x08\0" + syn4),
        "pppoe": put("pppoe", pppoe + b"\0\x57" + syn6),
        "ipv6": put("ipv6", syn6),
    }


def tcp_options():
    lists = {
        "linux-syn": SYN_OPTIONS,
        "timestamps": TIMESTAMPS,
        "md5": bytes([19, 18]) + bytes(16) + b"\1\1",
        "ao": bytes([29, 16, 1, 2]) + bytes(12),
        "fast-open": bytes([254, 12, 0xF9, 0x89]) + bytes(8) + bytes([34, 2]),
        "short": bytes([2, 4, 5]),
        "zero-length": bytes([2, 0, 0, 0]),
    }
    return {name: b"\0" + data for name, data in lists.items()} | {"cut": b"\4" + SYN_OPTIONS[:16]}


FRAMES = [ethernet(0x0800, ipv4(tcp())), ethernet(0x86DD, ipv6(tcp())), ethernet(0x0800, ipv4(tcp(TIMESTAMPS, 0x10)))]


def pcap(order="<", magic=0xA1B2C3D4, extra=b"", frames=FRAMES, start=1700000000):
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 1)
    for number, frame in enumerate(frames):
        data += struct.pack(order + "IIII", start + number, 5, len(frame), len(frame)) + extra + frame
    return data


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(order):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + option(order, 1, b"a section"))


def pcapng_blocks(order):
    name = option(order, 2, b"eth0") + option(order, 9, bytes([9])) + option(order, 0, b"")
    frame = FRAMES[0]
    enhanced = struct.pack(order + "IIIII", 0, 0x17979CFE, 0x362A0000, len(frame), len(frame) + 6)
    enhanced += frame + b"\0" * (-len(frame) % 4) + option(order, 1, b"a comment") + option(order, 0, b"")
    obsolete = struct.pack(order + "HHIIII", 0, 1, 0, 9, len(frame), len(frame)) + frame
    offset = option(order, 9, bytes([0x94])) + option(order, 14, struct.pack(order + "q", -100))
    return {
        "interface": block(order, 1, struct.pack(order + "HHI", 1, 0, 96) + name),
        "interface-offset": block(order, 1, struct.pack(order + "HHI", 101, 0, 0) + offset),
        "enhanced": block(order, 6, enhanced),
        "simple": block(order, 3, struct.pack(order + "I", len(frame)) + frame),
        "obsolete": block(order, 2, obsolete),
        "names": block(order, 4, struct.pack(order + "HH", 0, 0)),
        "statistics": block(order, 5, struct.pack(order + "III", 0, 0, 0) + option(order, 5, struct.pack(order + "Q", 3))),
        "secrets": block(order, 10, bytes(16)),
        "custom": block(order, 0xBAD, bytes(8)),
    }


def pcapng():
    seeds = {}
    for name, order, pick in (("little", "<", 0), ("big", ">", 1)):
        blocks = pcapng_blocks(order)
        seeds[f"{name}-all"] = bytes([pick]) + b"".join(blocks.values())
        seeds[f"{name}-short"] = bytes([pick]) + blocks["interface"] + blocks["enhanced"]
        seeds[f"{name}-offset"] = bytes([pick]) + blocks["interface-offset"] + blocks["enhanced"] + blocks["simple"]
        seeds[f"{name}-section"] = bytes([2]) + section(order) + blocks["interface"] + blocks["enhanced"]
    return seeds


def whole_pcapng(order):
    return section(order) + b"".join(pcapng_blocks(order).values())


def pcaps():
    # fuzz_pcap picks the magic number by the first byte modulo six; these bytes pick the one they belong to.
    def picked(number, data):
        return bytes([number]) + data[1:]

    return {
        "micro-little": picked(0, pcap()),
        "micro-big": picked(1, pcap(">")),
        "nano-little": picked(2, pcap("<", 0xA1B23C4D)),
        "nano-big": picked(3, pcap(">", 0xA1B23C4D)),
        "modified": picked(4, pcap("<", 0xA1B2CD34, bytes(8))),
        "cut": picked(0, pcap()[:-7]),
    }


def piped(program, data):
    return subprocess.run(program, input=data, stdout=subprocess.PIPE, check=True).stdout


def compressed():
    plain = pcap()
    seeds = {
        "gzip": gzip.compress(plain, mtime=0),
        "gzip-two": gzip.compress(plain[:100], mtime=0) + gzip.compress(plain[100:], mtime=0) + bytes(3),
        "xz": lzma.compress(plain, preset=0),
        "xz-two": lzma.compress(plain[:100], preset=0) + lzma.compress(plain[100:], preset=0),
    }
    for program in ("zstd", "lz4"):
        if shutil.which(program) is None:
            print(f"no {program} here: its seeds are left as they are")
            continue
        seeds[program] = piped([program, "-c", "-q"], plain)
        seeds[f"{program}-two"] = piped([program, "-c", "-q"], plain[:100]) + piped([program, "-c", "-q"], plain[100:])
    return seeds


def timelines():
    cut = bytes.fromhex("feedface")
    return {
        "one": pcap(),
        "two": pcap() + cut + pcap(">", start=1700000001),
        "three": pcap("<", 0xA1B23C4D) + cut + whole_pcapng("<") + cut + gzip.compress(pcap(), mtime=0),
        "broken": pcap()[:-3] + cut + b"no capture" + cut + whole_pcapng(">"),
    }


def main():
    targets = {"fuzz_packet": packets(), "fuzz_tcp_options": tcp_options(), "fuzz_pcap": pcaps(),
               "fuzz_pcapng": pcapng(), "fuzz_decompress": compressed(), "fuzz_timeline": timelines()}
    for target, seeds in targets.items():
        folder = os.path.join(ROOT, target)
        os.makedirs(folder, exist_ok=True)
        for name, data in seeds.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        print(f"{target}: {len(seeds)} seeds, {sum(map(len, seeds.values()))} bytes")


if __name__ == "__main__":
    main()

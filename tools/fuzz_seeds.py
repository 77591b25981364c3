#!/usr/bin/env python3
"""Writes the seed inputs of the fuzzers: fuzz/corpus/<target>/<name>.

Run it after changing it; the files are committed. Deterministic. lz4 seeds, zstd seeds and those taken from the measured
captures (tests/truth/data) need the lz4, zstd and tar programs. Texts come from the sample hosts of tests/hosts.
"""

import gzip
import lzma
import os
import shutil
import struct
import subprocess

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.join(TREE, "fuzz", "corpus")
HOSTS = os.path.join(TREE, "tests", "hosts")

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


def sample(*path):
    with open(os.path.join(HOSTS, *path), "rb") as file:
        return file.read()


def texts():
    return {
        "nstat": sample("flat", "nstat-az.txt"),
        "netstat-s": sample("sosreport", "sos_commands", "networking", "netstat_-s"),
        "proc-netstat": sample("tree", "proc", "net", "netstat"),
        "proc-snmp": sample("tree", "proc", "net", "snmp"),
        "two-readings": sample("two_readings.txt"),
        "sysctl-a": sample("sosreport", "sos_commands", "kernel", "sysctl_-a"),
        "ss-ltn": sample("flat", "ss-ltn.txt"),
        "ss-peaonmi": sample("sosreport", "sos_commands", "networking", "ss_-peaonmi"),
    }


def releases():
    names = ["2.6.32-642.el6.x86_64", "3.10.0-1160.el7.x86_64", "4.9.229", "3.10", "6.18.16-rc1",
             "6.1.0-13-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29) x86_64",
             "Linux web1 5.4.0-150-generic #167-Ubuntu SMP x86_64 GNU/Linux", "Ubuntu 5.4.0-150.167-generic 5.4.233",
             "Linux version 4.14.336-253.554.amzn2.x86_64 (mockbuild@ip-10-0-0-1) (gcc10-gcc)", "no version at all"]
    return {name.split(" #")[0].replace(" ", "_").replace("(", "").replace(")", "")[:40]: name.encode() for name in names}


def bundles():
    # The order of kNames in fuzz_bundle.cpp.
    names = ["uname-a", "sysctl-a", "nstat-az", "netstat_-s", "ss-ltn", "proc/version", "proc/net/snmp", "proc/net/netstat",
             "before/nstat-az", "after/nstat-az", "after/ss_-ltnp", "before/sysctl", "proc/sys/net/ipv4/tcp_tw_recycle",
             "sos_commands/kernel/uname_-a"]

    def tree(**files):
        return b"".join(bytes([names.index(name)]) + data + b"\xff" for name, data in files.items())

    nstat = sample("flat", "nstat-az.txt")
    return {
        "flat": tree(**{"uname-a": sample("flat", "uname-a.txt"), "sysctl-a": sample("flat", "sysctl-a.txt"), "nstat-az": nstat,
                        "ss-ltn": sample("flat", "ss-ltn.txt")}),
        "tree": tree(**{"proc/version": sample("tree", "proc", "version"), "proc/net/snmp": sample("tree", "proc", "net", "snmp"),
                        "proc/net/netstat": sample("tree", "proc", "net", "netstat"),
                        "proc/sys/net/ipv4/tcp_tw_recycle": b"1\n"}),
        "deltas": tree(**{"before/nstat-az": nstat, "after/nstat-az": nstat.replace(b"1", b"2"),
                          "after/ss_-ltnp": sample("flat", "ss-ltn.txt"), "before/sysctl": b"net.ipv4.tcp_syncookies = 0\n"}),
        "sosreport": tree(**{"sos_commands/kernel/uname_-a": sample("sosreport", "sos_commands", "kernel", "uname_-a"),
                             "netstat_-s": sample("sosreport", "sos_commands", "networking", "netstat_-s")}),
    }


# Recorded captures as seeds of fuzz_analyse: archive, scenario, the byte that chooses the facts (report_checks.hpp).
RECORDED = [
    ("2.6.32.69", "n1_recycle_close_srvrst", 0x09),
    ("2.6.32.69", "n12_addr", 0x01),
    ("3.10.0-1160.el7", "n1_recycle_close_srv", 0x0B),
    ("3.10.0-1160.el7", "n5_somaxconn", 0x23),
    ("3.10.0-1160.el7", "n8_synrecv", 0x00),
    ("4.9.229", "n1_two_conns", 0x8D),
    ("4.9.229", "n10_defer", 0x05),
    ("4.9.229", "n13_noroute", 0x00),
    ("4.9.229", "n7_twnots_nxtseq_nots", 0x45),
    ("6.18.44", "n13_ratelimit", 0x17),
    ("6.18.44", "n6q_cookie_stray", 0x27),
]


def recorded():
    """Nothing where zstd or tar is missing."""
    if shutil.which("zstd") is None or shutil.which("tar") is None:
        print("no zstd or tar here: the recorded captures are left as they are")
        return {}
    seeds = {}
    for kernel, scenario, facts in RECORDED:
        archive = os.path.join(TREE, "tests", "truth", "data", kernel + ".tar.zst")
        capture = subprocess.run(["tar", "-I", "zstd --long=27", "-xOf", archive, scenario + ".pcap"],
                                 stdout=subprocess.PIPE, check=True).stdout
        seeds[f"{kernel}-{scenario}"] = bytes([facts, 80]) + capture
    return seeds


def analyses():
    return recorded() | {
        "pcapng": bytes([0, 81]) + whole_pcapng("<"),
        "gzip": bytes([7, 82]) + gzip.compress(pcap(), mtime=0),
        "many": bytes([0x35, 60]) + pcap(frames=many_syns()),
    }


def many_syns():
    """More handshakes than fuzz_analyse keeps."""
    def syn(port):
        segment = tcp()
        return ethernet(0x0800, ipv4(struct.pack("!H", port) + segment[2:]))

    return [syn(40000 + number // 2) for number in range(150)]


# The tables of fuzz_handshakes.cpp.
ACTS = ["syn", "syn_ack", "ack", "data", "fin", "reset", "icmp", "broken"]
PAUSES_MS = [0, 0.04, 1, 10, 200, 499, 500, 1000, 3000, 7000, 59900, 60100, 180000, 2, 5, -1000]


def step(act, pause=1, who=0, isn=0, ack=1, ts=None, server=False, ip_id=0, plus=0):
    """One segment of a fuzz_handshakes program. isn, ack: which of four numbers; plus: added to both."""
    reverse = 8 if server or act == "syn_ack" else 0
    options = 0 if ts is None else 1 | (ts & 7) << 4
    return bytes([who | reverse | ACTS.index(act) << 4, isn | plus << 2 | ack << 4 | plus << 6, options, ip_id,
                  PAUSES_MS.index(pause)])


def connection(who=0, isn=0, ts=None):
    """Opened, used, closed by the server first."""
    near, far = dict(who=who, isn=isn, ack=2, ts=ts, plus=1), dict(who=who, isn=2, ack=isn, ts=ts, plus=1, server=True)
    return (step("syn", 10, who, isn, ts=ts) + step("syn_ack", 1, who, 2, isn, ts, plus=1) + step("ack", **near) +
            step("data", **near) + step("data", **far) + step("fin", **far) + step("fin", **near) + step("ack", **far))


def handshakes():
    def silence(who, ts=None, isn=1):
        return b"".join(step("syn", pause, who, isn, ts=ts, ip_id=number) for number, pause in enumerate([10, 1000, 3000, 7000]))

    behind = connection(0, ts=7) + silence(1, ts=0) + connection(2, ts=7) + silence(4, ts=1)
    return {
        "connection": bytes([0x03, 0, 4]) + connection(ts=3),
        "behind-a-clock": bytes([0x13, 0x0D, 9]) + behind,
        "time-wait": bytes([0x03, 7, 12]) + connection(ts=2) + step("syn", 1000, isn=1, ts=1) + step("ack", 1, isn=3, server=True),
        "full-queue": bytes([0x01, 0x25, 80]) + b"".join(step("syn", 1, who, 0) + step("syn_ack", 1, who, 2, 0, plus=1) +
                                                         step("ack", 1, who, 0, 2, plus=1) for who in range(6)) + silence(6),
        "refused": bytes([0x13, 0, 3]) + step("syn") + step("reset", server=True) + step("syn", who=1) + step("icmp", who=1) +
                   step("broken", who=2),
        "eviction": bytes([0x15, 0, 80]) + b"".join(step("syn", 1000, who, isn) for isn in range(4) for who in range(8)),
        "any-roles": bytes([0x19, 0, 80]) + connection() + step("syn", who=3, server=True) + step("syn_ack", who=3),
        "mirrored": bytes([0x03, 5, 3]) + (step("syn", 10) + step("syn", 0.04)) * 4,
    }


def emulations():
    """Packets to the emulated host: how (checksums repaired 0x80, acknowledgment relative 0x40, pause), length, bytes."""
    pauses_ms = [0, 0, 1, 10, 100, 200, 500, 999, 1000, 3000, 15000, 30000, 59000, 61000, 120000, 600000]

    def put(packet, pause_ms=1, how=0xC0):
        return struct.pack("!BH", how | pauses_ms.index(pause_ms), len(packet)) + packet

    def segment(flags, sequence, ack=0, payload=b"", port=40001, ts=5000, syn=False, v6=False):
        options = struct.pack("!4sBBIIBBBB", bytes.fromhex("020405b4"), 8, 10, ts, 0, 3, 3, 7, 0) if syn else \
            struct.pack("!BBBBII", 1, 1, 8, 10, ts, 0)
        data = struct.pack("!HHIIBBHHH", port, 80, sequence, ack, (5 + len(options) // 4) << 4, flags, 64240, 0, 0)
        data += options + payload
        if not v6:
            return ipv4(data)
        here, there = (bytes.fromhex("fd" + "00" * 14) + bytes([last]) for last in (7, 1))
        return struct.pack("!IHBB", 6 << 28, len(data), 6, 64) + here + there + data

    def visit(request, port=40001, ts=5000, close=True, v6=False, pause_ms=1):
        """Handshake, request, and acknowledgments of what may have come."""
        more = {"port": port, "ts": ts, "v6": v6}
        out = put(segment(2, 1000, syn=True, **more), pause_ms) + put(segment(16, 1001, 1, **more))
        out += put(segment(24, 1001, 1, request, **more))
        for ack in (142, 205, 1449, 2897):
            out += put(segment(16, 1001 + len(request), ack, **more))
        return out + (put(segment(17, 1001 + len(request), 206, **more)) if close else b"")

    get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET / HTTP/1.0\r\n\r\n"
    syns = b"".join(put(segment(2, 7, syn=True, port=41000 + i), pause) for i in range(12) for pause in (1, 1000))
    return {
        "keep-alive": bytes([7, 0]) + visit(get + get),
        "close": bytes([7, 2]) + visit(last),
        "client-closes": bytes([6, 4]) + visit(last),
        "ipv6": bytes([5, 0]) + visit(get, v6=True),
        "dual-stack": bytes([2, 128]) + visit(get) + visit(last, 40002, v6=True),
        "no-http": bytes([4, 1]) + visit(b"hello"),
        "errors": bytes([7, 0]) + visit(b"hello\r\n") + visit(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 40002),
        "body": bytes([7, 0]) + visit(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789" + b"HEAD / HTTP/1.1\r\n\r\n"),
        "recycle": bytes([0x0A, 2]) + visit(last, ts=9000) + visit(last, 40002, ts=100, pause_ms=1000),
        "full": bytes([0x96, 16]) + syns + visit(get, 40009),
        "cookies": bytes([0x22, 0]) + syns + visit(get, 41003, pause_ms=0),
        "slow-accept": bytes([7, 8]) + b"".join(visit(get, 42000 + i, close=False) for i in range(6)),
        "large": bytes([6, 34]) + visit(last, close=False),
        "deferred": bytes([3, 64]) + visit(get),
        "reset": bytes([7, 0]) + visit(get, close=False) + put(segment(4, 1001 + len(get))),
        "as-it-is": bytes([7, 0]) + put(ipv4(tcp()), 1, 0) + put(ipv4(tcp(), fragment=3), 1, 0) +
                    put(ipv4(bytes([8, 0]) + bytes(6), 1), 1, 0) + put(ipv6(tcp()), 1, 0) + put(b"", 1, 0),
    }


def main():
    targets = {"fuzz_packet": packets(), "fuzz_tcp_options": tcp_options(), "fuzz_pcap": pcaps(),
               "fuzz_pcapng": pcapng(), "fuzz_decompress": compressed(), "fuzz_timeline": timelines(),
               "fuzz_netstat": texts(), "fuzz_release": releases(), "fuzz_bundle": bundles(), "fuzz_analyse": analyses(),
               "fuzz_handshakes": handshakes(), "fuzz_emulate": emulations()}
    for target, seeds in targets.items():
        folder = os.path.join(ROOT, target)
        os.makedirs(folder, exist_ok=True)
        for name, data in seeds.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        print(f"{target}: {len(seeds)} seeds, {sum(map(len, seeds.values()))} bytes")


if __name__ == "__main__":
    main()

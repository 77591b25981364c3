"""Small pcap files, built by hand: every byte is known."""

import struct

SERVER = "10.0.0.1"
CLIENT = "198.51.100.7"
SYN, RST, ACK = 0x02, 0x04, 0x10
LINUX_OPTIONS = bytes([2, 4, 5, 0xB4, 4, 2, 8, 10, 0, 1, 0xE2, 0x40, 0, 0, 0, 0, 1, 3, 3, 7])
START = 1_425_211_200  # 2015-03-01 12:00:00 UTC


def _checksum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _address(text):
    return bytes(int(part) for part in text.split("."))


def frame(source, destination, flags, sequence, acknowledgment=0, options=b""):
    """An Ethernet frame with a TCP segment; endpoints are ("10.0.0.1", 80)."""
    addresses = _address(source[0]) + _address(destination[0])
    offset = (5 + len(options) // 4) << 4
    tcp = struct.pack(">HHIIBBHHH", source[1], destination[1], sequence, acknowledgment, offset, flags, 64240, 0, 0) + options
    pseudo = addresses + struct.pack(">BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack(">H", _checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 63, 6, 0) + addresses
    ip = ip[:10] + struct.pack(">H", _checksum(ip)) + ip[12:]
    return bytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]) + ip + tcp


def pcap(packets):
    """packets: [(microseconds since START, frame)]"""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for time_us, data in packets:
        out += struct.pack("<IIII", START + time_us // 1_000_000, time_us % 1_000_000, len(data), len(data)) + data
    return out


def attempt(time_us, port, server_port=80, reply="synack", isn=1000):
    """One connection attempt as [(time, frame)]; reply: synack, rst or none (then the SYN is sent three times)."""
    client, server = (CLIENT, port), (SERVER, server_port)
    syn = frame(client, server, SYN, isn, options=LINUX_OPTIONS)
    if reply == "none":
        return [(time_us, syn), (time_us + 1_000_000, syn), (time_us + 3_000_000, syn)]
    if reply == "rst":
        return [(time_us, syn), (time_us + 100, frame(server, client, RST | ACK, 0, isn + 1))]
    return [(time_us, syn), (time_us + 100, frame(server, client, SYN | ACK, 5000, isn + 1, LINUX_OPTIONS)),
            (time_us + 200, frame(client, server, ACK, isn + 1, 5001))]


def capture(*attempts):
    return pcap(sorted((packet for one in attempts for packet in one), key=lambda packet: packet[0]))


def answered(count=5):
    return capture(*(attempt(i * 200_000, 40_000 + i) for i in range(count)))


def refused(count=3):
    """Answered attempts to port 80, attempts to port 81 that get a RST."""
    return capture(*(attempt(i * 200_000, 40_000 + i) for i in range(5)),
                   *(attempt(50_000 + i * 200_000, 41_000 + i, 81, "rst") for i in range(count)))


def silent(count=3):
    """Answered attempts to port 80, attempts to port 82 that get nothing."""
    return capture(*(attempt(i * 200_000, 40_000 + i) for i in range(40)),
                   *(attempt(50_000 + i * 200_000, 42_000 + i, 82, "none") for i in range(count)))

"""Two hosts in network namespaces: a server in trouble and a client whose SYNs are made by hand.

Everything is made for one test and taken away after it: namespaces by name, processes that were started here by their
id. No shell; traffic stays inside the namespaces, a bounded number of SYNs.
"""

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from namespaces import missing, run
BINARY = os.path.abspath(os.environ.get("SYNWHY_BINARY", "synwhy"))
SERVICE = os.path.join(HERE, "service.py")
SERVER, CLIENT, FAR = "10.9.1.1", "10.9.1.2", "198.51.100.7"
SERVER6, CLIENT6 = "fd09::1", "fd09::2"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def inside(name):
    """The calling thread is in that namespace."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    other = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if _libc.setns(other, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        _libc.setns(own, CLONE_NEWNET)
        os.close(own)
        os.close(other)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syn(source, destination, source_port, port, sequence, ttl=64, options=b"", broken=False):
    """An IPv4 packet with a SYN. `broken`: a wrong TCP checksum."""
    options += b"\0" * (-len(options) % 4)
    header = struct.pack("!HHLLBBHHH", source_port, port, sequence, 0, (20 + len(options)) << 2, 2, 64240, 0, 0) + options
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    total = checksum(addresses + struct.pack("!BBH", 0, 6, len(header)) + header)
    if broken:
        total ^= 0x5555
    header = header[:16] + struct.pack("!H", total) + header[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(header), 0, 0, ttl, 6, 0) + addresses
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + header


def timestamps(value, echo=0):
    return b"\x01\x01\x08\x0a" + struct.pack("!LL", value, echo)


class Stage:
    """`server` and `client`, one link 10.9.1.0/24, and FAR reached through the client."""

    made = 0

    def __init__(self):
        Stage.made += 1
        prefix = f"swyd{os.getpid()}x{Stage.made}"
        self.names = {"server": prefix + "s", "client": prefix + "c"}
        self.services = []
        self.held = []
        for name in self.names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", self.names["server"], "link", "add", "v0", "type", "veth", "peer", "name", "v1",
            "netns", self.names["client"])
        self.ip("server", "addr", "add", SERVER + "/24", "dev", "v0")
        self.ip("client", "addr", "add", CLIENT + "/24", "dev", "v1")
        self.ip("server", "addr", "add", SERVER6 + "/64", "dev", "v0", "nodad")
        self.ip("client", "addr", "add", CLIENT6 + "/64", "dev", "v1", "nodad")
        self.ip("server", "link", "set", "v0", "up")
        self.ip("client", "link", "set", "v1", "up")
        self.ip("server", "route", "add", "198.51.100.0/24", "via", CLIENT)
        # The first packet must not wait for an address: half the tests count what comes back at once.
        for space, device, peer_space, peer, address in (
                ("server", "v0", "client", "v1", CLIENT), ("client", "v1", "server", "v0", SERVER)):
            self.ip(space, "neigh", "replace", address, "lladdr", self.mac(peer_space, peer), "dev", device,
                    "nud", "permanent")

    def mac(self, space, device):
        return json.loads(self.ip(space, "-j", "link", "show", device).stdout)[0]["address"]

    def ip(self, space, *arguments):
        return run("ip", "-n", self.names[space], *arguments)

    def within(self, space, *command, **options):
        return run("ip", "netns", "exec", self.names[space], *command, **options)

    def sysctl(self, space, name, value):
        with inside(self.names[space]), open("/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii") as file:
            file.write(str(value))

    def nft(self, space, text):
        """Blocks may follow each other on one line, which nft itself does not read."""
        self.within(space, "nft", "-f", "-", input=re.sub(r"\} (?=\}|chain|set)", "}\n", text))

    def service(self, *words):
        """A server program (service.py) in the server's namespace; ready when it listens."""
        process = subprocess.Popen(["ip", "netns", "exec", self.names["server"], sys.executable, "-B", SERVICE, *words],
                                   stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        self.services.append(process)
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"service {' '.join(words)} did not start")
        return process

    def connect(self, count, port=80, address=SERVER, timeout=1.0):
        """Real connections that are kept. @return how many were made"""
        made = 0
        with inside(self.names["client"]):
            for _ in range(count):
                connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
                connection.settimeout(timeout)
                try:
                    connection.connect((address, port))
                    made += 1
                except OSError:
                    pass
                self.held.append(connection)
        return made

    def send(self, packets, gap_s=0.0):
        with inside(self.names["client"]):
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        with raw:
            for packet in packets:
                raw.sendto(packet, (SERVER, 0))
                time.sleep(gap_s)

    def syns(self, count=5, port=80, source=FAR, first_port=20000, gap_s=0.05, **words):
        self.send([syn(source, SERVER, first_port + i, port, 1000 * (i + 1), **words) for i in range(count)], gap_s)

    def wait_for_the_tap(self):
        """Until synwhy watches: what is sent before, it cannot see."""
        with inside(self.names["server"]):
            for _ in range(200):
                with open("/proc/thread-self/net/packet", encoding="ascii") as file:
                    if len(file.readlines()) > 1:
                        return
                time.sleep(0.05)
        raise RuntimeError("synwhy check did not begin to watch within 10 s")

    def check(self, *words, during=None, seconds=1.5):
        """`synwhy check --json` in the server's namespace, `during` running beside it. @return (exit code, report)"""
        process = subprocess.Popen([BINARY, "check", "--netns", self.names["server"], "--seconds", str(seconds), "--json",
                                    *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        failure = []
        def act():
            try:
                self.wait_for_the_tap()
                during()
            except Exception as error:  # the main thread tells it
                failure.append(error)
        helper = threading.Thread(target=act) if during else None
        if helper:
            helper.start()
        out, err = process.communicate(timeout=60)
        if helper:
            helper.join()
        if failure:
            raise failure[0]
        try:
            return process.returncode, json.loads(out)
        except ValueError:
            raise RuntimeError(f"synwhy check printed no JSON (exit {process.returncode}): {out[:200]} {err[:500]}")

    def close(self):
        for connection in self.held:
            connection.close()
        for process in self.services:
            with contextlib.suppress(OSError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
            process.stdout.close()
            process.stdin.close()
        for name in self.names.values():
            run("ip", "netns", "del", name, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

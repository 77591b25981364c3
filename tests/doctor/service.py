"""A TCP server that behaves badly in the way it is told to.

service.py PORT BACKLOG HOW...    HOW: accept, never, never6 (on [::]), slow SECONDS, full (no descriptor left), reuseport GOOD BAD,
min-ttl N, md5 ADDRESS, filter (a socket filter that takes nothing)

Prints "ready" when it listens, ends when its standard input does or it is killed.
"""

import ctypes
import os
import resource
import select
import socket
import struct
import sys
import time

IP_MINTTL, TCP_MD5SIG, SO_ATTACH_FILTER, SO_REUSEPORT = 21, 14, 26, 15
kept = []


def listen(port, backlog, prepare=None, reuseport=False, address="0.0.0.0"):
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuseport:
        server.setsockopt(socket.SOL_SOCKET, SO_REUSEPORT, 1)
    server.bind((address, port))
    if prepare:
        prepare(server)
    server.listen(backlog)
    return server


def md5(address):
    def prepare(server):
        sockaddr = struct.pack("=HH4s8x112x", socket.AF_INET, 0, socket.inet_aton(address))
        key = b"secret"
        server.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, sockaddr + struct.pack("=BBHI80s", 0, 0, len(key), 0, key))
    return prepare


def filter_all(server):
    code = struct.pack("=HBBI", 0x06, 0, 0, 0)  # BPF_RET | BPF_K, 0: take no byte
    buffer = ctypes.create_string_buffer(code)
    server.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(buffer)))


def accept_until_end(servers, pause_s=0.0):
    """Accepts and closes at once; ends with standard input."""
    while True:
        ready, _, _ = select.select([sys.stdin, *servers], [], [])
        if sys.stdin in ready:
            return
        for server in ready:
            if pause_s:
                time.sleep(pause_s)
            server.accept()[0].close()


def use_up_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    while True:
        try:
            kept.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            return


def main():
    port, backlog, how, *rest = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
    servers, good = [], []
    if how == "reuseport":
        for index in range(int(rest[0]) + int(rest[1])):
            servers.append(listen(port, backlog, reuseport=True))
            if index < int(rest[0]):
                good.append(servers[-1])
    else:
        prepare = {"min-ttl": lambda server: server.setsockopt(socket.IPPROTO_IP, IP_MINTTL, int(rest[0])),
                   "filter": filter_all}.get(how)
        if how == "md5":
            prepare = md5(rest[0])
        servers.append(listen(port, backlog, prepare, address="::" if how == "never6" else "0.0.0.0"))
    if how == "full":
        use_up_descriptors()
    print("ready", flush=True)
    if how in ("never", "never6", "full"):
        sys.stdin.read()
    elif how == "slow":
        accept_until_end(servers, float(rest[0]))
    else:
        accept_until_end(good or servers)


main()

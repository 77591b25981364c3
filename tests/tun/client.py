"""A client of the emulated server, run inside a namespace.

usage: client.py get ADDRESS PORT HTTP_VERSION BYTES   one plain socket, the body is checked byte by byte
       client.py bytes ADDRESS PORT BYTES              reads until the end, sends nothing
       client.py many ADDRESS PORT COUNT               all connections open before the first request
       client.py open ADDRESS PORT COUNT SECONDS       opens, holds, prints how many were connected
Prints one line; exits 1 with a reason when something is wrong.
"""

import asyncio
import resource
import socket
import sys
import time


def body(length):
    lines = (length + 15) // 16
    return "".join(f"{line:015x}\n" for line in range(lines)).encode()[:length]


def read_all(sock):
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def expect(condition, reason):
    if not condition:
        print(reason)
        sys.exit(1)


def get(address, port, version, length):
    with socket.create_connection((address, int(port)), timeout=10) as sock:
        sock.sendall(f"GET / HTTP/{version}\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while len(data) < int(length) and (piece := sock.recv(65536)):
            data += piece
        sock.shutdown(socket.SHUT_WR)  # whoever was to close first: now both have
        head, _, content = (data + read_all(sock)).partition(b"\r\n\r\n")
    expect(head.startswith(b"HTTP/1.1 200 OK\r\n"), f"answer: {head!r}")
    expect(content == body(int(length)), f"the body is not what belongs there ({len(content)} bytes)")
    print("ok")


def plain(address, port, length):
    with socket.create_connection((address, int(port)), timeout=10) as sock:
        content = read_all(sock)
    expect(content == body(int(length)), f"the body is not what belongs there ({len(content)} bytes)")
    print("ok")


async def many(address, port, count):
    """Every connection is open before the first one asks, every one has asked before the first one is closed."""
    start = time.monotonic()
    streams = await asyncio.gather(*(asyncio.open_connection(address, int(port)) for _ in range(int(count))))
    opened = time.monotonic()
    for _, writer in streams:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    answers = await asyncio.gather(*(reader.readuntil(b"\r\n\r\n") for reader, _ in streams))
    contents = await asyncio.gather(*(reader.readexactly(64) for reader, _ in streams))
    done = time.monotonic()
    for _, writer in streams:
        writer.close()
    good = sum(a.startswith(b"HTTP/1.1 200 OK") and c == body(64) for a, c in zip(answers, contents))
    expect(good == int(count), f"{good} of {count} were answered well")
    print(f"{good} connections, open after {opened - start:.3f} s, answered after {done - start:.3f} s")


def hold(address, port, count, seconds):
    """Non-blocking connects, then a while, then how many got through."""
    sockets = []
    for _ in range(int(count)):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((address, int(port)))
        sockets.append(sock)
        time.sleep(0.03)  # one handshake after the other
    time.sleep(float(seconds))
    connected = 0
    for sock in sockets:
        try:
            sock.getpeername()
            connected += 1
        except OSError:
            pass
        sock.close()
    print(connected)


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    what, *arguments = sys.argv[1:]
    if what == "many":
        asyncio.run(many(*arguments))
    else:
        {"get": get, "bytes": plain, "open": hold}[what](*arguments)


main()

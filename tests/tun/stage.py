"""Network namespaces, an emulation in one of them, and clients in the others.

Everything is made for one test and taken away after it: namespaces by name, processes that were started here by their
id. No shell; traffic stays inside the namespaces.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import namespaces
from namespaces import run
BINARY = os.path.abspath(os.environ.get("SYNWHY_BINARY", "synwhy"))
CLIENT = os.path.join(HERE, "client.py")
SERVER = "10.0.0.1"
SERVER6 = "fd00::1"


def missing(*programs):
    """Why nothing of this can run here, or None."""
    reason = namespaces.missing(*programs)
    if reason is None and not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "needs /dev/net/tun"
    return reason


class Stage:
    """Namespaces by short names: "server" holds the emulation, others are linked to it by veth pairs."""

    made = 0

    def __init__(self):
        Stage.made += 1
        self.prefix = f"swy{os.getpid()}x{Stage.made}"
        self.spaces = []
        self.folder = tempfile.mkdtemp(prefix="synwhy-tun-")
        self.links = 0
        self.emulation = None
        self.add("server")

    def name(self, space):
        return self.prefix + space

    def add(self, space):
        run("ip", "netns", "add", self.name(space))
        self.spaces.append(space)
        self.ip(space, "link", "set", "lo", "up")

    def ip(self, space, *arguments):
        return run("ip", "-n", self.name(space), *arguments)

    def within(self, space, *command, **options):
        return run("ip", "netns", "exec", self.name(space), *command, **options)

    def sysctl(self, space, name, value):
        path = "/proc/sys/" + name.replace(".", "/")
        self.within(space, "python3", "-c", f"open({path!r}, 'w').write({str(value)!r})")

    def nft(self, space, text):
        self.within(space, "nft", "-f", "-", input=text)

    def add_client(self, space):
        """A namespace behind "server", which routes for it. Its address is 192.168.N.2."""
        self.links += 1
        near, far = f"c{self.links}s", f"c{self.links}c"
        self.add(space)
        run("ip", "link", "add", near, "netns", self.name("server"), "type", "veth", "peer", "name", far,
            "netns", self.name(space))
        self.ip("server", "addr", "add", f"192.168.{self.links}.1/24", "dev", near)
        self.ip("server", "link", "set", near, "up")
        self.ip(space, "addr", "add", f"192.168.{self.links}.2/24", "dev", far)
        self.ip(space, "link", "set", far, "up")
        self.ip(space, "route", "add", "default", "via", f"192.168.{self.links}.1")
        self.sysctl("server", "net.ipv4.ip_forward", 1)

    def masquerade(self):
        """What leaves "server" for the emulated host has the device's one address."""
        self.nft("server", """
            table ip nat { chain out { type nat hook postrouting priority 100; oifname "synwhy0" masquerade; }; }""")

    def client(self, space, *arguments, **options):
        return self.within(space, "python3", "-B", CLIENT, *arguments, **options)

    def curl(self, space, *arguments, url=f"http://{SERVER}/"):
        return self.within(space, "curl", "-sS", "--noproxy", "*", "--connect-timeout", "1", "--max-time", "5", *arguments, url,
                           check=False)

    # ------------------------------------------------------------------------------------------------ emulation

    def path(self, name):
        return os.path.join(self.folder, name)

    @property
    def control(self):
        return self.path("control")

    def emulate(self, *arguments):
        """Starts an emulation in "server" and waits until it answers questions."""
        command = ["ip", "netns", "exec", self.name("server"), BINARY, "emulate", "--control", self.control, "--json"]
        with open(self.path("out"), "w", encoding="utf-8") as out, open(self.path("err"), "w", encoding="utf-8") as err:
            self.emulation = subprocess.Popen([*command, *arguments], stdout=out, stderr=err)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.emulation.poll() is not None:
                break
            if os.path.exists(self.control) and self.ask("--show", "queues", check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError(f"emulate did not start: {self.said()}")

    def said(self):
        """What the emulation wrote to stderr."""
        with open(self.path("err"), encoding="utf-8") as file:
            return file.read()

    def ask(self, *arguments, check=True):
        return run(BINARY, "emulate", "--control", self.control, *arguments, check=check)

    def show(self, table):
        return json.loads(self.ask("--show", table, "--json").stdout)[table]

    def counter(self, name):
        return {row["counter"]: row["value"] for row in self.show("counters")}[name]

    def finish(self, by=signal.SIGTERM):
        """Ends the emulation. @return exit status, its report"""
        self.emulation.send_signal(by)
        status = self.emulation.wait(20)
        self.emulation = None
        with open(self.path("out"), encoding="utf-8") as file:
            report = json.load(file)
        return status, report

    def close(self):
        if self.emulation is not None and self.emulation.poll() is None:
            self.emulation.kill()
            self.emulation.wait()
        for space in self.spaces:
            run("ip", "netns", "del", self.name(space), check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

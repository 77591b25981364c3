"""Does the portable program need nothing but a kernel, and no newer one than 3.2?

usage: static_test.py PROGRAM SOURCE_FOLDER. Reads the ELF file itself, then runs the program in a root folder that holds
only it and a capture; without the right to chroot that part says so.
"""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE = sys.argv[1:3]
OLDEST_KERNEL = (3, 2, 0)
PT_DYNAMIC, PT_INTERP, PT_NOTE = 2, 3, 4
NT_GNU_ABI_TAG = 1


def program_headers(data):
    """(type, file offset, size) of each segment of a 64-bit little-endian ELF file."""
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, _, start, _, _, length = struct.unpack_from("<IIQQQQ", data, offset + i * size)
        yield kind, start, length


def abi_tag(data, start, length):
    """(major, minor, patch) of the oldest kernel that the C library in it asks for, or None."""
    end = start + length
    while start < end:
        name_size, size, kind = struct.unpack_from("<III", data, start)
        name = data[start + 12:start + 12 + name_size]
        content = start + 12 + (name_size + 3) // 4 * 4
        if name == b"GNU\0" and kind == NT_GNU_ABI_TAG:
            return struct.unpack_from("<IIII", data, content)[1:]
        start = content + (size + 3) // 4 * 4
    return None


class Elf(unittest.TestCase):
    def setUp(self):
        with open(PROGRAM, "rb") as file:
            self.data = file.read()

    def test_needs_no_loader_and_no_library(self):
        self.assertEqual(self.data[:6], b"\x7fELF\x02\x01")
        kinds = [kind for kind, _, _ in program_headers(self.data)]
        self.assertNotIn(PT_INTERP, kinds)
        self.assertNotIn(PT_DYNAMIC, kinds)

    def test_needs_no_newer_kernel(self):
        tags = [abi_tag(self.data, start, length)
                for kind, start, length in program_headers(self.data) if kind == PT_NOTE]
        tags = [tag for tag in tags if tag]
        self.assertTrue(tags, "the note of the C library is there")
        for tag in tags:
            self.assertLessEqual(tag, OLDEST_KERNEL)


class EmptyRoot(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="synwhy-root-")
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copy(PROGRAM, os.path.join(self.root, "synwhy"))
        for name in ("nat-timestamps.pcap.zst", "nat-control-recycle-off.pcap"):
            shutil.copy(os.path.join(SOURCE, "examples", name), self.root)
        shutil.copytree(os.path.join(SOURCE, "tests/hosts/el6"), os.path.join(self.root, "el6"))
        subprocess.run(["tar", "-C", self.root, "-czf", os.path.join(self.root, "el6.tar.gz"), "el6"], check=True)

    def run_alone(self, *arguments):
        """The finished process, run with the folder as its root; no environment, no other file."""
        def enter():
            os.chroot(self.root)
            os.chdir("/")
        try:
            return subprocess.run(["/synwhy", *arguments], preexec_fn=enter, capture_output=True, text=True, env={})
        except subprocess.SubprocessError:
            self.skipTest("chroot is for root")

    def test_runs(self):
        listed = self.run_alone("explain", "list")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("per-host-paws", listed.stdout)

    def test_reads_captures(self):
        for name, status in (("nat-timestamps.pcap.zst", 1), ("nat-control-recycle-off.pcap", 0)):
            read = self.run_alone("pcap", name)
            self.assertEqual(read.returncode, status, read.stderr)

    def test_reads_bundles(self):
        for bundle in ("el6", "el6.tar.gz"):
            read = self.run_alone("pcap", "--bundle", bundle, "nat-timestamps.pcap.zst")
            self.assertEqual(read.returncode, 1, read.stderr)
            self.assertIn("TcpExt.PAWSPassive moved by 241", read.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

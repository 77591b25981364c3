"""Does the portable program run on another kernel, as its only process?

usage: boot_test.py PROGRAM SOURCE_FOLDER. Boots a kernel in qemu, emulated, with a root that holds the program and a
capture: the program is init, reads the capture and ends, which stops the machine. The kernel is $SYNWHY_KERNEL or the
newest below /boot. Exits 77, saying why, where there is no qemu or no kernel.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

PROGRAM, SOURCE = sys.argv[1:3]
SECONDS = 600
CAPTURE = "nat-timestamps.pcap.zst"


def newc(name, mode, data=b"", device=(0, 0)):
    """One entry of a cpio archive as the kernel's initramfs wants it."""
    encoded = name.encode() + b"\0"
    fields = [1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    return header + b"\0" * (-len(header) % 4) + data + b"\0" * (-len(data) % 4)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def initramfs():
    return b"".join([
        newc("dev", 0o040755),
        newc("dev/console", 0o020600, device=(5, 1)),
        newc("synwhy", 0o100755, content(PROGRAM)),
        newc(CAPTURE, 0o100644, content(os.path.join(SOURCE, "examples", CAPTURE))),
        newc("TRAILER!!!", 0),
    ])


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def main():
    qemu = shutil.which("qemu-system-x86_64") or skip("no qemu-system-x86_64 (Debian: qemu-system-x86)")
    kernels = [os.environ["SYNWHY_KERNEL"]] if "SYNWHY_KERNEL" in os.environ else sorted(glob.glob("/boot/vmlinuz-*"))
    kernel = kernels[-1] if kernels else skip("no kernel image: install Debian's linux-image-amd64 or set SYNWHY_KERNEL")
    if not os.access(kernel, os.R_OK):
        skip(f"{kernel} cannot be read")
    with tempfile.NamedTemporaryFile(suffix=".cpio") as root:
        root.write(initramfs())
        root.flush()
        # panic=-1: when init ends the kernel panics and restarts, which -no-reboot turns into qemu's end.
        command = f"console=ttyS0 quiet panic=-1 rdinit=/synwhy -- pcap /{CAPTURE}"
        run = subprocess.run([qemu, "-accel", "tcg", "-cpu", "qemu64", "-m", "512", "-nodefaults", "-display", "none", "-no-reboot",
                              "-serial", "stdio", "-kernel", kernel, "-initrd", root.name, "-append", command],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=SECONDS)
    print(run.stdout[-6000:], run.stderr[-2000:])
    assert "Per-host PAWS" in run.stdout, "the finding is printed"
    assert "exitcode=0x00000100" in run.stdout, "exit status 1: a cause found"


if __name__ == "__main__":
    main()

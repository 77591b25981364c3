"""Does `synwhy fix` leave a host as it was: after --undo, and after kill -9 at any moment before it?

usage: fix_test.py SYNWHY

Works in a network namespace of its own, with a folder of its own for /etc and the journals; the host's own sysctls are
only read. Exit status 77 (skipped) says what is missing.
"""

import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

CLONE_NEWNET = 0x40000000
CLONE_NEWNS = 0x00020000
CAUSE = "syn-queue-full"
DROP_IN = f"etc/sysctl.d/90-synwhy-{CAUSE}.conf"
KILLS = 60


def check(condition, what):
    print(("ok   " if condition else "FAIL ") + what, flush=True)
    if not condition:
        sys.exit(1)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        return error.strerror  # write-only sysctls, values that cannot be read now


def sysctls():
    """Everything below /proc/sys/net of this namespace."""
    return {path: read(path) for folder, _, names in os.walk("/proc/sys/net") for path in
            (os.path.join(folder, name) for name in names)}


def files(root):
    """Everything below root/etc: content, mode, owner."""
    found = {}
    for folder, folders, names in os.walk(os.path.join(root, "etc")):
        for name in names + folders:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            found[path] = (read(path) if os.path.isfile(path) else None, status.st_mode, status.st_uid, status.st_gid)
    return found


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Stage:
    """A root folder with the real /proc, and the values that the cause's fix finds wrong."""

    def __init__(self, synwhy, folder):
        self.synwhy = synwhy
        self.root = folder
        os.makedirs(os.path.join(folder, "etc/sysctl.d"))
        os.symlink("/proc", os.path.join(folder, "proc"))
        write(os.path.join(folder, DROP_IN), "# somebody's own file\n")
        os.chmod(os.path.join(folder, DROP_IN), 0o640)
        os.chown(os.path.join(folder, DROP_IN), 0, 12345)
        write("/proc/sys/net/core/somaxconn", "100")
        write("/proc/sys/net/ipv4/tcp_syncookies", "0")

    def command(self, *arguments):
        return [self.synwhy, "fix", CAUSE, "--root", self.root, "--json", *arguments]

    def run(self, *arguments, code=0):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != code:
            check(False, f"{' '.join(arguments) or 'plan'} exits {code}, not {done.returncode}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout else done.stderr

    def journal(self):
        return os.path.join(self.root, f"var/lib/synwhy/{CAUSE}.journal")

    def now(self):
        return sysctls(), files(self.root)


def test_undo(stage):
    before = stage.now()
    check(stage.run(code=1)["pending"] and stage.now() == before, "a plan changes nothing")
    applied = stage.run("--apply", "--persist", "--seconds", "0")
    names = [change["name"] for change in applied["applied"]["changed"]]
    check(names == ["net.ipv4.tcp_syncookies", "net.core.somaxconn"], "apply changes the settings of the usual steps")
    check(read("/proc/sys/net/core/somaxconn") == b"4096\n", "the kernel shows the new value")
    check(b"net.core.somaxconn = 4096\n" in read(os.path.join(stage.root, DROP_IN)), "the drop-in file keeps it")
    again = stage.run("--apply", "--persist", "--seconds", "0")
    check(not again["applied"]["changed"] and not again["applied"]["drop_in_written"], "a second apply has nothing to do")
    stage.run("--undo")
    check(stage.now() == before, "undo leaves every sysctl below net/ and every file below etc/ as it was")
    check(not os.path.exists(stage.journal()), "the journal is gone")
    check(not stage.run("--undo")["undone"]["journal_found"] and stage.now() == before, "a second undo has nothing to do")


def test_watch(stage):
    applied = stage.run("--apply", "--seconds", "1")
    check(applied["watched_s"] == 1 and applied["counters"], "the counters of the cause are watched")
    check(all(counter["before"] == counter["after"] == 0 for counter in applied["counters"]), "none moves in an idle namespace")
    check("did not move before either" in applied["verdict"], "and it is said that this shows nothing")
    stage.run("--undo")


def test_namespaces(stage):
    inside = sysctls()
    other = subprocess.Popen([sys.executable, "-c", "import ctypes, time\n"
                              f"assert ctypes.CDLL(None).unshare({CLONE_NEWNET}) == 0\n"
                              "open('/proc/sys/net/core/somaxconn', 'w').write('99')\n"
                              "print('there', flush=True)\ntime.sleep(60)"], stdout=subprocess.PIPE)
    try:
        other.stdout.readline()
        applied = stage.run("--apply", "--seconds", "0", "--pid", str(other.pid))
        check(applied["applied"]["changed"] and sysctls() == inside, "--pid changes the other namespace, not this one")
        check(not stage.run("--undo")["undone"]["journal_found"], "its journal is its own")
        check(stage.run("--undo", "--pid", str(other.pid))["undone"]["restored"], "and is undone there")
    finally:
        other.kill()
        other.wait()


def test_kills(stage):
    """kill -9 after a random short delay, during apply and during undo; then undo must find the way back."""
    before = stage.now()
    seen = {"nothing": 0, "journal": 0}
    chance = random.Random(1)
    start = time.monotonic()
    stage.run("--apply", "--persist", "--seconds", "0")
    stage.run("--undo")
    whole = (time.monotonic() - start) / 2
    for _ in range(KILLS):
        process = subprocess.Popen(stage.command("--apply", "--persist", "--seconds", "0"), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 1.2 * whole))
        process.kill()
        process.wait()
        if os.path.exists(stage.journal()):
            seen["journal"] += 1
        else:
            seen["nothing"] += 1
            check_same(stage.now(), before, "no journal: nothing was changed")
        if chance.random() < 0.5:
            process = subprocess.Popen(stage.command("--undo"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, 1.2 * whole))
            process.kill()
            process.wait()
        stage.run("--undo")
        check_same(stage.now(), before, "undo after kill -9")
    leftovers = glob.glob(os.path.join(stage.root, "var/lib/synwhy/*")) + glob.glob(os.path.join(stage.root, "var/lib/synwhy/.*"))
    check([os.path.basename(path) for path in leftovers] == ["lock"], "nothing but the lock is left in the state folder")
    check(seen["nothing"] > 0 and seen["journal"] > 0, f"{KILLS} kills hit before and after the journal was written: {seen}")


def check_same(now, before, what):
    if now != before:
        difference = {key: (before[i].get(key), now[i].get(key)) for i in (0, 1) for key in {*before[i], *now[i]}
                      if before[i].get(key) != now[i].get(key)}
        check(False, f"{what}: {difference}")


def test_half_way(stage):
    """The last step of apply fails: the folder of the drop-in file cannot be written."""
    before = stage.now()
    folder = os.path.join(stage.root, "etc/sysctl.d")
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        error = stage.run("--apply", "--persist", "--seconds", "0", code=3)
    finally:
        subprocess.run(["umount", folder], check=True)
    check("nothing was left changed" in error and error.count("\n") == 1, "an apply that fails half way takes itself back")
    check(not os.path.exists(stage.journal()), "and needs no journal any more")
    check_same(stage.now(), before, "after the failure")


def test_broken_journal(stage):
    os.makedirs(os.path.dirname(stage.journal()), exist_ok=True)
    write(stage.journal(), f'synwhy fix journal 1\ncause "{CAUSE}"\nsysctl "net/core/somaxconn" "1\n')
    before = stage.now()
    for action in (["--undo"], ["--apply", "--seconds", "0"]):
        error = stage.run(*action, code=3)
        check(f"{stage.journal()}:3: " in error and error.count("\n") == 1, f"{action[0]}: a broken journal is one error with its line")
        check_same(stage.now(), before, "with a broken journal nothing is changed")
    os.unlink(stage.journal())


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} SYNWHY")
    if os.geteuid() != 0:
        print("skipped: changing sysctls in a network namespace needs root")
        sys.exit(77)
    import ctypes  # only root gets this far
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET | CLONE_NEWNS) != 0:
        print(f"skipped: unshare(CLONE_NEWNET | CLONE_NEWNS): {os.strerror(ctypes.get_errno())}")
        sys.exit(77)
    if subprocess.run(["mount", "--make-rprivate", "/"], check=False).returncode != 0:
        print("skipped: mount --make-rprivate / fails here")
        sys.exit(77)
    if not os.access("/proc/sys/net/core/somaxconn", os.W_OK) or os.statvfs("/proc/sys").f_flag & os.ST_RDONLY:
        print("skipped: /proc/sys is read-only here")
        sys.exit(77)
    for test in (test_undo, test_watch, test_namespaces, test_kills, test_half_way, test_broken_journal):
        folder = tempfile.mkdtemp(prefix="synwhy-fix-")
        try:
            test(Stage(os.path.abspath(sys.argv[1]), folder))
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()

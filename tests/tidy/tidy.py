"""What the tidy checkers share: which files are ours, and how a complaint looks.

A checker is a function tree -> list of complaints; a complaint is "path:line: message". Standard library only.
"""

import os
import subprocess
import sys


def tracked_files(tree):
    """Paths relative to tree: git's view when tree is a repository, else everything but build folders.

    A tree without usable git (an unpacked archive, a fixture, a checkout of another user) is walked.
    """
    if os.path.exists(os.path.join(tree, ".git")):
        command = ["git", "-C", tree, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            listed = subprocess.run(command, capture_output=True, check=False)
        except FileNotFoundError:
            listed = None
        if listed is not None and listed.returncode == 0:
            names = listed.stdout.decode("utf-8", "surrogateescape").split("\0")
            return sorted(name for name in names if name and os.path.isfile(os.path.join(tree, name)))
    found = []
    for folder, folders, names in os.walk(tree):
        folders[:] = sorted(f for f in folders if f not in (".git", ".cache", "node_modules", "__pycache__")
                            and not (folder == tree and f.startswith("build")))
        found += [os.path.relpath(os.path.join(folder, name), tree) for name in names]
    return sorted(found)


def read_lines(tree, path):
    """The lines of a text file, or None when it is binary."""
    with open(os.path.join(tree, path), "rb") as file:
        content = file.read()
    if b"\0" in content[:8192]:
        return None
    return content.decode("utf-8", "replace").splitlines()


def main(check):
    """Runs one checker over the tree named on the command line; exit status 1 when it complains."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {os.path.basename(sys.argv[0])} TREE")
    complaints = check(os.path.abspath(sys.argv[1]))
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)

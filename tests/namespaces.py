"""What tests in network namespaces share: may they run here, and how is a command run without a shell?"""

import os
import shutil
import subprocess


def missing(*programs):
    """Why no namespace can be made here, or which program is not there; None: nothing is missing."""
    if os.geteuid() != 0:
        return "needs root: network namespaces"
    for program in ("ip", *programs):
        if shutil.which(program) is None:
            return f"needs {program}"
    name = f"swy{os.getpid()}probe"
    probe = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        return f"needs network namespaces: {probe.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=False)
    return None


def run(*command, check=True, timeout=60, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done

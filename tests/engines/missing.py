"""What do tests of the lab need that this machine lacks?"""

import os
import shutil
import subprocess


def missing(*programs):
    """Why nothing of this can run here, or None."""
    if os.geteuid() != 0:
        return "not root"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "no /dev/net/tun"
    for program in programs:
        if shutil.which(program) is None and not os.access(f"/usr/sbin/{program}", os.X_OK):
            return f"no {program}"
    probe = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    return "no network namespaces: " + probe.stderr.decode().strip() if probe.returncode else None

# SPDX-License-Identifier: MIT
"""After a refusal: subscribers are asked, the reserve is given up, or the process ends.

Usage: recovery_test.py PART LIBRARY GUEST
"""
import os
import signal
import subprocess
import sys

library, guest = (os.path.abspath(path) for path in sys.argv[2:])
LIMIT = "hard_limit_mib:64"
RETRY = f"{LIMIT},hard_limit_action:retry"
OPTIONS = {
    "at_kernel_limit": "", "at_hard_limit": RETRY, "in_threads": RETRY, "in_vain": RETRY,
    "denied": LIMIT, "under_lock": RETRY, "in_callback": RETRY, "in_fork": RETRY,
    "aborted": f"{LIMIT},hard_limit_action:abort", "reserve": f"{LIMIT},reserve_kib:4096",
    "no_reserve": LIMIT, "cold": LIMIT,
}


def main():
    """Runs the part with its options."""
    part = sys.argv[1]
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=OPTIONS[part])
    result = subprocess.run([guest, part], env=environment, text=True, capture_output=True,
                            timeout=280, check=False)
    said = result.stderr
    if part == "aborted":
        words = ("hard_limit_action:abort", "hard_limit_mib:64", "1048576 bytes", "live", "dirty")
        right = result.returncode == -signal.SIGABRT and all(word in said for word in words)
    else:
        right = result.returncode == 0 and "done" in result.stdout and not said
    if result.returncode == 77:
        print(result.stdout)
        sys.exit(77)
    if not right:
        sys.exit(f"failed: {part} ended with {result.returncode}: {result.stdout}{said}")


main()

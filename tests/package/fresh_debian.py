# SPDX-License-Identifier: MIT
"""A Debian with nothing but what makes it one, in a folder."""
import shutil
import subprocess
import sys

# What debootstrap makes has no /proc. It is mounted where nobody but the command sees it, so that
# nothing is left mounted, however the test ends.
ENTER = 'mount -t proc proc "$0/proc" && exec chroot "$0" sh -c "$1"'


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def output_of(command, **options):
    """What a command prints, which has to succeed."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                            check=False, **options)
    expect(result.returncode == 0, f"{' '.join(map(str, command))} ended with {result.returncode}:\n"
           f"{result.stdout[-4000:]}{result.stderr[-4000:]}")
    return result.stdout


class FreshDebian:
    """Commands run in it as root, in /packages."""

    def __init__(self, root, release, mirror):
        self.root, self.release, self.mirror = root, release, mirror

    def make(self):
        """Downloads and unpacks it."""
        output_of(["debootstrap", "--variant=minbase", self.release, self.root, self.mirror])
        (self.root / "packages").mkdir()
        self.run("apt-get update")

    def run(self, command):
        """(standard output, standard error) of a line for the shell, which has to succeed."""
        result = subprocess.run(
            ["unshare", "--mount", "sh", "-c", ENTER, self.root, f"cd /packages; {command}"],
            capture_output=True, text=True, timeout=900, check=False, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
                 "DEBIAN_FRONTEND": "noninteractive"})
        expect(result.returncode == 0, f"`{command}` ended with {result.returncode}:\n"
               f"{result.stdout[-4000:]}{result.stderr[-4000:]}")
        return result.stdout, result.stderr

    def install(self, *names):
        """Packages of Debian, or of files."""
        self.run(f"apt-get install -y --no-install-recommends {' '.join(names)}")

    def take(self, files):
        """Copies files to where commands run."""
        for file in files:
            shutil.copy(file, self.root / "packages")

# SPDX-License-Identifier: MIT
"""Builds Debian's packages, and does with them in a fresh Debian what a new user does.

Usage: debian_packages_test.py SOURCES FOLDER VERSION

FOLDER keeps the packages, so that they can be looked at. The fresh Debian is made by debootstrap,
of the release that this machine has; it goes at the end.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from fresh_debian import FreshDebian, expect, output_of
import new_user

SKIPPED = 77
MIRROR = "http://deb.debian.org/debian"
PROGRAMS = {"dpkg-buildpackage": "dpkg-dev", "dh": "debhelper", "lintian": "lintian"}
PACKAGES = ("liblunalloc1", "liblunalloc-dev", "lunalloc-tools", "liblunalloc1-dbgsym",
            "lunalloc-tools-dbgsym")
sources, folder = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
version = sys.argv[3]


def skip(reason):
    """Ends the test, which cannot go on here."""
    print(f"skip: {reason}")
    sys.exit(SKIPPED)


def timed(function, *arguments):
    """Calls it, and says how long that took."""
    began = time.monotonic()
    result = function(*arguments)
    print(f"{function.__name__}: {time.monotonic() - began:.0f} s", flush=True)
    return result


def copy_tree(target):
    """What git knows or would add, so that nothing of a build comes along."""
    names = output_of(["git", "-C", sources, "-c", f"safe.directory={sources}", "ls-files", "-co",
                       "--exclude-standard", "-z"]).split("\0")
    shutil.rmtree(target, ignore_errors=True)
    for name in filter(None, names):
        if (sources / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(sources / name, target / name)


def build():
    """The packages by their names. The tree is always at one place, for a compiler's cache."""
    tree = folder / "tree"
    for old in folder.glob("*.*deb"):
        old.unlink()
    copy_tree(tree)
    # Other pythons may stand before that of Debian, which has what building needs.
    environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                   "DEB_BUILD_OPTIONS": f"nocheck parallel={os.cpu_count()}"}
    for name in ("LD_PRELOAD", "LUNALLOC_CONF", "DESTDIR", "CFLAGS", "CXXFLAGS", "LDFLAGS",
                 "MAKEFLAGS"):
        environment.pop(name, None)
    lacking = subprocess.run(["dpkg-checkbuilddeps"], cwd=tree, capture_output=True, text=True,
                             check=False)
    if lacking.returncode != 0:
        skip(lacking.stderr.strip())
    output_of(["dpkg-buildpackage", "--build=binary", "--no-sign"], cwd=tree, env=environment)
    shutil.rmtree(tree)
    found = {path.name.split("_")[0]: path for path in folder.glob("*.deb")}
    expect(set(found) == set(PACKAGES), f"the packages are {sorted(found)}")
    return found


def check_version():
    """The packages have the version of the project."""
    first = (sources / "debian/changelog").read_text().splitlines()[0]
    packaged = re.fullmatch(r"lunalloc \((.+)-\d+\) .*", first)
    expect(packaged and packaged[1] == version, f"version {version}, but debian/changelog: {first}")


def check_by_lintian():
    """It has nothing to say; what it is told to leave alone has a reason in debian/."""
    changes, = folder.glob("*.changes")
    said = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit",
                           "0", changes], capture_output=True, text=True, check=False)
    expect(said.returncode == 0 and not said.stdout, f"lintian: {said.stdout}{said.stderr}")


def release_of_machine():
    """The name of the Debian release that the packages were built on, or a skip."""
    text = pathlib.Path("/etc/os-release").read_text()
    release = dict(re.findall(r"^(\w+)=\"?([^\"\n]*)", text, re.M))
    if release.get("ID") != "debian":
        skip("the packages are built; to install them wants a Debian")
    if os.geteuid() != 0:
        skip("the packages are built; to install them in a fresh Debian wants root")
    if not shutil.which("debootstrap"):
        skip("the packages are built; to install them wants debootstrap, which is not installed")
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
        skip("the packages are built; to install them wants a mount namespace, which is forbidden")
    name = release["VERSION_CODENAME"]
    try:
        with urllib.request.urlopen(f"{MIRROR}/dists/{name}/Release", timeout=30):
            return name
    except (urllib.error.URLError, OSError) as error:
        return skip(f"the packages are built; {MIRROR} cannot be reached: {error}")


def main():
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            skip(f"{program} of the package {package} is not installed")
    check_version()
    packages = timed(build)
    timed(check_by_lintian)
    name = release_of_machine()
    # Not in /tmp, which may be mounted so that nothing there can be run.
    with tempfile.TemporaryDirectory(prefix="debian-", dir=folder) as top:
        debian = FreshDebian(pathlib.Path(top) / "root", name, MIRROR)
        timed(debian.make)
        debian.install("gcc", "libc6-dev", "man-db")
        debian.take(packages.values())
        readme = (sources / "README.md").read_text()
        timed(new_user.follows_readme, debian, readme)
        timed(new_user.reads_manual, debian, version)
        timed(new_user.preloads, debian)
        timed(new_user.links, debian, sources / "tests/preload/package/replaced.c", version)
        timed(new_user.installs_names, debian)
        timed(new_user.removes, debian)


if __name__ == "__main__":
    main()

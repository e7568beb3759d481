# SPDX-License-Identifier: MIT
"""What is hard on a profiler that sees every block: nothing breaks, and the amounts come out even.

Usage: torture_test.py PART LIBRARY GUEST PLUGIN...
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

part, library, guest, *plugins = sys.argv[1:]
guest, library = os.path.abspath(guest), os.path.abspath(library)
MAX_RESIDENT_KIB = 512 * 1024


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def module_of(profile, frame):
    """The path of the module that a frame lies in; empty if there is none."""
    address = int(frame, 16) - 1
    for module in profile["modules"]:
        if int(module["begin"], 16) <= address < int(module["end"], 16):
            return module["path"]
    return ""


def check_end(folder):
    """All was freed, so that nothing lives that the program itself allocated."""
    profile = json.loads(pathlib.Path(folder, "end.json").read_text())
    expect(profile["allocated"]["samples"] > 100, "hardly a sample")
    for site in profile["sites"]:
        if site["frames"] and module_of(profile, site["frames"][0]) == guest:
            expect(not any(site["live"].values()), f"{site} lives")
    if profile["dropped_samples"] == 0:
        expect(profile["live"]["samples"] < 100, f"{profile['live']} lives in libraries")


def check_reload(folder):
    """Each stack through a plugin goes on to the program, whatever lay there before."""
    profile = json.loads(pathlib.Path(folder, "reload.json").read_text())
    names = [os.path.realpath(plugin) for plugin in plugins]
    for site in profile["sites"]:
        modules = [module_of(profile, frame) for frame in site["frames"]]
        if any(module in names for module in modules):
            expect(guest in modules, f"a stack goes astray: {modules}")


def run(memory):
    """Runs the part with tables of so many MiB."""
    with tempfile.TemporaryDirectory() as folder:
        conf = f"profile:true,profile_interval:1,profile_memory:{memory}"
        environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
        result = subprocess.run([guest, part, folder, *map(os.path.abspath, plugins)],
                                env=environment, capture_output=True, text=True, check=False)
        if result.returncode or "done" not in result.stdout or result.stderr:
            sys.exit(f"failed: ended with {result.returncode}: {result.stdout}{result.stderr}")
        check_end(folder)
        if part == "reload":
            check_reload(folder)
    resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    expect(resident < MAX_RESIDENT_KIB, f"{resident} KiB were resident")


run(16)
if part == "switches":
    run(1)  # few find room

# SPDX-License-Identifier: MIT
"""Programs that leak, or only look so, and what the report of leaks says of them.

Usage: leaks_test.py PART LIBRARY GUEST PLUGIN
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

part, library, guest, plugin = sys.argv[1], *map(os.path.abspath, sys.argv[2:])
CONF = "profile:true,profile_interval:512,profile_cpu_percent:0"

# The function that leaks.
LEAKS = {
    "slow_leak": "leak_slowly", "untrimmed_list": "append_to_log", "cycles": "make_pair_of_nodes",
    "plugin": "call_plugin", "sessions": "serve_session", "one_thread": "leak_in_one_thread",
    "container": "index_request", "realloc_growth": "extend_buffer", "intern_unbounded": "intern",
}
# The function that does not, and what it is instead.
OTHERS = {"burst": ("load_startup_data", "burst"), "cache": ("fill_cache", "plateau"),
          "intern_plateau": ("intern", "plateau"), "singleton": ("make_singleton", "steady")}


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def run(name, folder, conf=""):
    """Runs a part of the guest; returns its report and what it says on stderr."""
    path = pathlib.Path(folder, "report.json")
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=f"{CONF},{conf}")
    result = subprocess.run([guest, name, path, plugin], env=environment, capture_output=True,
                            text=True, timeout=200, check=False)
    if result.returncode or "done" not in result.stdout:
        sys.exit(f"failed: {name} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return json.loads(path.read_text()), result.stderr


def functions(site):
    """The names of the functions on its stack."""
    return " ".join(frame["function"] for frame in site["frames"])


def suspects(report):
    """The sites that the report calls leaks, in its order."""
    return [site for site in report["sites"]
            if site["verdict"] in ("lost", "leak", "grows") and not site["suppressed"]]


def told(sites):
    """What a failure shows of sites."""
    return "".join(f"\n{site['verdict']} {site['confidence']}: {site['reason']}:"
                   f" {functions(site)} {site['history']}" for site in sites)


def check_leak(report, function):
    """The one that leaks comes first, and nobody innocent is suspected."""
    found = suspects(report)
    expect(found and function in functions(found[0]), f"{function} is not first:"
           f" {told(report['sites'])}")
    expect(not any("innocent" in functions(site) for site in found), told(found))
    expect("grew from" in found[0]["reason"], found[0]["reason"])


def check_other(report, function, verdict):
    """Nobody is suspected, and what looks like a leak is told apart."""
    expect(not suspects(report), f"suspects: {told(suspects(report))}")
    sites = [site for site in report["sites"] if function in functions(site)]
    if verdict == "steady":
        expect(not sites, told(sites))
    else:
        expect(any(site["verdict"] == verdict for site in sites), told(report["sites"]))


def suppressed(folder):
    """A leak that is known is counted, and told of no more."""
    path = pathlib.Path(folder, "known")
    path.write_text("# known\nleak:leak_slowly\nnonsense\nleak:*\nleak:^no_such_name$\n")
    report, errors = run("slow_leak", folder, f"leak_suppressions:{path}")
    expect(not suspects(report), told(suspects(report)))
    rows = {row["pattern"]: row["sites"] for row in report["suppressions"]}
    expect(rows["leak_slowly"] >= 1 and rows["^no_such_name$"] == 0, f"{rows}")
    for line, what in ((3, "does not begin with leak:"), (4, "stands for everything")):
        expect(f"lunalloc: {path}:{line}: " in errors and what in errors, errors)
    path.write_text(f"leak:{os.path.basename(guest)}\n")  # all of a module
    report, errors = run("slow_leak", folder, f"leak_suppressions:{path}")
    expect(not suspects(report) and not errors, f"{errors}{told(suspects(report))}")
    _, errors = run("slow_leak", folder, "leak_suppressions:/no/such/file")
    expect("/no/such/file: cannot be read" in errors, errors)


def at_exit(folder):
    """The option alone writes a report for people."""
    _, errors = run("slow_leak", folder, f"leak_report_at_exit:true,profile_file:{folder}/%e.%n")
    expect(errors == "", errors)
    text = pathlib.Path(folder, "leaks_guest.0000.leaks.txt").read_text()
    expect(text.startswith("Leak report of "), text)
    first = text.split("\n\n")[1]
    expect(first.startswith("1. leak, confidence ") and "leak_slowly" in first, text)
    expect(not list(pathlib.Path(folder).glob("*.leaks.json")), "as JSON, though nobody asked")
    run("slow_leak", folder,
        f"leak_report_at_exit:true,leak_report_json:true,profile_file:{folder}/both")
    expect(pathlib.Path(folder, "both.leaks.txt").read_text().startswith("Leak report of "), "text")
    told_twice = json.loads(pathlib.Path(folder, "both.leaks.json").read_text())
    expect("leak_slowly" in functions(told_twice["sites"][0]), f"{told_twice['sites'][0]}")


def proof(folder):
    """What nothing points to comes first, and is nowhere where all is kept."""
    report, errors = run("cycles", folder, "leak_proof:true")
    first = report["sites"][0]
    expect(not errors and report["proved"] and first["verdict"] == "lost", f"{errors}{first}")
    expect(LEAKS["cycles"] in functions(first) and first["lost_definitely"], f"{first}")
    expect(first["lost_bytes"] > 0.95 * first["live_bytes"], f"{first}")
    expect(first["reason"].startswith("nothing points to "), first["reason"])
    for name in ("cache", "container", "singleton"):
        report, errors = run(name, folder, "leak_proof:true")
        lost = [site for site in report["sites"] if site["lost_bytes"] != 0]
        expect(not errors and report["proved"] and not lost, f"{name}: {errors}{told(lost)}")


with tempfile.TemporaryDirectory() as scratch:
    if part in LEAKS:
        check_leak(run(part, scratch)[0], LEAKS[part])
    elif part in OTHERS:
        check_other(run(part, scratch)[0], *OTHERS[part])
    else:
        {"suppressed": suppressed, "at_exit": at_exit, "proof": proof}[part](scratch)

# SPDX-License-Identifier: MIT
"""The guest's files, and reports of them."""
import os
import pathlib
import subprocess
import sys

SKIPPED = 77
# The last arguments, but for a word.
library, luna, guest = [os.path.abspath(path) for path in sys.argv if "/" in path][-3:]
PATIENCE_S = 100


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def run_guest(folder, orders=10_000, more=""):
    """Runs it; the files that it leaves, by their endings."""
    conf = ("profile:true,profile_interval:4096,profile_cpu_percent:0,profile_at_exit:true,"
            "profile_format:json,leak_report_at_exit:true,leak_report_json:true,"
            f"profile_file:{folder}/shop,stats_file:{folder}/shop.stats.json,"
            f"blackbox:{folder}/shop.box{more}")
    subprocess.run([guest, str(orders)], check=True, timeout=PATIENCE_S,
                   env={**os.environ, "LD_PRELOAD": library, "LUNALLOC_CONF": conf})
    return {name: str(pathlib.Path(folder, "shop." + name))
            for name in ("json", "leaks.json", "stats.json", "box")}


def ask(*arguments):
    """(exit status, output, messages) of luna."""
    environment = {name: value for name, value in os.environ.items() if name != "DEBUGINFOD_URLS"}
    result = subprocess.run([luna, *map(str, arguments)], capture_output=True, text=True,
                            timeout=PATIENCE_S, check=False, env=environment)
    return result.returncode, result.stdout, result.stderr


def make_report(folder, *files):
    """The path of a report of those files, or with those options."""
    path = f"{folder}/report.html"
    status, _, words = ask("report", *files, "-o", path)
    if "built without the page" in words:
        print("skip: what the page is built from could not be fetched")
        sys.exit(SKIPPED)
    expect(status == 0, words)
    return path


def report_run(folder, *options):
    """Runs the guest under luna: the path of the report, and what luna said."""
    path = f"{folder}/run.html"
    status, _, words = ask("run", "--lib", library, "--report", path, "--profile=4096", "-o", folder,
                           "--conf", "profile_cpu_percent:0", *options, "--", guest, "10000")
    expect(status == 0, words)
    return path, words


def line_of(word):
    """Where the guest's source has `line: WORD` at the end of a line."""
    source = pathlib.Path(__file__).with_name("shop_guest.cpp")
    for number, line in enumerate(source.read_text().splitlines(), 1):
        if line.endswith(f"line: {word}"):
            return number
    sys.exit(f"failed: no {word} in {source}")

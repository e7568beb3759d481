# SPDX-License-Identifier: MIT
"""Fails if the example does not tell which tenant leaks.

Usage: requests_test.py PROGRAM
"""
import json
import pathlib
import subprocess
import sys
import tempfile

LEAKED = 2000 * 2000  # bytes, in as many objects as requests of the tenant

with tempfile.TemporaryDirectory() as folder:
    profile, report = (pathlib.Path(folder) / name for name in ("profile.json", "leaks.txt"))
    subprocess.run([sys.argv[1], profile, report], check=True, timeout=100)
    sites = json.loads(profile.read_text())["sites"]
    leaks = report.read_text()

live = {}
for site in sites:
    tenant = site.get("labels", {}).get("tenant", "none")
    live[tenant] = live.get(tenant, 0) + site["live"]["bytes"]
if not LEAKED / 2 < live["blue"] < 2 * LEAKED or live["green"] > LEAKED / 100:
    sys.exit(f"failed: live bytes of tenants are {live}")
if "1. leak" not in leaks or "[tenant=blue]" not in leaks or "[tenant=green]" in leaks:
    sys.exit(f"failed: the report says {leaks}")

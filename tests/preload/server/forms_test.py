# SPDX-License-Identifier: MIT
"""The forms in which the control socket tells statistics, profiles and leaks.

Usage: forms_test.py LIBRARY
"""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from guest import Guest, ask, expect

library = os.path.abspath(sys.argv[1])

with Guest(library) as guest:
    for address in ("/debug/leaks", "/debug/pprof/heap?format=json"):
        status, _, words = ask(guest.path, address)
        expect(status == 409 and b"no samples" in words, f"{address}: {status} {words}")
    ask(guest.path, "/control/profile.interval", "PUT", b"1")
    ask(guest.path, "/control/profile.active", "PUT", b"true")
    guest.tell("len([kept.append(bytearray(100000)) for i in range(50)])")
    for address, kind, begin in (
            ("/stats.txt", "text/plain; charset=utf-8", b"lunalloc statistics\n"),
            ("/debug/pprof/heap?format=text", "text/plain; charset=utf-8", b"Heap profile of "),
            ("/debug/pprof/heap?format=json&kind=peak", "application/json", b"{"),
            ("/debug/pprof/heap?format=heap_v2&kind=peak", "text/plain; charset=utf-8", b"heap_v2/"),
            ("/debug/pprof/heap?format=pprof&debug=1", "application/octet-stream", b"\x1f\x8b"),
            ("/debug/leaks", "text/plain; charset=utf-8", b"Leak report of "),
            ("/debug/leaks?format=text&prove=0", "text/plain; charset=utf-8", b"Leak report of "),
            ("/debug/leaks?format=json", "application/json", b"{")):
        status, fields, body = ask(guest.path, address)
        expect(status == 200 and body.startswith(begin), f"{address}: {status} {body[:200]}")
        expect(fields["content-type"] == kind, f"{address}: {fields}")
    body = ask(guest.path, "/debug/leaks?format=json&prove=1")[2]
    expect(json.loads(body)["proved"], f"prove=1: {body}")
    for address, words in (("/debug/pprof/heap?format=svg", b"format wants"),
                           ("/debug/pprof/heap?format=", b"format wants"),
                           ("/debug/pprof/heap?kind=heaps", b"kind wants"),
                           ("/debug/pprof/heap?format=heap_v2&kind=growth", b"cannot say"),
                           ("/debug/pprof/allocs?format=gperftools&seconds=1", b"cannot say"),
                           ("/debug/leaks?format=pprof", b"text or json"),
                           ("/debug/leaks?prove=2", b"prove 0 or 1")):
        status, _, body = ask(guest.path, address)
        expect(status == 400 and words in body, f"{address}: {status} {body}")
    expect(ask(guest.path, "/debug/leaks", "PUT", b"1")[0] == 405, "PUT")
    guest.end()

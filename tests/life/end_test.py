# SPDX-License-Identifier: MIT
"""A process ends while its threads allocate and all of the library is at work, over and over.

Usage: end_test.py WAY LIBRARY GUEST

LUNA_LIFE_ENDS says how often, all ways together. That main ends first is tried less often, as
threads of the library then take up to a second to notice.
"""
import os
import pathlib
import signal
import sys
import tempfile

import life

way = sys.argv[1]
library, guest = (os.path.abspath(path) for path in sys.argv[2:])
CODE = 17
STATUSES = {"abort": -signal.SIGABRT, "main_first": 0}
WITH_EXIT_HANDLERS = {"exit", "exit_in_thread", "main_first", "cancel_deferred", "cancel_at_once"}
WAYS = 7


def expect_told(folder, what):
    """What is written at the exit is there where exit handlers run, and nowhere else."""
    profiles = list(pathlib.Path(folder).glob("profile.*"))
    ends = way in WITH_EXIT_HANDLERS
    life.expect(len(profiles) == ends, f"{what}: {len(profiles)} profiles")
    life.expect(all(path.stat().st_size > 0 for path in profiles), f"{what}: an empty profile")
    sockets = list(pathlib.Path(folder).glob("socket.*"))
    life.expect(len(sockets) == (not ends), f"{what}: {len(sockets)} sockets are left")


share = WAYS if way != "main_first" else 4 * WAYS
rounds = -(-life.count_of("ENDS") // share)
for number in range(rounds):
    with tempfile.TemporaryDirectory() as place:
        conf = life.everything(place, 1 if number % 2 else 524288)
        conf += f",profile_at_exit:true,profile_file:{place}/profile.%p"
        _, said = life.run([guest, way], library, conf, seconds=60,
                           status=STATUSES.get(way, CODE), cwd=place)
        life.expect(said == "", f"{way}: {said}")
        expect_told(place, f"{way}, round {number}")
print(f"{rounds} ends by {way}")

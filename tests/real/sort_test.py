# SPDX-License-Identifier: MIT
"""sort with a small and a large buffer, in threads; and other text tools of coreutils."""
import random

import support


def lines():
    numbers = random.Random(13)
    return "".join(f"{numbers.randrange(10**6)} {'w' * numbers.randrange(60)}{numbers.randrange(999)} "
                   f"{numbers.random():.6f}\n" for _ in range(150_000))


def scenario(stage):
    text = lines()
    stage.write("lines", text)
    stage.check_maps_printed_by(["cat", "/proc/self/maps"])

    small = stage.command(["sort", "-S", "1M", "--parallel=2", "lines"])
    large = stage.command(["sort", "-S", "200M", "--parallel=2", "lines"])
    by_field = stage.command(["sort", "-S", "8M", "-k2,2r", "-k3,3g", "-k1,1n", "lines"])
    stage.write("sorted", small)
    stage.write("other", stage.command(["sort", "-u", "-k1,1", "lines"]))

    expected = "".join(sorted(text.splitlines(keepends=True))).encode()
    stage.environment["LC_ALL"] = "C"
    bytewise = stage.command(["sort", "-S", "3M", "lines"])
    support.expect(bytewise == expected and large == small, "not sorted")
    return {
        "small buffer": small, "by field": by_field,
        "check": stage.command(["sort", "-c", "sorted"]),
        "merge": support.digest(stage.command(["sort", "-m", "sorted", "other"])),
        "reversed": support.digest(stage.command(["tac", "lines"])),
        "joined": support.digest(stage.command(["join", "sorted", "other"], statuses=(0, 1),
                                               compare_messages=False)),
        "shuffled": support.digest(stage.command(["shuf", "--random-source=lines", "lines"])),
        "names": support.digest(stage.command(["ls", "-lR", "/usr/share/doc/coreutils", "/usr/include"])),
    }


if __name__ == "__main__":
    support.main(scenario, {"sort": "coreutils"})

# SPDX-License-Identifier: MIT
"""xz with two threads: the same compressed bytes, and the way back."""
import random

import support


def text():
    """Returns text that compresses well in some places and badly in others."""
    numbers = random.Random(11)
    words = [b"%x" % numbers.randrange(16**8) for _ in range(3000)]
    parts = [b" ".join(numbers.choices(words, k=2000)) for _ in range(120)]
    return b"\n".join([*parts, numbers.randbytes(600_000), bytes(2_000_000)])


def scenario(stage):
    original = text()
    stage.write("text", original)

    packed = stage.command(["xz", "-T2", "--block-size=700KiB", "-4", "-c", "text"])
    stage.write("text.xz", packed)
    unpacked = stage.command(["xz", "-T2", "-dc", "text.xz"])
    tested = stage.command(["xz", "-T1", "-tv", "text.xz"], compare_messages=False)
    legacy = stage.command(["xz", "--format=lzma", "-3", "-c", "text"])

    support.expect(unpacked == original, "the way back does not lead to the original")
    return {"compressed": packed, "tested": tested, "lzma": legacy}


if __name__ == "__main__":
    support.main(scenario, {"xz": "xz-utils"})

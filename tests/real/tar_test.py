# SPDX-License-Identifier: MIT
"""tar: packs a tree through three compressors, takes it apart again, and compares."""
import os
import random

import support


def grow_tree(stage):
    numbers = random.Random(17)
    for i in range(600):
        depth = "/".join(f"folder{numbers.randrange(4)}" for _ in range(numbers.randrange(6)))
        stage.write(f"tree/{depth}/file{i}{'n' * numbers.randrange(150)}",
                    numbers.randbytes(numbers.randrange(2000)) * numbers.randrange(12))
    for i in range(40):
        os.symlink(f"file{i}", stage.directory / f"tree/link{i}")
    with open(stage.write("tree/sparse", ""), "r+b") as sparse:
        for block in range(30):
            sparse.seek(block * 100_000)
            sparse.write(b"data")


def scenario(stage):
    grow_tree(stage)
    pack = ["tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rw,a+X"]

    archives = {}
    for name, options in [
        ("plain.tar", ["--format=pax", "--pax-option=delete=atime,delete=ctime"]),
        ("sparse.tar", ["--format=gnu", "--sparse"]),
        ("tree.tar.gz", ["--format=gnu", "--gzip"]),
        ("tree.tar.xz", ["--format=gnu", "--xz"]),
    ]:
        stage.command([*pack, *options, "-cf", name, "tree"], environment={"XZ_OPT": "-1"})
        archives[name] = stage.read(name)
        (stage.directory / "back").mkdir()
        stage.command(["tar", "-xf", name, "-C", "back"])
        stage.command(["diff", "-r", "--no-dereference", "tree", "back/tree"])
        stage.command(["rm", "-r", "back"])
    listing = stage.command(["tar", "-tvf", "tree.tar.xz"])
    support.expect(listing.count(b"\n") > 600, "files are missing")
    return {**archives, "listing": listing}


if __name__ == "__main__":
    support.main(scenario, {"tar": "tar", "gzip": "gzip", "xz": "xz-utils"})

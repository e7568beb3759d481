# SPDX-License-Identifier: MIT
"""git: many commits, a merge, gc --aggressive with threads, fsck, clone; same hashes."""
import random

import support

COMMITS = 250


def history():
    """Returns a stream for git fast-import: files that grow and change bit by bit."""
    numbers = random.Random(3)
    files = {f"folder{i % 5}/file{i}.txt": [f"line {n} of {i}" for n in range(300)]
             for i in range(20)}
    stream = []
    for commit in range(COMMITS):
        message = f"commit {commit}"
        stream.append(f"commit refs/heads/main\ncommitter A <a@example.org> {10**9 + commit} +0000\n"
                      f"data {len(message)}\n{message}\n")
        for name in sorted(numbers.sample(sorted(files), 4)):
            for _ in range(6):
                files[name][numbers.randrange(300)] = f"line {numbers.random()}"
            files[name].append(f"appended {commit}")
            content = "\n".join(files[name])
            stream.append(f"M 100644 inline {name}\ndata {len(content)}\n{content}\n")
    return "".join(stream).encode()


def scenario(stage):
    stage.environment |= {"GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        stage.environment |= {f"GIT_{role}_NAME": "A", f"GIT_{role}_EMAIL": "a@example.org",
                              f"GIT_{role}_DATE": "1000000000 +0000"}

    def git(*arguments, stdin=b""):
        return stage.command(["git", "-c", "pack.threads=2", *arguments], stdin=stdin)

    git("init", "--quiet", "--initial-branch=main")
    git("fast-import", "--quiet", stdin=history())
    git("reset", "--quiet", "--hard")
    git("checkout", "--quiet", "-b", "side", "HEAD~100")
    for i in range(10):
        stage.write(f"side/file{i}", f"content {i}\n" * (i + 1))
        git("add", ".")
        git("commit", "--quiet", "-m", f"side {i}")
    git("merge", "--quiet", "-m", "merge", "main")
    git("gc", "--aggressive", "--quiet", "--prune=now")
    checked = git("fsck", "--full", "--strict")
    git("clone", "--quiet", "--no-local", ".", "clone")

    return {
        "head": git("rev-parse", "HEAD"),
        "objects": support.digest(b"\n".join(sorted(git("rev-list", "--objects", "--all").split(b"\n")))),
        "fsck": checked,
        "log": support.digest(git("log", "--stat", "-p", "--all", "--topo-order")),
        "blame": support.digest(git("blame", "folder0/file0.txt")),
        "grep": support.digest(git("grep", "-n", "--threads=2", "appended [0-9]*7")),
        "head of the clone": git("-C", "clone", "rev-parse", "HEAD"),
        "fsck of the clone": git("-C", "clone", "fsck", "--full"),
    }


if __name__ == "__main__":
    support.main(scenario, {"git": "git"})

# SPDX-License-Identifier: MIT
"""Fails if a header does not compile alone, and a public one also as plain C or C++17.

Arguments: the root, the C++ compiler (one or more words).
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys

import source_tree

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]


def compile_alone(compiler, root, header, language):
    """The first lines of what the compiler says about the header; empty if it is happy."""
    includes = [f"-I{root / 'src'}", f"-I{root / 'include'}", f"-I{root}"]
    command = [*compiler, "-x", *language, *WARNINGS, "-fsyntax-only", *includes,
               "-include", str(header), "/dev/null"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return "\n".join(result.stderr.splitlines()[:6]) if result.returncode else ""


def main():
    root = source_tree.root_from_arguments()
    compiler = sys.argv[2:] or ["c++"]
    errors, tasks = [], []
    headers = source_tree.files(root, ("src", "include", "preload"), {".hpp", ".h"})
    with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for header in headers:
            place = header.relative_to(root)
            if "#pragma once" not in header.read_text():
                errors.append(f"{place}: no #pragma once")
            languages = [["c++", "-std=c++20"]]
            if place.parts[0] == "include" and header.suffix == ".h":
                languages.append(["c", "-std=c11"])
            elif place.parts[0] == "include":
                languages.append(["c++", "-std=c++17"])
            for language in languages:
                task = pool.submit(compile_alone, compiler, root, header, language)
                tasks.append((place, language[0], task))
    for place, language, task in tasks:
        if task.result():
            errors.append(f"{place}: does not compile alone as {language}:\n{task.result()}")
    source_tree.finish(errors, f"{len(headers)} headers compile alone")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not pathlib.Path(sys.argv[1]).is_dir():
        sys.exit("usage: headers_test.py ROOT COMPILER…")
    main()

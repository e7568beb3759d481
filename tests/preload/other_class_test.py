# SPDX-License-Identifier: MIT
"""A 32-bit child of a preloaded program ignores the library, and works.

Usage: other_class_test.py LIBRARY

The dynamic linker says that it ignores the library, so that message is not ours to prevent.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
PROGRAM = """
#include <stdlib.h>
#include <unistd.h>
int main(void) {
  free(malloc(100));
  return sizeof(void*) == 4 && write(1, "32 bits\\n", 8) == 8 ? 0 : 1;
}
"""


def skip(reason):
    """Ends the test as skipped."""
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def main():
    library, compiler = sys.argv[1], shutil.which("cc")
    if compiler is None:
        skip("no C compiler (cc) is installed")
    with tempfile.TemporaryDirectory(prefix="lunalloc-other-class-") as top:
        source, program = pathlib.Path(top, "program.c"), pathlib.Path(top, "program")
        source.write_text(PROGRAM)
        built = subprocess.run([compiler, "-m32", source, "-o", program], capture_output=True,
                               check=False)
        if built.returncode:
            skip("the compiler makes no 32-bit programs here (gcc-multilib is not installed)")
        try:
            subprocess.run([program], check=True, capture_output=True)
        except OSError as error:
            skip(f"the kernel runs no 32-bit programs ({error})")
        result = subprocess.run(["sh", "-c", '"$1"; exit $?', "sh", program], text=True,
                                env=dict(os.environ, LD_PRELOAD=library), capture_output=True,
                                check=False)
        if result.returncode or result.stdout != "32 bits\n":
            sys.exit(f"failed: it ended with {result.returncode}: {result.stdout}{result.stderr}")


if __name__ == "__main__":
    main()

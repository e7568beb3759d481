# SPDX-License-Identifier: MIT
"""What gdb loads with liblunalloc.so, and `source` loads by hand: the commands of lunalloc_gdb/,
which lies beside it in the source, and in share/lunalloc/gdb where it is installed."""
import pathlib
import sys

for parent in pathlib.Path(__file__).resolve().parents:
    found = [place for place in (parent, parent / "lunalloc" / "gdb")
             if (place / "lunalloc_gdb" / "__init__.py").is_file()]
    if found:
        if str(found[0]) not in sys.path:
            sys.path.insert(0, str(found[0]))
        import lunalloc_gdb  # noqa: F401  it registers them
        break

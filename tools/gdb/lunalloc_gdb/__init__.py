# SPDX-License-Identifier: MIT
"""Commands of gdb that look into the heap of a process on lunalloc, stopped or in a core file.

They call nothing in the process, and know its structures by the debug information of the library
alone: `luna explain`, `luna heap` and `luna largest`. docs/debugging.md shows them.
"""
from lunalloc_gdb import commands

commands.register()

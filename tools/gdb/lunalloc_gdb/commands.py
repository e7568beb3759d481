# SPDX-License-Identifier: MIT
"""The commands: what is typed, and what is said."""
import gdb

from lunalloc_gdb.block import Block
from lunalloc_gdb.heap import Heap
from lunalloc_gdb.memory import size_text
from lunalloc_gdb.summary import largest, write_summary

ROWS = 20
RUNTIME_FRAME = 0x80  # the first byte of a frame that a runtime named


class Luna(gdb.Command):
    """Looks into the heap of a process on lunalloc, stopped or in a core file."""

    def __init__(self):
        super().__init__("luna", gdb.COMMAND_DATA, prefix=True)


class LunaCommand(gdb.Command):
    """A command below `luna`, which looks anew each time, and says in a line what is wrong."""

    def __init__(self, name):
        super().__init__(f"luna {name}", gdb.COMMAND_DATA)

    def invoke(self, argument, _):
        try:
            self.run(argument)
        except gdb.MemoryError as error:
            raise gdb.GdbError(f"{error}; is it in the core file? See `info files`") from error
        except gdb.error as error:
            raise gdb.GdbError(str(error)) from error
        except KeyError as error:
            raise gdb.GdbError(f"there is no {error} in the library that this process has; use the "
                               "commands that came with it") from error

    def run(self, argument):
        """What it does."""
        raise NotImplementedError


class Explain(LunaCommand):
    """luna explain ADDRESS: the block that an address lies in, its class, whether it is live or why
it is free, of which heap, and where it was allocated if it was sampled; or what else it is."""

    def run(self, argument):
        if not argument:
            raise gdb.GdbError("usage: luna explain ADDRESS, which may be an expression")
        address = int(gdb.parse_and_eval(argument)) % (1 << 64)
        heap = Heap()
        block = Block(heap, address)
        print(f"{address:#x} {block.lines[0]}")
        if block.bytes:
            within = address - block.begin
            print(f"  block {block.begin:#x}, {block.bytes} bytes"
                  + (f"; the address is {within} bytes behind its start" if within else ""))
        for line in block.lines[1:]:
            print(f"  {line}")
        write_sample(heap, block)


class Summary(LunaCommand):
    """luna heap: where the memory of the process is: regions, large blocks, size classes, threads."""

    def run(self, _):
        write_summary(Heap())


class Largest(LunaCommand):
    """luna largest [COUNT]: the largest live blocks above 16 KiB, 20 of them unless told."""

    def run(self, argument):
        count = int(gdb.parse_and_eval(argument)) if argument else ROWS
        for size, begin, kind, name in largest(Heap(), count):
            print(f"{size_text(size):>12}  {begin:#x}  {kind}"
                  + (f" of the heap {name!r}" if name else ""))


def write_sample(heap, block):
    """Where a block was allocated, if the profiler knows."""
    sample = heap.sample_at(block.begin) if block.lives else None
    if sample is None:
        return
    asked, frames = sample
    print(f"  sampled: {asked} bytes were asked for at")
    for frame in frames:
        print(f"    {frame_text(frame)}")


def frame_text(frame):
    """A return address by its function and line."""
    if frame >> 56 == RUNTIME_FRAME:
        return "a frame that a runtime named"
    place = gdb.find_pc_line(frame - 1)
    symbol = gdb.execute(f"info symbol {frame - 1:#x}", to_string=True).strip()
    name = symbol.partition(" in section ")[0] if " in section " in symbol else ""
    line = f" at {place.symtab.filename}:{place.line}" if place.symtab else ""
    return f"{frame:#x} {name}{line}".rstrip()


def register():
    """Makes them known to gdb."""
    Luna()
    for name, command in (("explain", Explain), ("heap", Summary), ("largest", Largest)):
        command(name)

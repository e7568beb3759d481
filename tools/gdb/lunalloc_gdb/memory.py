# SPDX-License-Identifier: MIT
"""The memory of the process that gdb looks at, by the debug information of the library."""
import gdb


class Layout:
    """Where the members of a type lie, by its debug information."""

    known = {}

    def __init__(self, name):
        self.type = gdb.lookup_type(name).strip_typedefs()
        self.size = self.type.sizeof
        self.places = {}

    @classmethod
    def of(cls, name):
        if name not in cls.known:
            cls.known[name] = cls(name)
        return cls.known[name]

    def place(self, path):
        """Offset and bytes of a member, as "own.room"; also one of a base class."""
        if path not in self.places:
            kind, offset = self.type, 0
            for part in path.split("."):
                begin, kind = member(kind, part)
                offset += begin
            self.places[path] = offset, kind.sizeof
        return self.places[path]


def member(kind, name):
    """Offset and type of a member; of the base classes too."""
    for field in kind.fields():
        if field.name == name and not field.is_base_class:
            return field.bitpos // 8, field.type.strip_typedefs()
    for field in kind.fields():
        if field.is_base_class:
            try:
                begin, found = member(field.type.strip_typedefs(), name)
            except KeyError:
                continue
            return field.bitpos // 8 + begin, found
    raise KeyError(name)


class Record:
    """An object in the process: as many of its bytes as are wanted, read at once."""

    def __init__(self, name, address, before=None):
        self.layout = Layout.of(name)
        self.address = address
        self.data = read(address, self.layout.place(before)[0] if before else self.layout.size)

    def bytes(self, path):
        offset, size = self.layout.place(path)
        return self.data[offset:offset + size]

    def number(self, path):
        """A number or a pointer, also an atomic one."""
        return int.from_bytes(self.bytes(path), "little")

    def at(self, path):
        """The address of a member."""
        return self.address + self.layout.place(path)[0]


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def pointer_at(address):
    return int.from_bytes(read(address, 8), "little")


def bits(data):
    """The set that a bitmap is, as a number."""
    return int.from_bytes(data, "little")


def thread_text(number):
    return f"thread {number}" if 0 < number < 1 << 63 else "a thread that is gone"


def size_text(size):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return None

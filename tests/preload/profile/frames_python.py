# SPDX-License-Identifier: MIT
"""Tells lunalloc what Python runs, by nothing but ctypes and sys.setprofile, and allocates.

Usage: frames_python.py FILE, with lunalloc preloaded
"""
import ctypes
import sys

CAPACITY = 256


class FrameStack(ctypes.Structure):
    """luna_frame_stack of lunalloc/profile.h."""
    _fields_ = [("frames", ctypes.POINTER(ctypes.c_size_t)), ("count", ctypes.c_size_t),
                ("capacity", ctypes.c_size_t), ("without_native", ctypes.c_int)]


luna = ctypes.CDLL(None)
luna.luna_profile_frame_name.restype = ctypes.c_size_t
luna.luna_profile_frame_name.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int]
frames = (ctypes.c_size_t * CAPACITY)()
stack = FrameStack(ctypes.cast(frames, ctypes.POINTER(ctypes.c_size_t)), 0, CAPACITY, 0)
names = {}


def name_of(code):
    """The number of a function; made once."""
    if code not in names:
        names[code] = luna.luna_profile_frame_name(
            code.co_name.encode(), code.co_filename.encode(), code.co_firstlineno)
    return names[code]


def follow(frame, event, _):
    """Called by Python when a function begins or ends."""
    if event == "call":
        if stack.count < CAPACITY:
            frames[stack.count] = name_of(frame.f_code)
        stack.count += 1
    elif event == "return" and stack.count:
        stack.count -= 1


def make_row(size):
    """Allocates."""
    return bytearray(size)


def make_table(rows):
    """Allocates in another."""
    return [make_row(50000) for _ in range(rows)]


def main():
    """Keeps a table."""
    luna.luna_profile_frame_stack(ctypes.byref(stack))
    sys.setprofile(follow)
    table = make_table(100)
    sys.setprofile(None)
    luna.luna_profile_dump(sys.argv[1].encode(), 0, 1)
    luna.luna_profile_frame_stack(None)
    print(len(table))


main()

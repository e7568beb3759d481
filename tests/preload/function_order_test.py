# SPDX-License-Identifier: MIT
"""What preload/everyday.ld names lies side by side in the library, and most of it is there.

Usage: function_order_test.py EVERYDAY LIBRARY
"""
import re
import subprocess
import sys

order, library = sys.argv[1:]


def tool(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


text = tool("readelf", "-SW", library)
found = re.search(r"\.text\.everyday\s+PROGBITS\s+(\w+)\s+\w+\s+(\w+)", text)
if not found:
    sys.exit("failed: the library has no section .text.everyday: is everyday.ld given to the linker?")
begin, size = (int(number, 16) for number in found.groups())

named = set(re.findall(r"\*\(\.text\.(\S+)\)", open(order).read()))
addresses = {}
for line in tool("nm", "--defined-only", library).splitlines():
    address, _, name = line.split(maxsplit=2)
    addresses[name] = int(address, 16)

# Another compiler merges other functions into their callers.
there = named & addresses.keys()
if len(there) < 0.75 * len(named):
    sys.exit(f"failed: {len(there)} of {len(named)} functions are left: run tools/function_order.py\n"
             + "\n".join(sorted(named - there)))
outside = [name for name in there if not begin <= addresses[name] < begin + size]
# A constructor of the process, which the compiler puts elsewhere by itself.
if len(outside) > 4 or "malloc" in outside or "free" in outside:
    sys.exit(f"failed: outside of the section: {outside}")
print(f"{len(there)} of {len(named)} functions, {size} bytes")

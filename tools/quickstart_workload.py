# SPDX-License-Identifier: MIT
"""A few seconds of ordinary Python: what quickstart.sh runs with and without lunalloc.

Prints one line: seconds, peak RSS in KiB, a checksum of the results, and whose
malloc served it. Both figures are the process's own.
"""
import json
import random
import time
import zlib

ROUNDS = 3
RECORDS = 20000


class Order:
    """A small object, as programs have by the thousand."""

    def __init__(self, number, customer, lines):
        self.number = number
        self.customer = customer
        self.lines = lines

    def total(self):
        return sum(count * price for _, count, price in self.lines)


def make_orders(source):
    """Orders with names and lines of different lengths."""
    orders = []
    for number in range(RECORDS):
        customer = ("customer-%d " % source.randrange(3000)) * source.randrange(1, 4)
        lines = [("article %d" % source.randrange(10**6), source.randrange(1, 9),
                  source.randrange(100, 10000)) for _ in range(source.randrange(1, 6))]
        orders.append(Order(number, customer, lines))
    return orders


def to_json_and_back(orders):
    """The orders as text, and what a reader makes of that text."""
    text = json.dumps([vars(order) for order in orders], indent=1)
    return text, json.loads(text)


def index_words(text):
    """How often each word stands in the text."""
    counts = {}
    for line in text.split("\n"):
        for word in line.replace('"', " ").replace(",", " ").split():
            counts[word] = counts.get(word, 0) + 1
    return counts


def group(orders):
    """Total and numbers of the orders of each customer."""
    groups = {}
    for order in orders:
        groups.setdefault(order.customer, []).append((order.total(), order.number))
    return {name: (sum(total for total, _ in rows), sorted(rows)) for name, rows in groups.items()}


def run():
    """A checksum over rounds of work whose results partly outlive their round."""
    source = random.Random(7)
    kept, checksum = [], 0
    for number in range(ROUNDS):
        orders = make_orders(source)
        text, copies = to_json_and_back(orders)
        words = index_words(text)
        groups = group(orders)
        kept.append(source.sample(orders, RECORDS // 10))
        page = "\n".join("%s %d" % (name, groups[name][0]) for name in sorted(groups))
        for part in (text, page, str(len(copies) + len(words) + number)):
            checksum = zlib.crc32(part.encode(), checksum)
    return zlib.crc32(str(sum(order.total() for part in kept for order in part)).encode(), checksum)


def peak_kib():
    """The process's own peak, untouched by what its parent used."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def main():
    start = time.perf_counter()
    checksum = run()
    seconds = time.perf_counter() - start
    with open("/proc/self/maps") as maps:
        owner = "lunalloc" if "liblunalloc" in maps.read() else "glibc"
    print("%.3f %d %08x %s" % (seconds, peak_kib(), checksum, owner))


main()

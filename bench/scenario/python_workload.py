# SPDX-License-Identifier: MIT
"""python3: what does a Python program cost that parses JSON, fills dictionaries and
makes objects, when every object comes from malloc?

Run by compare.py with PYTHONMALLOC=malloc. Prints a checksum.
"""

import json
import random
import sys
import zlib


class Customer:
    def __init__(self, number: int, name: str):
        self.number = number
        self.name = name
        self.orders: list["Order"] = []


class Order:
    __slots__ = ("customer", "items", "total")

    def __init__(self, customer: Customer, items: list[tuple[str, int]]):
        self.customer = customer
        self.items = items
        self.total = sum(price for _, price in items)


def word(source: random.Random) -> str:
    return "".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=source.randint(3, 12)))


def json_round_trips(source: random.Random, rounds: int) -> int:
    document = {word(source): {"list": [source.random() for _ in range(20)],
                               "text": word(source) * 8, "flags": [True, None, i]}
                for i in range(600)}
    checksum = 0
    for _ in range(rounds):
        text = json.dumps(document, sort_keys=True)
        document = json.loads(text)
        checksum = zlib.crc32(text.encode(), checksum)
    return checksum


def count_words(source: random.Random, words: int) -> int:
    vocabulary = [word(source) for _ in range(5000)]
    counts: dict[str, int] = {}
    for i in range(words):
        key = vocabulary[source.randrange(5000)] + str(i % 17)
        counts[key] = counts.get(key, 0) + 1
    longest = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:50]
    return zlib.crc32(repr(longest).encode())


def shop(source: random.Random, orders: int) -> int:
    customers = [Customer(i, word(source)) for i in range(orders // 10 + 1)]
    for _ in range(orders):
        customer = source.choice(customers)
        items = [(word(source), source.randint(1, 99)) for _ in range(source.randint(1, 4))]
        customer.orders.append(Order(customer, items))
        if len(customer.orders) > 8:
            customer.orders.pop(0)
    best = max(customers, key=lambda c: sum(order.total for order in c.orders))
    return zlib.crc32(f"{best.number} {best.name}".encode())


def main() -> None:
    scale = 1 if "--smoke" in sys.argv else 40
    source = random.Random(47)
    checksum = json_round_trips(source, scale)
    checksum ^= count_words(source, 15_000 * scale)
    checksum ^= shop(source, 1_500 * scale)
    print(json.dumps({"scenario": "python3", "checksum": checksum}))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Reads profiles of a guest that were written as JSON and in pprof's format."""
import functools
import gzip
import json
import os
import pathlib
import subprocess


@functools.cache
def function_at(path, address):
    """The name of the function in a file."""
    lines = subprocess.run(["addr2line", "-f", "-C", "-e", path, hex(address)],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    return lines[0].split("(")[0]


class JsonProfile:
    """One that was written as JSON, with names for the frames of the guest."""

    def __init__(self, path, guest):
        self.guest = guest
        self.text = json.loads(pathlib.Path(path).read_text())
        self.modules = self.text["modules"]

    def name(self, frame):
        """The function of a frame; empty if it is none of the guest's."""
        address = int(frame, 16) - 1
        for module in self.modules:
            if int(module["begin"], 16) <= address < int(module["end"], 16):
                if module["path"] != self.guest:
                    return os.path.basename(module["path"])
                return function_at(self.guest, address - int(module["bias"], 16))
        return ""

    def sites(self, function):
        """The sites of which this function is innermost in the guest."""
        return [site for site in self.text["sites"]
                if site["frames"] and self.name(site["frames"][0]) == function]

    def amounts(self, function, kind):
        """Objects and bytes of these sites."""
        sites = self.sites(function)
        return (sum(site[kind]["objects"] for site in sites),
                sum(site[kind]["bytes"] for site in sites))

    def deepest(self, function):
        """How often the function stands on the stack that has it most often."""
        return max((sum(self.name(frame) == function for frame in site["frames"])
                    for site in self.text["sites"]), default=0)


def take_varint(data, at):
    """The number that begins there, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields_of(data):
    """The numbers and texts of a message, each with the number of its field."""
    at = 0
    while at < len(data):
        tag, at = take_varint(data, at)
        value, at = take_varint(data, at)
        if tag % 8 == 2:
            value, at = data[at:at + value], at + value
        yield tag // 8, value


def packed(data):
    """Numbers of type int64."""
    numbers, at = [], 0
    while at < len(data):
        value, at = take_varint(data, at)
        numbers.append(value - (value >> 63 << 64))
    return numbers


class PprofProfile:
    """One in pprof's format: its types of values, and each sample as addresses and values;
    beside these the labels of each, and the functions of those of its addresses that have a
    name, as function, file and line."""

    def __init__(self, path):
        fields = list(fields_of(gzip.decompress(pathlib.Path(path).read_bytes())))
        self.strings = [value.decode() for field, value in fields if field == 6]
        self.types = [self.strings[dict(fields_of(value))[1]] for field, value in fields
                      if field == 1]
        functions = {}
        for field, value in fields:
            if field == 5:
                function = dict(fields_of(value))
                functions[function[1]] = (self.strings[function[2]],
                                          self.strings[function.get(4, 0)])
        addresses = {}
        names = {}
        for field, value in fields:
            if field == 4:
                location = dict(fields_of(value))
                addresses[location[1]] = location.get(3, 0)
                if 4 in location:
                    line = dict(fields_of(location[4]))
                    names[location[1]] = (*functions[line[1]], line.get(2, 0))
        self.samples = []
        self.names = []
        self.labels = []
        for field, value in fields:
            if field == 2:
                sample = dict(fields_of(value))
                self.samples.append(([addresses[number] for number in packed(sample[1])],
                                     packed(sample[2])))
                self.names.append([names[number] for number in packed(sample[1])
                                   if number in names])
                labels = [dict(fields_of(text)) for number, text in fields_of(value) if number == 3]
                self.labels.append({self.strings[one[1]]: self.strings[one[2]] for one in labels})

    def values(self, name_of, function):
        """Sums over the samples of which this function is innermost, for each type of value."""
        sums = [0] * len(self.types)
        for addresses, values in self.samples:
            if addresses and name_of(hex(addresses[0] + 1)) == function:
                sums = [one + other for one, other in zip(sums, values, strict=True)]
        return sums

// SPDX-License-Identifier: MIT
// Which system calls of the library fail, drawn from a seed: in a child of fork() or of a thread
// that is alone the same ones in each run, among threads as they come.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fault {

// From now on some of the library's calls fail: a seed decides how many, of which kinds, and with
// which of the errors that the kernel has for each. 0: none does.
void begin(std::uint64_t seed);
void end();

// How many failed since begin(), and of which kinds: a bit for each of those that there are.
[[nodiscard]] std::uint64_t refused();
[[nodiscard]] std::uint64_t refused_kinds();
[[nodiscard]] std::size_t kinds();

}  // namespace fault

// SPDX-License-Identifier: MIT
// The allocators on this machine that can be preloaded.
#pragma once

#include <string>
#include <vector>

namespace luna::tool {

struct BenchAllocator {
  std::string name;
  std::string image;  // the path of its library; empty: that of the C library
};

// Those that are known by the names of their files, in the folders where libraries are and where
// ldconfig says; each once, by name.
[[nodiscard]] std::vector<BenchAllocator> find_rivals();

// NAME=PATH. Throws AttachError: it is not so, or no such file can be preloaded.
[[nodiscard]] BenchAllocator read_allocator(const std::string& text);

}  // namespace luna::tool

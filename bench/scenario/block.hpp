// SPDX-License-Identifier: MIT
// block: a malloc'ed block that carries its size and a tag, so that every free
// can check that nobody else wrote there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

inline constexpr std::size_t kPageBytes = 4096;

struct Block {
  std::uint64_t tag;
  std::size_t bytes;  // the whole block, this header included
};

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "scenario failed: %s\n", what);
  std::exit(1);
}

// Allocates at least a header and writes to every page of it, as an owner that
// uses its block would. Never returns null.
inline Block* make_block(std::size_t bytes, std::uint64_t tag) {
  if (bytes < sizeof(Block)) bytes = sizeof(Block);
  auto* block = static_cast<Block*>(std::malloc(bytes));
  if (block == nullptr) fail("malloc returned null");
  block->tag = tag;
  block->bytes = bytes;
  auto* raw = reinterpret_cast<unsigned char*>(block);
  for (std::size_t offset = kPageBytes; offset < bytes; offset += kPageBytes)
    raw[offset] = static_cast<unsigned char>(tag);
  if (bytes > sizeof(Block)) raw[bytes - 1] = static_cast<unsigned char>(tag);
  return block;
}

// Frees the block, which may be null, and returns its tag (0 for null).
inline std::uint64_t drop_block(Block* block) {
  if (block == nullptr) return 0;
  const std::uint64_t tag = block->tag;
  const auto* raw = reinterpret_cast<const unsigned char*>(block);
  if (block->bytes > sizeof(Block) && raw[block->bytes - 1] != static_cast<unsigned char>(tag))
    fail("a block was overwritten");
  std::free(block);
  return tag;
}

}  // namespace bench

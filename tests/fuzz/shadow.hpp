// SPDX-License-Identifier: MIT
// The blocks that a program would have, and what must hold of them: what was written stays, none
// overlaps another, each has the room that was asked for.
#pragma once

#include "base/align.hpp"
#include "fuzz/input.hpp"
#include "support/pattern.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

namespace luna::fuzz {

struct ShadowBlock {
  void* memory;
  std::size_t bytes;   // asked for
  std::size_t usable;  // of them the pattern is written
  std::uint64_t mark;
  std::size_t owner;  // whatever the fuzzer says
};

class Shadow {
 public:
  [[nodiscard]] bool empty() const { return blocks_.empty(); }
  [[nodiscard]] std::size_t count() const { return blocks_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const std::vector<ShadowBlock>& blocks() const { return blocks_; }

  // One of them, which one the input says. Requires: there is one.
  [[nodiscard]] std::size_t draw(Input& input) const { return input.below(blocks_.size()); }

  // A new block, which is filled.
  void add(void* memory, std::size_t bytes, std::size_t usable, std::size_t owner = 0) {
    insert({memory, bytes, usable, 0, owner});
    mark(blocks_.back());
  }

  // Takes a block out, whose contents must be as they were.
  ShadowBlock take(std::size_t index) {
    const ShadowBlock block = remove(index);
    check(block);
    return block;
  }

  // The same for one that may not be read any more.
  ShadowBlock remove(std::size_t index) {
    const ShadowBlock block = blocks_[index];
    blocks_[index] = blocks_.back();
    blocks_.pop_back();
    ends_.erase(address_of(block.memory));
    bytes_ -= block.usable;
    return block;
  }

  // A block that was taken is as long as `bytes` now, and there: what fits of the old contents must
  // be in it. It is filled anew.
  void put_resized(const ShadowBlock& old, void* memory, std::size_t bytes, std::size_t usable) {
    const std::size_t kept = std::min(bytes, old.bytes);
    must(test::has_pattern_prefix(memory, kept, old.usable, old.mark), "realloc keeps contents");
    add(memory, bytes, usable, old.owner);
  }

  // A block that was taken is still what it was.
  void put_back(const ShadowBlock& block) {
    insert(block);
    check(block);
  }

  void check_all() const {
    for (const ShadowBlock& block : blocks_) check(block);
  }

 private:
  static void check(const ShadowBlock& block) {
    must(test::has_pattern(block.memory, block.usable, block.mark), "contents are kept");
  }

  void insert(const ShadowBlock& block) {
    const std::uintptr_t begin = address_of(block.memory);
    const std::uintptr_t end = begin + std::max<std::size_t>(block.usable, 1);
    must(block.usable >= block.bytes, "the usable size is what was asked for or more");
    const auto next = ends_.lower_bound(begin);
    must(next == ends_.end() || next->first >= end, "blocks do not overlap the next one");
    must(next == ends_.begin() || std::prev(next)->second <= begin,
         "blocks do not overlap the one before");
    ends_[begin] = end;
    bytes_ += block.usable;
    blocks_.push_back(block);
  }

  void mark(ShadowBlock& block) {
    block.mark = ++marks_;
    test::write_pattern(block.memory, block.usable, block.mark);
  }

  std::vector<ShadowBlock> blocks_;
  std::map<std::uintptr_t, std::uintptr_t> ends_;
  std::size_t bytes_ = 0;
  std::uint64_t marks_ = 0;
};

}  // namespace luna::fuzz

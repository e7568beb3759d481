// SPDX-License-Identifier: MIT
// Blocks of which a program knows the addresses in a form that no one else reads as such.
#pragma once

#include "expect.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

namespace hidden {

// SplitMix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // Less than `limit`, which is not 0.
  [[nodiscard]] std::size_t below(std::size_t limit) {
    std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((mixed ^ mixed >> 31) % limit);
  }

 private:
  std::uint64_t state_;
};

// Overwrites what calls before have left on the stack, and in registers that they may use.
[[gnu::noinline]] inline void wipe_stack() {
  volatile char bytes[32 * 1024];
  for (volatile char& byte : bytes) byte = 0;
}

class Blocks {
 public:
  // Plants small and large blocks, and links some to others. Nothing of their addresses stays
  // in the frame of the caller, nor below.
  void plant(Random& random, int small, int large) {
    plant_all(random, small, large);
    wipe_stack();
  }

  // 0: it is none of them.
  [[nodiscard]] std::size_t bytes_of(const void* address) const {
    for (const Block& block : blocks_)
      if (block.hidden == ~reinterpret_cast<std::uintptr_t>(address)) return block.bytes;
    return 0;
  }

  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const Block& block : blocks_) sum += block.bytes;
    return sum;
  }

 private:
  static constexpr std::size_t kMost = 65536;

  struct Block {
    std::uintptr_t hidden;
    std::size_t bytes;
  };

  [[gnu::noinline]] void plant_all(Random& random, int small, int large) {
    const std::size_t first = blocks_.size();
    blocks_.reserve(kMost);
    for (int i = 0; i < small; ++i) plant_one(16 + random.below(500));
    for (int i = 0; i < small / 8; ++i) plant_one(16 + random.below(30'000));
    for (int i = 0; i < large * 3; ++i) plant_one(16 + random.below(500'000));
    for (int i = 0; i < large; ++i) plant_one(16 + random.below(5'000'000));
    const std::size_t count = blocks_.size() - first;
    for (int i = 0; i < small / 3; ++i)
      link(first + random.below(count), first + random.below(count));
  }

  [[gnu::noinline]] void plant_one(std::size_t bytes) {
    void* block = std::malloc(bytes);
    EXPECT(block != nullptr);
    std::memset(block, 0, bytes);
    blocks_.push_back({~reinterpret_cast<std::uintptr_t>(block), bytes});
  }

  // Lets one block point into another.
  [[gnu::noinline]] void link(std::size_t from, std::size_t to) {
    const std::uintptr_t target = ~blocks_[to].hidden + blocks_[to].bytes / 2;
    std::memcpy(reinterpret_cast<void*>(~blocks_[from].hidden), &target, sizeof target);
  }

  std::vector<Block> blocks_;
};

// Has clone() fail from now on.
inline void refuse_processes(unsigned error) {
  sock_filter code[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},  // the number of the system call
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_clone},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog program = {sizeof code / sizeof *code, code};
  EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

}  // namespace hidden

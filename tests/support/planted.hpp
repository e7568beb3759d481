// SPDX-License-Identifier: MIT
// Blocks of an allocator under test that the test itself knows only in disguise, and what a
// proof says of them.
#pragma once

#include "os/clock.hpp"
#include "support/profiled.hpp"
#include "telemetry/reachability.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>

namespace luna::test {

// An address that does not look like one.
class Disguise {
 public:
  Disguise() = default;
  explicit Disguise(const void* pointer) : hidden_(~reinterpret_cast<std::uintptr_t>(pointer)) {}

  [[nodiscard]] std::uintptr_t address() const { return ~hidden_; }
  [[nodiscard]] void** words() const { return reinterpret_cast<void**>(address()); }

 private:
  std::uintptr_t hidden_ = 0;
};

struct Planted : Profiled {
  // The first blocks of the heap are easily found by chance: their addresses end with zeros, so
  // that half a word of an old pointer and a small number are one of theirs.
  Planted() {
    profiler.stop();
    static_cast<void>(thread.allocate(1 << 20));
    EXPECT_TRUE(profiler.start(1, kLimits));
  }

  // All bytes zero. Nothing of its address stays in registers or on the stack.
  [[nodiscard, gnu::noinline]] Disguise plant(std::size_t bytes) {
    const Disguise block(plant_openly(bytes));
    wipe_stack();
    return block;
  }

  // Lets a block point to another, or into it, by one of its words.
  [[gnu::noinline]] static void link(Disguise from, Disguise to, std::size_t offset = 0,
                                     std::size_t word = 0) {
    from.words()[word] = reinterpret_cast<std::byte*>(to.address()) + offset;
  }

  [[gnu::noinline]] void free(Disguise block) {
    thread.deallocate(reinterpret_cast<void*>(block.address()));
  }

  // Fast and patient: what is tested does not hang on the time that it takes.
  static constexpr ProofOptions kOptions = {20, 60'000, 5'000};

  // A block that is as young as the clock can tell is not looked at.
  static void let_age() {
    const std::uint64_t now = os::coarse_milliseconds();
    while (os::coarse_milliseconds() == now) std::this_thread::yield();
  }

  // What a proof says of one block; "reachable" if nothing.
  [[nodiscard, gnu::noinline]] std::string verdict(Disguise block,
                                                   const ProofOptions& options = kOptions) {
    Reachability proof(options);
    let_age();
    wipe_stack();
    EXPECT_EQ(profiler.prove(proof), 0);
    std::string result = "reachable";
    for (const Leak& leak : proof.leaks()) {
      if (leak.address != block.address()) continue;
      result = leak.grade == LeakGrade::kDefinite ? "definite" : "possible";
      if (leak.indirect) result += " indirect";
    }
    return result;
  }

 private:
  [[gnu::noinline]] void* plant_openly(std::size_t bytes) {
    void* block = thread.allocate(bytes);
    std::memset(block, 0, bytes);
    return block;
  }
};

// One that stays: its tables would be taken for memory of the program when it is gone, and
// what they know of must not be somebody else's by then.
[[nodiscard]] inline Planted& planted() { return *new Planted; }

}  // namespace luna::test

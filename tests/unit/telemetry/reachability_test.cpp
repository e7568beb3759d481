// SPDX-License-Identifier: MIT
// Which blocks nothing points to, in structures that are known. What other threads know:
// reachability_threads_test.cpp.
#include "os/memory.hpp"
#include "support/planted.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace luna {
namespace {

using test::Disguise;
using test::Planted;

// Where the program itself may keep a pointer.
void* volatile global;
thread_local void* volatile of_thread;

TEST(Reachability, ABlockThatNothingPointsToIsALeakOfAnySize) {
  for (const std::size_t bytes : {16U, 100U, 4096U, 16'384U, 20'000U, 300'000U, 5'000'000U}) {
    Planted& fixture = test::planted();
    const Disguise block = fixture.plant(bytes);
    EXPECT_EQ(fixture.verdict(block), "definite") << bytes;
  }
}

TEST(Reachability, LeaksComeWithWhatTheProfilerKnows) {
  Planted& fixture = test::planted();
  const Disguise block = fixture.plant(1234);

  Reachability proof(Planted::kOptions);
  Planted::let_age();
  ASSERT_EQ(fixture.profiler.prove(proof), 0);

  ASSERT_EQ(proof.leaks().size(), 1U);
  const Leak& leak = proof.leaks()[0];
  EXPECT_EQ(leak.address, block.address());
  EXPECT_EQ(leak.bytes, 1234U);
  EXPECT_EQ(leak.weight, 1);
  EXPECT_GT(leak.stack.depth, 0U);
  EXPECT_GT(proof.stop_ns(), 0U);
}

TEST(Reachability, GlobalsAndThreadLocalsAreRoots) {
  Planted& fixture = test::planted();
  const Disguise first = fixture.plant(100);
  const Disguise second = fixture.plant(100);
  global = first.words();
  of_thread = second.words();
  EXPECT_EQ(fixture.verdict(first), "reachable");
  EXPECT_EQ(fixture.verdict(second), "reachable");

  global = nullptr;
  of_thread = nullptr;
  EXPECT_EQ(fixture.verdict(first), "definite");
  EXPECT_EQ(fixture.verdict(second), "definite");
}

TEST(Reachability, InteriorPointersKeepABlockAndItsEndDoesNot) {
  for (const std::size_t bytes : {64U, 20'000U, 3'000'000U}) {
    Planted& fixture = test::planted();
    const Disguise block = fixture.plant(bytes);
    const std::size_t usable = fixture.allocator.usable_bytes(block.words());
    global = reinterpret_cast<std::byte*>(block.address()) + usable - 1;
    EXPECT_EQ(fixture.verdict(block), "reachable") << bytes;
    global = reinterpret_cast<std::byte*>(block.address()) + usable;
    EXPECT_EQ(fixture.verdict(block), "definite") << bytes;
    global = nullptr;
  }
}

TEST(Reachability, AMappingOfTheProgramIsARoot) {
  Planted& fixture = test::planted();
  for (const int kind : {MAP_PRIVATE, MAP_SHARED}) {
    const Disguise block = fixture.plant(100);
    auto** memory = static_cast<void**>(
        ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(memory, MAP_FAILED);
    memory[70'000] = block.words();
    EXPECT_EQ(fixture.verdict(block), "reachable");
    ASSERT_EQ(::mprotect(memory, 1 << 20, PROT_READ), 0);
    EXPECT_EQ(fixture.verdict(block), kind == MAP_PRIVATE ? "reachable" : "definite");
    ::munmap(memory, 1 << 20);
    EXPECT_EQ(fixture.verdict(block), "definite");
  }
}

TEST(Reachability, OfAListItsHeadIsDirectAndTheRestIndirect) {
  Planted& fixture = test::planted();
  std::array<Disguise, 50> list;
  for (Disguise& node : list) node = fixture.plant(48);
  for (std::size_t i = 1; i < list.size(); ++i) Planted::link(list[i - 1], list[i], 24);

  EXPECT_EQ(fixture.verdict(list[0]), "definite");
  EXPECT_EQ(fixture.verdict(list[1]), "definite indirect");
  EXPECT_EQ(fixture.verdict(list[49]), "definite indirect");
  global = list[20].words();
  EXPECT_EQ(fixture.verdict(list[19]), "definite indirect");
  EXPECT_EQ(fixture.verdict(list[20]), "reachable");
  EXPECT_EQ(fixture.verdict(list[49]), "reachable");
  global = nullptr;
}

// 0 → 1 → 2 → 0, and 2 → 3; in each order of addresses.
TEST(Reachability, OfACircleOneIsDirectAndWhatHangsOnItIsNot) {
  std::array<std::size_t, 4> order = {0, 1, 2, 3};
  do {
    Planted& fixture = test::planted();
    std::array<Disguise, 4> blocks;
    for (const std::size_t i : order) blocks[i] = fixture.plant(64);
    for (std::size_t i = 0; i < 3; ++i) Planted::link(blocks[i], blocks[(i + 1) % 3]);
    Planted::link(blocks[2], blocks[3], 0, 1);
    Planted::let_age();
    wipe_stack();

    Reachability proof({1, 60'000, 5'000});
    ASSERT_EQ(fixture.profiler.prove(proof), 0);
    ASSERT_EQ(proof.leaks().size(), 4U);
    int direct = 0;
    for (const Leak& leak : proof.leaks()) {
      EXPECT_TRUE(leak.indirect || leak.address != blocks[3].address());
      if (!leak.indirect) ++direct;
    }
    EXPECT_EQ(direct, 1);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Reachability, WhatAFreedBlockStillHoldsKeepsNothing) {
  for (const std::size_t bytes : {64U, 20'000U, 400'000U}) {
    Planted& fixture = test::planted();
    const Disguise holder = fixture.plant(bytes);
    const Disguise block = fixture.plant(64);
    Planted::link(holder, block, 0, 3);
    global = holder.words();
    wipe_stack();
    EXPECT_EQ(fixture.verdict(block), "reachable") << bytes;
    fixture.free(holder);
    EXPECT_EQ(fixture.verdict(block), "definite") << bytes;
    global = nullptr;
  }
}

// The same of blocks that are in the lists of the thread, for they are no samples.
TEST(Reachability, NorDoesOneThatWaitsInAList) {
  Planted& fixture = test::planted();
  fixture.profiler.stop();
  const Disguise holder = fixture.plant(64);
  ASSERT_TRUE(fixture.profiler.start(1, test::kLimits));
  const Disguise block = fixture.plant(64);
  Planted::link(holder, block, 0, 3);
  global = holder.words();
  wipe_stack();
  EXPECT_EQ(fixture.verdict(block), "reachable");
  fixture.free(holder);
  EXPECT_EQ(fixture.verdict(block), "definite");
  global = nullptr;
}

// More than the stack of blocks that are yet to be looked into has room for.
TEST(Reachability, AWideStructureIsSeenToItsEnd) {
  constexpr std::size_t kMany = 700'000;
  Planted& fixture = test::planted();
  fixture.profiler.stop();
  const Disguise array = fixture.plant(kMany * sizeof(void*));
  for (std::size_t i = 0; i < kMany; ++i) array.words()[i] = fixture.thread.allocate(16);
  ASSERT_TRUE(fixture.profiler.start(1, test::kLimits));
  const Disguise kept = fixture.plant(16);
  const Disguise leaked = fixture.plant(16);
  for (const std::size_t i : {0U, 1U, 699'999U}) *static_cast<void**>(array.words()[i]) = nullptr;
  *static_cast<void**>(array.words()[0]) = kept.words();
  global = array.words();
  wipe_stack();

  EXPECT_EQ(fixture.verdict(kept), "reachable");
  EXPECT_EQ(fixture.verdict(leaked), "definite");
  global = nullptr;
}

TEST(Reachability, APartOfABlockThatNobodyMayTouchIsNoMatter) {
  Planted& fixture = test::planted();
  const Disguise holder = fixture.plant(100'000);
  const Disguise block = fixture.plant(64);
  Planted::link(holder, block, 0, 2000);
  global = holder.words();
  std::byte* page = reinterpret_cast<std::byte*>(round_up(holder.address() + 8192, 4096));
  ASSERT_EQ(::mprotect(page, 8192, PROT_NONE), 0);
  EXPECT_EQ(fixture.verdict(block), "reachable");
  ASSERT_EQ(::mprotect(page, 8192, PROT_READ | PROT_WRITE), 0);
  global = nullptr;
}

TEST(Reachability, NobodyIsToldOfTheCopies) {
  Planted& fixture = test::planted();
  EXPECT_EQ(fixture.verdict(fixture.plant(64)), "definite");
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Reachability, TimeIsLimited) {
  Planted& fixture = test::planted();
  Reachability proof({0, 0, 5'000});
  EXPECT_EQ(fixture.profiler.prove(proof), ETIMEDOUT);
  EXPECT_TRUE(proof.leaks().empty());
}

TEST(Reachability, WithoutSamplesThereIsNothingToProve) {
  test::OneThread fixture;
  Profiler profiler(fixture.allocator);
  Reachability proof;
  EXPECT_EQ(profiler.prove(proof), ENOENT);
}

}  // namespace
}  // namespace luna

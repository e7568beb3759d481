// SPDX-License-Identifier: MIT
#include "heap/signal_reserve.hpp"

#include "base/align.hpp"

#include <gtest/gtest.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace luna {
namespace {

TEST(SignalReserve, GivesAlignedRoomOfAnySize) {
  SignalReserve reserve;
  constexpr std::size_t kSizes[] = {0, 1, 16, 17, 100, 2048, 2049, 4096, 4097, 100'000};
  for (const std::size_t bytes : kSizes) {
    for (std::size_t alignment = 16; alignment <= (std::size_t{1} << 20); alignment *= 4) {
      void* block = reserve.allocate(bytes, alignment);
      ASSERT_NE(block, nullptr) << bytes << ' ' << alignment;
      EXPECT_EQ(address_of(block) % alignment, 0U);
      const std::size_t usable = reserve.usable_bytes(block);
      EXPECT_GE(usable, bytes);
      std::memset(block, 0xA5, usable);
      EXPECT_TRUE(reserve.deallocate(block));
    }
  }
}

TEST(SignalReserve, KnowsNoBlockOfOthers) {
  SignalReserve reserve;
  int other = 0;
  EXPECT_FALSE(reserve.deallocate(&other));  // also before it has a pool
  void* block = reserve.allocate(100'000);
  EXPECT_FALSE(reserve.deallocate(&other));
  EXPECT_EQ(reserve.usable_bytes(&other), 0U);
  EXPECT_EQ(reserve.usable_bytes(static_cast<std::byte*>(block) + 4096), 0U);
  EXPECT_FALSE(reserve.deallocate(nullptr));
  EXPECT_FALSE(reserve.deallocate(reinterpret_cast<void*>(std::uintptr_t{1})));
  EXPECT_TRUE(reserve.deallocate(block));
  EXPECT_FALSE(reserve.deallocate(block)) << "it is unmapped";
}

TEST(SignalReserve, RefusesWhatTheKernelHasNot) {
  SignalReserve reserve;
  EXPECT_EQ(reserve.allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(reserve.allocate(PTRDIFF_MAX / 8), nullptr);
  EXPECT_EQ(reserve.allocate(1, std::size_t{1} << 63), nullptr);
  void* block = reserve.allocate(5000);  // the entries of those are free again
  EXPECT_TRUE(reserve.deallocate(block));
}

TEST(SignalReserve, HandsOutEachBlockOnceUntilItIsFull) {
  SignalReserve reserve;
  std::set<void*> blocks;
  while (void* block = reserve.allocate(16)) {
    ASSERT_TRUE(blocks.insert(block).second);
    std::memset(block, 1, 16);
  }
  // 128 KiB for each power of two from 16 bytes to 4 KiB, and the mappings.
  std::size_t pooled = 0;
  for (std::size_t bytes = 16; bytes <= 4096; bytes *= 2) pooled += 131'072 / bytes;
  EXPECT_EQ(blocks.size(), pooled + SignalReserve::kMaxMappings);
  EXPECT_EQ(reserve.allocate(1), nullptr);
  for (void* block : blocks) ASSERT_TRUE(reserve.deallocate(block));
  EXPECT_NE(reserve.allocate(4096), nullptr);
}

TEST(SignalReserveDeathTest, TellsMistakes) {
  SignalReserve reserve;
  auto* block = static_cast<std::byte*>(reserve.allocate(64));
  EXPECT_DEATH(static_cast<void>(reserve.deallocate(block + 16)), "interior|inside");
  EXPECT_DEATH(static_cast<void>(reserve.deallocate(block + 8)), "multiple of 16");
  EXPECT_TRUE(reserve.deallocate(block));
  EXPECT_DEATH(static_cast<void>(reserve.deallocate(block)), "free");
}

// Fills blocks with what nobody else writes, and looks whether it stays. Not what is mapped
// alone: that two threads have the same pages one after the other no sanitizer knows.
void use(SignalReserve& reserve, unsigned char mark, std::size_t rounds) {
  struct Held {
    unsigned char* block = nullptr;
    std::size_t bytes = 0;
  };
  std::array<Held, 16> held;
  for (std::size_t i = 0; i < rounds; ++i) {
    Held& place = held[i % held.size()];
    if (place.block != nullptr) {
      const std::size_t filled = place.bytes <= SignalReserve::kMaxPooledBytes ? place.bytes : 0;
      ASSERT_TRUE(std::all_of(place.block, place.block + filled,
                              [mark](unsigned char byte) { return byte == mark; }));
      ASSERT_TRUE(reserve.deallocate(place.block));
    }
    place.bytes = i % 64 == 0 ? 10'000 : 1 + i * 37 % 600;
    place.block = static_cast<unsigned char*>(reserve.allocate(place.bytes));
    ASSERT_NE(place.block, nullptr);
    if (place.bytes <= SignalReserve::kMaxPooledBytes) std::memset(place.block, mark, place.bytes);
  }
  for (const Held& place : held)
    ASSERT_TRUE(place.block == nullptr || reserve.deallocate(place.block));
}

TEST(SignalReserve, ServesThreadsAtOnce) {
  SignalReserve reserve;
  std::vector<std::thread> threads;
  for (unsigned char mark = 1; mark <= 4; ++mark)
    threads.emplace_back([&reserve, mark] { use(reserve, mark, 20'000); });
  for (std::thread& thread : threads) thread.join();
}

SignalReserve* interrupted = nullptr;
volatile std::sig_atomic_t interruptions = 0;

TEST(SignalReserve, ServesHandlersThatInterruptIt) {
  SignalReserve reserve;
  interrupted = &reserve;
  interruptions = 0;
  struct sigaction action {};
  action.sa_handler = [](int) {
    use(*interrupted, 200, 40);
    interruptions = interruptions + 1;
  };
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  const itimerval often{{0, 100}, {0, 100}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &often, nullptr), 0);
  while (interruptions < 200) use(reserve, 7, 100);
  const itimerval never{};
  ASSERT_EQ(setitimer(ITIMER_REAL, &never, nullptr), 0);
  ASSERT_EQ(sigaction(SIGALRM, &before, nullptr), 0);
}

}  // namespace
}  // namespace luna

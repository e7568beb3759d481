// SPDX-License-Identifier: MIT
// The fences of lunalloc/cache.h by what two threads see of each other: outcomes that processors
// allow, and which each fence forbids. How often they come without the fence is printed.
#include "expect.hpp"

#include <lunalloc/cache.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kRounds = 20'000;
constexpr int kMostTries = 50;
constexpr int kEnough = 10;      // tries in which it was seen what happens without a fence
constexpr int kMostSpins = 300;  // for another thread that may not be running now

// Keeps two threads in the same round, or nearly so.
class Pace {
 public:
  void meet(std::size_t me, std::size_t round) {
    at_[me].round.store(round, std::memory_order_relaxed);
    for (int i = 0; i < kMostSpins; ++i)
      if (at_[1 - me].round.load(std::memory_order_relaxed) >= round) return;
  }

 private:
  struct alignas(128) Place {
    std::atomic<std::size_t> round{0};
  };
  std::array<Place, 2> at_;
};

// Two flags of each round, and what each thread saw of the other's.
struct Rounds {
  std::vector<std::atomic<int>> flags[2] = {std::vector<std::atomic<int>>(kRounds),
                                            std::vector<std::atomic<int>>(kRounds)};
  std::vector<int> seen[2] = {std::vector<int>(kRounds), std::vector<int>(kRounds)};
};

// Both threads run turn(own flag, flag of the other) in each round; how often both saw `value`.
template <typename Turn>
long count_both(int value, Turn turn) {
  Rounds rounds;
  Pace pace;
  const auto work = [&](std::size_t me) {
    for (std::size_t i = 0; i < kRounds; ++i) {
      pace.meet(me, i + 1);
      rounds.seen[me][i] = turn(rounds.flags[me][i], rounds.flags[1 - me][i]);
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  long count = 0;
  for (std::size_t i = 0; i < kRounds; ++i)
    count += rounds.seen[0][i] == value && rounds.seen[1][i] == value;
  return count;
}

// Dekker's: each says that it comes, and looks whether the other does. Without a full fence both
// may find nobody, for their stores still wait in the processors.
template <typename Fence>
long store_buffering(Fence fence) {
  return count_both(0, [fence](std::atomic<int>& own, const std::atomic<int>& others) {
    own.store(1, std::memory_order_relaxed);
    fence();
    return others.load(std::memory_order_relaxed);
  });
}

// Each looks first, and says then that it was there: both see each other only if a store overtakes
// a load. x86-64 never does that.
template <typename Fence>
long load_buffering(Fence fence) {
  return count_both(1, [fence](std::atomic<int>& own, const std::atomic<int>& others) {
    const int seen = others.load(std::memory_order_relaxed);
    fence();
    own.store(1, std::memory_order_relaxed);
    return seen;
  });
}

struct alignas(64) Message {
  std::atomic<std::uint64_t> number{0};
};

// Less than a line, so that x86-64 waits for the rest of it; aarch64 swaps plain stores too.
void store(Message& message, std::uint64_t number) {
#if defined(__x86_64__)
  asm volatile("movnti %1, %0" : "=m"(message.number) : "r"(number));
#else
  message.number.store(number, std::memory_order_relaxed);
#endif
}

// A message is stored past the caches, then its number is told: how many were told of and not
// there.
template <typename Fence>
long early_messages(Fence fence_of_writer) {
  std::vector<Message> messages(kRounds);
  alignas(128) std::atomic<std::size_t> told{0};
  Pace pace;
  long early = 0;
  std::thread reader([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      pace.meet(1, i + 1);
      for (std::size_t k = i % 8; k > 0; --k) static_cast<void>(expect::opaque(k));
      while (told.load(std::memory_order_relaxed) <= i) std::this_thread::yield();
      luna_fence_load();
      early += messages[i].number.load(std::memory_order_relaxed) != i + 1;
    }
  });
  for (std::size_t i = 0; i < kRounds; ++i) {
    luna_prefetch_write(&told);  // so that telling is quick
    pace.meet(0, i + 1);
    store(messages[i], i + 1);
    fence_of_writer();
    told.store(i + 1, std::memory_order_relaxed);
  }
  reader.join();
  return early;
}

// The compiler may swap nothing, the processor what it likes.
void no_fence() { std::atomic_signal_fence(std::memory_order_seq_cst); }

// By turns without and with the fence, until it was seen often enough what the fence is good for:
// while both threads share a processor that may never be.
template <typename Count, typename Fence>
void demand_none(const char* outcome, Count count, Fence fence) {
  long without = 0;
  long with = 0;
  int seen = 0;
  int tries = 0;
  for (; tries < kMostTries && seen < kEnough; ++tries) {
    const long now = count(no_fence);
    seen += now != 0;
    without += now;
    with += count(fence);
  }
  expect::print(1, "%s in %d times %zu rounds: %ld, with the fence %ld\n", outcome, tries, kRounds,
                without, with);
  EXPECT(with == 0);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  demand_none(
      "both saw nobody", [](auto fence) { return store_buffering(fence); },
      [] { luna_fence_full(); });
  demand_none(
      "told of, and not there", [](auto fence) { return early_messages(fence); },
      [] { luna_fence_store(); });
  demand_none(
      "both were seen before they came", [](auto fence) { return load_buffering(fence); },
      [] { luna_fence_load_store(); });
  return 0;
}

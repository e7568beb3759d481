// SPDX-License-Identifier: MIT
// Property: a named heap may end at any time while threads free into it and others end that have
// parts of it; what comes too late is ignored, and no other heap is touched. Each round has threads
// of its own, some blocks of which are freed by others.
#include "heap/named_heaps.hpp"
#include "stress/world.hpp"
#include "support/random.hpp"

#include <array>
#include <thread>
#include <vector>

namespace luna::test {
namespace {

constexpr std::size_t kThreads = 3;
constexpr std::size_t kHeaps = 3;  // the last of them lives on
constexpr std::size_t kBlocks = 200;

class Round {
 public:
  Round(Allocator& first, NamedHeaps& heaps, std::uint64_t seed)
      : first_(first), heaps_(heaps), seed_(seed) {
    for (NamedHeap*& heap : ended_) {
      luna_heap_options options{};
      options.struct_size = sizeof options;
      options.name = "stress";
      LUNA_EXPECT(heaps_.create(options, heap) == 0, "memory");
    }
  }

  void run() {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back([this, i] { live(i); });
    ThreadParts& parts = *heaps_.attach(nullptr);
    while (ready_ < kThreads) std::this_thread::yield();
    Random random(seed_);
    for (std::size_t i = 0; i + 1 < kHeaps; ++i) {
      const bool goes = random.one_in(2);
      LUNA_EXPECT((goes ? heaps_.destroy(*ended_[i], parts) : heaps_.reset(*ended_[i], parts)) == 0,
                  "heap %zu", i);
      is_gone_[i] = goes;
    }
    for (std::thread& thread : threads) thread.join();
    finish(parts);
  }

 private:
  // Allocates, then frees what the next thread allocated, while heaps end.
  void live(std::size_t self) {
    Random random(seed_ + 1 + self);
    TestThread thread(first_);
    ThreadParts& parts = *heaps_.attach(&thread.heap());
    for (MarkedBlock& block : blocks_[self]) {
      NamedHeap& heap = *ended_[random.below(kHeaps)];
      const std::size_t bytes = std::size_t{16} << random.below(random.one_in(20) ? 16 : 8);
      block = {heap.allocate(*heaps_.part_of(parts, heap), bytes), bytes, random.next()};
      LUNA_EXPECT(block.memory != nullptr, "memory");
      if (&heap == ended_[kHeaps - 1])
        write_pattern(block.memory, bytes, block.mark);
      else
        block.mark = 0;
    }
    ++ready_;
    while (ready_ < kThreads) std::this_thread::yield();
    for (const MarkedBlock& block : blocks_[(self + 1) % kThreads]) {
      LUNA_EXPECT(block.mark == 0 || has_pattern(block.memory, block.bytes, block.mark),
                  "a block of %zu bytes of a heap that lives", block.bytes);
      heaps_.deallocate(parts, block.memory);
    }
    if (random.one_in(2)) thread.heap().trim(false);
    heaps_.detach(parts);
  }

  void finish(ThreadParts& parts) {
    NamedHeap& last = *ended_[kHeaps - 1];
    for (int i = 0; i < 3; ++i) last.trim(heaps_.part_of(parts, last));
    const luna_heap_stats statistics = last.statistics(parts.at(last.number()));
    LUNA_EXPECT(statistics.live_blocks == 0, "%zu",
                static_cast<std::size_t>(statistics.live_blocks));
    for (std::size_t i = 0; i < kHeaps; ++i)
      if (!is_gone_[i]) LUNA_EXPECT(heaps_.destroy(*ended_[i], parts) == 0, "heap %zu", i);
    heaps_.detach(parts);
  }

  Allocator& first_;
  NamedHeaps& heaps_;
  const std::uint64_t seed_;
  std::array<NamedHeap*, kHeaps> ended_{};
  std::array<bool, kHeaps> is_gone_{};
  std::array<std::array<MarkedBlock, kBlocks>, kThreads> blocks_{};
  std::atomic<std::size_t> ready_{0};
};

void run(const Arguments& arguments) {
  const Deadline deadline(arguments.seconds);
  Random random(arguments.seed);
  TestAllocator first;
  os::ProtectionKeys keys;
  NamedHeaps heaps{first, keys};
  std::size_t rounds = 0;
  for (; !deadline.passed(); ++rounds) Round(first, heaps, random.next()).run();
  std::printf("%zu rounds\n", rounds);
  LUNA_EXPECT(heaps.count() == 0, "%zu", heaps.count());
  expect_all_free(first);
}

}  // namespace
}  // namespace luna::test

int main(int count, char** values) {
  luna::test::run(luna::test::read_arguments(count, values));
  return 0;
}

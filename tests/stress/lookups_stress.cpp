// SPDX-License-Identifier: MIT
// Property: any pointer may be looked up at any time, also while the window is chosen, grows and
// shrinks, and while pages for guarded blocks are reserved; what is found is there. Each round is
// an allocator of its own, for its first moments are the ones that others might see half of.
#include "stress/world.hpp"
#include "support/random.hpp"

#include <thread>
#include <vector>

namespace luna::test {
namespace {

constexpr std::size_t kLookers = 2;
constexpr int kBlocks = 8;

struct Round {
  TestAllocator allocator;
  std::atomic<bool> goes_on{true};
  std::atomic<std::size_t> ready{0};
  // Blocks that were handed out and may have been freed since.
  std::array<std::atomic<std::byte*>, kBlocks> hints{};
};

// Slots and regions that were found are read as far as everybody may.
void look_up(Round& round, const std::byte* pointer) {
  const Window& window = round.allocator.window();
  const auto* slot = reinterpret_cast<const Slab*>(window.slot_of(pointer));
  if (slot != nullptr) static_cast<void>(slot->owner.load(std::memory_order_relaxed));
  const Region* region = window.region_of(pointer);
  LUNA_EXPECT(region == nullptr || slot != nullptr, "%p has a region and no slot",
              static_cast<const void*>(pointer));
  GuardedBlocks& guarded = round.allocator.guarded();
  if (guarded.own(pointer)) static_cast<void>(guarded.find(pointer));
}

void look(Round& round, std::uint64_t seed) {
  Random random(seed);
  ++round.ready;
  int local = 0;
  while (round.goes_on) {
    // From the beginning foreign ones too, with which the window is asked before it is there.
    const std::byte* pointer = round.hints[random.below(kBlocks)].load(std::memory_order_relaxed);
    look_up(round, random.one_in(2) || pointer == nullptr
                       ? reinterpret_cast<const std::byte*>(&local)
                       : pointer + (random.below(64) << 20));
  }
}

void grow(Round& round, std::uint64_t seed) {
  Random random(seed);
  TestThread thread(round.allocator);
  const GuardObserver observer = {
      nullptr, [](void*, std::uintptr_t*, std::size_t) noexcept { return std::size_t{0}; },
      [](void*, const GuardMistake&) noexcept {}};
  for (auto& hint : round.hints) {
    void* block = thread.allocate(std::size_t{1} << random.between(4, 26));
    LUNA_EXPECT(block != nullptr, "memory");
    hint.store(static_cast<std::byte*>(block), std::memory_order_relaxed);
  }
  LUNA_EXPECT(round.allocator.guarded().begin(16, 0, observer), "memory");
  for (auto& hint : round.hints)
    if (random.one_in(2)) LUNA_EXPECT(thread.deallocate(hint.load()) == Verdict::kDone, "freed");
}

void run(const Arguments& arguments) {
  const Deadline deadline(arguments.seconds);
  Random random(arguments.seed);
  std::size_t rounds = 0;
  for (; !deadline.passed(); ++rounds) {
    Round round;
    std::vector<std::thread> lookers;
    for (std::size_t i = 0; i < kLookers; ++i)
      lookers.emplace_back([&round, seed = random.next()] { look(round, seed); });
    while (round.ready < kLookers) std::this_thread::yield();
    grow(round, random.next());
    round.goes_on = false;
    for (std::thread& looker : lookers) looker.join();
  }
  std::printf("%zu rounds\n", rounds);
}

}  // namespace
}  // namespace luna::test

int main(int count, char** values) {
  luna::test::run(luna::test::read_arguments(count, values));
  return 0;
}

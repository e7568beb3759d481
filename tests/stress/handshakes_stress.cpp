// SPDX-License-Identifier: MIT
// Properties of the small protocols, one after another: nobody is in a callback that was taken off;
// the reserve is of the size that was set last; a block of the signal reserve has one owner; and a
// wish for the worker thread is granted, whether it sleeps, works or ends.
#include "heap/signal_reserve.hpp"
#include "os/worker_thread.hpp"
#include "pressure/reserve.hpp"
#include "stress/world.hpp"
#include "support/random.hpp"
#include "telemetry/frame_callback.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace luna::test {
namespace {

using Work = std::function<void(Random&)>;

// Runs each again and again, on a thread of its own, for so long.
void run_all(std::uint64_t seed, std::chrono::milliseconds time, const std::vector<Work>& all) {
  const auto end = std::chrono::steady_clock::now() + time;
  std::vector<std::thread> threads;
  for (const Work& work : all)
    threads.emplace_back([&work, end, seed = ++seed] {
      Random random(seed);
      while (std::chrono::steady_clock::now() < end) work(random);
    });
  for (std::thread& thread : threads) thread.join();
}

void take_callbacks_off(std::uint64_t seed, std::chrono::milliseconds time) {
  FrameCallback callback;
  const Work call = [&](Random&) {
    std::array<std::uintptr_t, 4> frames{};
    int native = 0;
    static_cast<void>(callback.call(frames.data(), frames.size(), &native));
  };
  const Work replace = [&](Random& random) {
    auto context = std::make_unique<int>(static_cast<int>(random.below(1000)));
    const auto function = [](std::uintptr_t* frames, std::size_t, int*, void* of) {
      *frames = static_cast<std::uintptr_t>(*static_cast<const int*>(of));
      return std::size_t{1};
    };
    LUNA_EXPECT(callback.set(function, context.get()), "there is another one");
    std::this_thread::yield();
    callback.clear();
    *context = -1;  // a race, if anybody is in it
  };
  run_all(seed, time, {call, call, replace});
}

void change_reserves(std::uint64_t seed, std::chrono::milliseconds time) {
  Allocator allocator;
  Reserve reserve(allocator);
  const Work fill = [&](Random& random) {
    static_cast<void>(reserve.fill());
    if (random.one_in(3)) static_cast<void>(reserve.give_up());
  };
  const Work set = [&](Random& random) { reserve.set_size(random.below(8) * kPageBytes); };
  run_all(seed, time, {fill, fill, set});
  const std::size_t used = allocator.usage().pages.used;
  LUNA_EXPECT(reserve.is_missing() || used == reserve.size(), "%zu for %zu", used, reserve.size());
  static_cast<void>(reserve.give_up());
  expect_all_free(allocator);
}

void use_signal_reserve(std::uint64_t seed, std::chrono::milliseconds time) {
  SignalReserve reserve;
  Handover queue;
  const Work use = [&](Random& random) {
    const std::size_t bytes = random.one_in(50) ? 10'000 : random.between(1, 5000);
    void* memory = reserve.allocate(bytes);
    if (memory != nullptr) {
      // 0: a mapping of its own, which is not looked at: that the kernel orders an end and a new
      // beginning at the same address, ThreadSanitizer does not know of calls that it cannot see.
      const std::uint64_t mark = bytes <= SignalReserve::kMaxPooledBytes ? random.next() | 1 : 0;
      if (mark != 0) write_pattern(memory, bytes, mark);
      queue.put({memory, bytes, mark});
    }
    while (queue.size() > 20 || random.one_in(2)) {
      const auto block = queue.take();
      if (!block) return;
      LUNA_EXPECT(block->mark == 0 || has_pattern(block->memory, block->bytes, block->mark), "%zu",
                  block->bytes);
      LUNA_EXPECT(reserve.deallocate(block->memory), "%p", block->memory);
    }
  };
  run_all(seed, time, {use, use, use});
  while (const auto block = queue.take())
    LUNA_EXPECT(reserve.deallocate(block->memory), "%p", block->memory);
}

// Grants wishes, and ends when there is none. Outlives the test, as its thread may.
struct Granter {
  static bool is_wanted() noexcept {
    return of_all().wished.load(std::memory_order_relaxed) != of_all().granted.load();
  }
  static Granter& of_all() {
    static Granter& granter = *new Granter;
    return granter;
  }
  static void work(void*) {
    Granter& self = of_all();
    do {
      const std::uint64_t wished = self.wished.load(std::memory_order_relaxed);
      const bool sleeps = wished == self.granted.load() && wished % 3 == 0;
      self.granted.store(wished);
      if (sleeps) self.thread.sleep(60'000);
    } while (is_wanted() || !self.thread.ends(&Granter::is_wanted));
  }

  os::WorkerThread thread;
  std::atomic<std::uint64_t> wished{0};
  std::atomic<std::uint64_t> granted{0};
};

// One that is lost is never granted: the test does not end.
void want_worker(std::uint64_t seed, std::chrono::milliseconds time) {
  Granter& granter = Granter::of_all();
  const Work want = [&](Random& random) {
    const std::uint64_t wish = granter.wished.load(std::memory_order_relaxed) + 1;
    granter.wished.store(wish, std::memory_order_relaxed);
    LUNA_EXPECT(granter.thread.start(&Granter::work, nullptr, "granter"), "no thread");
    granter.thread.wake();
    while (granter.granted.load() < wish) std::this_thread::yield();
    if (random.one_in(4)) std::this_thread::sleep_for(std::chrono::microseconds(random.below(200)));
  };
  run_all(seed, time, {want});
}

}  // namespace
}  // namespace luna::test

int main(int count, char** values) {
  using namespace luna::test;
  const Arguments arguments = read_arguments(count, values);
  const std::chrono::milliseconds time(arguments.seconds * 1000 / 4);
  take_callbacks_off(arguments.seed, time);
  change_reserves(arguments.seed, time);
  use_signal_reserve(arguments.seed, time);
  want_worker(arguments.seed, time);
  return 0;
}

// SPDX-License-Identifier: MIT
// false_sharing_passive: when one thread's neighbouring blocks were freed by
// several others, do those threads then get blocks of one cache line?
//
// The main thread deals one of its small blocks to each worker. The worker frees
// it, allocates the same size again, and writes to what it gets.
#include "arguments.hpp"
#include "block.hpp"
#include "pinning.hpp"
#include "random.hpp"

#include <atomic>
#include <barrier>
#include <vector>

namespace {

constexpr std::size_t kDeals = 3000;
constexpr std::size_t kReusesPerDeal = 50;
constexpr std::size_t kWritesPerReuse = 200;

struct Deal {
  void* block = nullptr;
  std::size_t bytes = 0;
};

// Counts as a reference count does: each step needs the cache line to itself.
std::uint64_t write_often(void* block) {
  auto& cell = *static_cast<std::uint32_t*>(block);
  cell = 0;
  std::atomic_ref<std::uint32_t> count(cell);
  for (std::size_t i = 0; i < kWritesPerReuse; ++i) count.fetch_add(1, std::memory_order_relaxed);
  return count.load(std::memory_order_relaxed);
}

void* allocate(std::size_t bytes) {
  void* block = std::malloc(bytes);
  if (block == nullptr) bench::fail("malloc returned null");
  return block;
}

std::uint64_t use(Deal deal) {
  std::uint64_t sum = write_often(deal.block);
  for (std::size_t i = 0; i < kReusesPerDeal; ++i) {
    std::free(deal.block);
    deal.block = allocate(deal.bytes);
    sum += write_often(deal.block);
  }
  std::free(deal.block);
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  const std::size_t deals = arguments.scaled(kDeals);
  std::vector<Deal> dealt(arguments.threads);
  std::barrier table(static_cast<std::ptrdiff_t>(arguments.threads) + 1);
  std::atomic<std::uint64_t> checksum = 0;

  std::vector<std::thread> threads;
  for (std::size_t worker = 0; worker < dealt.size(); ++worker) {
    threads.emplace_back([&, worker] {
      bench::pin_this_thread(worker);
      for (std::size_t i = 0; i < deals; ++i) {
        table.arrive_and_wait();
        checksum += use(dealt[worker]);
        table.arrive_and_wait();
      }
    });
  }
  bench::Random random(17);
  for (std::size_t i = 0; i < deals; ++i) {
    const std::size_t bytes = random.between(8, 24);
    for (Deal& deal : dealt) deal = {allocate(bytes), bytes};
    table.arrive_and_wait();
    table.arrive_and_wait();
  }
  for (std::thread& thread : threads) thread.join();
  return bench::print_result("false_sharing_passive", checksum);
}

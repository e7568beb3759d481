// SPDX-License-Identifier: MIT
// Pools and queues at difficult moments: where no system call may be made, in handlers of signals,
// across forks, and between threads.
//
// Usage: pool_moments_guest PART
#include "child.hpp"
#include "expect.hpp"
#include "parts.hpp"
#include "pool_api.hpp"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/time.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

// With a filter that kills at the first system call but those that end the process.
void without_system_calls() {
  const PoolApi api;
  const QueueApi queues;
  luna_pool_options fixed = pool_options(3000);
  fixed.auto_expand = 0;
  luna_pool* const pool = make_pool(api, "fixed", 1000, fixed);
  luna_queue* queue = nullptr;
  EXPECT(queues.create(3000, &queue) == 0);
  const int status = status_of_child([&] {
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) syscall(SYS_exit, 77);
    int moved = 0;
    while (void* const block = api.allocate(pool)) {
      memset(block, 1, 1000);
      if (queues.push(queue, block, 1000) == 0) ++moved;
    }
    std::size_t bytes = 0;
    while (void* const block = queues.pop(queue, &bytes))
      if (bytes == 1000 && api.deallocate(pool, block) == 0) --moved;
    syscall(SYS_exit, moved == 0 && api.allocate(pool) != nullptr ? 0 : 1);
  });
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) expect::skip("the kernel has no seccomp");
  EXPECT_FOR(status, status == 0);
  EXPECT(usage_of(api, pool).used_blocks == 0);
  EXPECT(api.destroy(pool) == 0 && queues.destroy(queue) == 0);
}

// A handler that comes at any time, and does all that handlers may do.
struct Handled {
  PoolApi api;
  QueueApi queues;
  luna_pool* pool = nullptr;
  luna_queue* queue = nullptr;
  std::atomic<int> calls{0};
  std::atomic<int> given{0};
  std::atomic<int> pushed{0};
  std::atomic<int> popped{0};

  // What is pushed beside a push or pop that was interrupted stays until that has ended.
  void use_queue() {
    if (queues.push(queue, this, 1) != 0) return;
    ++pushed;
    pop();
  }
  void pop() {
    if (queues.pop(queue, nullptr) != nullptr) ++popped;
  }
}* handled = nullptr;

void on_alarm(int) {
  ++handled->calls;
  void* const blocks[] = {handled->api.allocate(handled->pool),
                          handled->api.allocate(handled->pool)};
  for (void* const block : blocks) {
    if (block == nullptr) continue;
    ++handled->given;
    memset(block, 2, 100);
    EXPECT(handled->api.deallocate(handled->pool, block) == 0);
  }
  static_cast<void>(handled->api.of(handled));
  static_cast<void>(handled->api.trim(handled->pool));
  handled->use_queue();
}

void in_handlers() {
  Handled state;
  luna_pool_options reclaiming = pool_options(20'000);
  reclaiming.reclaim_on_free = 1;
  state.pool = make_pool(state.api, "handled", 100, reclaiming);
  EXPECT(state.queues.create(4, &state.queue) == 0);
  handled = &state;
  struct sigaction action {};
  action.sa_handler = &on_alarm;
  action.sa_flags = SA_RESTART;
  EXPECT(sigaction(SIGALRM, &action, nullptr) == 0);
  const itimerval often = {{0, 50}, {0, 50}};
  EXPECT(setitimer(ITIMER_REAL, &often, nullptr) == 0);
  std::vector<void*> blocks;
  for (int round = 0; round < 200 || state.given < 200; ++round) {
    while (blocks.size() < 9000) {
      blocks.push_back(state.api.allocate(state.pool));
      EXPECT(blocks.back() != nullptr);
      free(expect::opaque(malloc(100)));
    }
    for (void* const block : blocks) EXPECT(state.api.deallocate(state.pool, block) == 0);
    blocks.clear();
    state.use_queue();
  }
  const itimerval never{};
  EXPECT(setitimer(ITIMER_REAL, &never, nullptr) == 0);
  EXPECT(state.calls > 0);
  EXPECT(usage_of(state.api, state.pool).used_blocks == 0);
  while (state.queues.count(state.queue) != 0) {
    const int before = state.popped;
    state.pop();
    EXPECT(state.popped == before + 1);
  }
  EXPECT(state.pushed > 0 && state.pushed == state.popped);
  EXPECT(state.api.destroy(state.pool) == 0 && state.queues.destroy(state.queue) == 0);
}

// Forks while other threads are at it: the child has as many blocks left as there may be.
void in_forks() {
  const PoolApi api;
  luna_pool_options reclaiming = pool_options(64);
  reclaiming.reclaim_on_free = 1;
  luna_pool* const pool = make_pool(api, "forked", 60'000, reclaiming);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!stop) {
        void* held[10];
        for (void*& block : held) block = api.allocate(pool);
        for (void* const block : held) EXPECT(block != nullptr && api.deallocate(pool, block) == 0);
      }
    });
  for (int i = 0; i < 60; ++i) {
    const int status = status_of_child([&] {
      std::uint64_t used = usage_of(api, pool).used_blocks;
      while (api.allocate(pool) != nullptr) ++used;
      luna_pool* const of_child = make_pool(api, "child", 10, pool_options());
      EXPECT(api.allocate(of_child) != nullptr && api.destroy(of_child) == 0);
      if (used != 64 || api.destroy(pool) != 0) syscall(SYS_exit, 1);
    });
    EXPECT_FOR(status, status == 0);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT(usage_of(api, pool).used_blocks == 0);
  EXPECT(api.destroy(pool) == 0);
}

// Blocks of a pool go from threads to others by a queue, and back to the pool there.
void messages() {
  constexpr std::uint64_t kEach = 50'000;
  const PoolApi api;
  const QueueApi queues;
  luna_pool* const pool = make_pool(api, "messages", sizeof(std::uint64_t), pool_options(300));
  luna_queue* queue = nullptr;
  EXPECT(queues.create(100, &queue) == 0);
  EXPECT(queues.capacity(queue) == 128);
  std::atomic<std::uint64_t> sum{0};
  std::atomic<std::uint64_t> left{2 * kEach};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t number = 1; number <= kEach; ++number) {
        void* block = nullptr;
        while ((block = api.allocate(pool)) == nullptr) std::this_thread::yield();
        memcpy(block, &number, sizeof number);
        while (queues.push(queue, block, sizeof number) == EAGAIN) std::this_thread::yield();
      }
    });
    threads.emplace_back([&] {
      while (left != 0) {
        std::size_t bytes = 0;
        void* const block = queues.pop(queue, &bytes);
        if (block == nullptr) {
          std::this_thread::yield();
          continue;
        }
        std::uint64_t number = 0;
        EXPECT(bytes == sizeof number);
        memcpy(&number, block, bytes);
        EXPECT(api.deallocate(pool, block) == 0);
        sum += number;
        --left;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT(sum == kEach * (kEach + 1));
  EXPECT(usage_of(api, pool).used_blocks == 0);
  EXPECT(queues.count(queue) == 0);
  EXPECT(queues.destroy(queue) == 0 && api.destroy(pool) == 0);
}

void queue_errors() {
  const QueueApi queues;
  luna_queue* queue = nullptr;
  EXPECT(queues.create(0, &queue) == EINVAL && queues.create(1, nullptr) == EINVAL);
  EXPECT(queues.create(LUNA_QUEUE_MAX_BLOCKS + 1, &queue) == EINVAL && queue == nullptr);
  EXPECT(queues.create(1, &queue) == 0);
  EXPECT(queues.capacity(queue) == 2);
  EXPECT(queues.push(queue, nullptr, 1) == EINVAL);
  EXPECT(queues.push(queue, &queue, 1) == 0 && queues.push(queue, &queue, 2) == 0);
  EXPECT(queues.push(queue, &queue, 3) == EAGAIN);
  EXPECT(queues.count(queue) == 2);
  std::size_t bytes = 0;
  EXPECT(queues.pop(queue, nullptr) == &queue);
  EXPECT(queues.pop(queue, &bytes) == &queue && bytes == 2);
  EXPECT(queues.pop(queue, &bytes) == nullptr && bytes == 2);
  EXPECT(queues.destroy(queue) == 0);
}

constexpr Part kParts[] = {
    {"without_system_calls", without_system_calls},
    {"in_handlers", in_handlers},
    {"in_forks", in_forks},
    {"messages", messages},
    {"queue_errors", queue_errors},
};

}  // namespace

int main(int count, char** values) {
  expect::on_lunalloc();
  EXPECT(count == 2 && run_part(kParts, values[1]));
  return 0;
}

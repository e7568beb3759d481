// SPDX-License-Identifier: MIT
// Is refused memory, and looks whether subscribers, the reserve and the options of the hard limit
// do what they say.
//
// Usage: recovery_guest PART
#include "expect.hpp"
#include "parts.hpp"
#include "pressure_seen.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdint>

namespace {

constexpr std::size_t kMiB = 1 << 20;

// Blocks in a list, each holding the address of the one before, that a callback may free.
struct Cache {
  // nullptr was refused: false.
  [[nodiscard]] bool add(std::size_t bytes) {
    errno = 0;
    void* const block = expect::opaque(malloc(bytes));
    if (block == nullptr) {
      EXPECT(errno == ENOMEM);
      return false;
    }
    memset(block, 1, bytes);
    EXPECT(pthread_mutex_lock(&lock) == 0);
    memcpy(block, &last, sizeof last);
    last = block;
    ++count;
    EXPECT(pthread_mutex_unlock(&lock) == 0);
    return true;
  }

  void drop(std::size_t kept) {
    EXPECT(pthread_mutex_lock(&lock) == 0);
    while (count > kept) {
      void* const block = last;
      memcpy(&last, block, sizeof last);
      free(block);
      --count;
    }
    EXPECT(pthread_mutex_unlock(&lock) == 0);
  }

  static void call(const luna_pressure_event* event, void* context) {
    auto* const self = static_cast<Cache*>(context);
    if (event->level < LUNA_PRESSURE_CRITICAL) return;
    ++self->calls;
    if (self->is_deaf) return;
    self->drop(self->count / 2);
  }

  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  void* last = nullptr;
  std::atomic<std::size_t> count{0};
  std::atomic<int> calls{0};
  bool is_deaf = false;
};

void subscribe(const Api& api, Cache& cache, luna_subscription& number) {
  EXPECT(api.subscribe(LUNA_PRESSURE_CRITICAL, 0, &Cache::call, &cache, &number) == 0);
}

// So much, with rests where the callback took longer than malloc waits, as on a busy machine. How
// often that was.
[[nodiscard]] int add_until(Cache& cache, std::size_t bytes, std::size_t total) {
  int refused = 0;
  for (std::size_t taken = 0; taken < total; taken += bytes) {
    while (!cache.add(bytes)) {
      EXPECT(++refused < 10);
      usleep(1'100'000);  // for a second nobody waits any more
    }
  }
  return refused;
}

// Many times what the limit allows: without help malloc would say no before each call.
void grows_on(std::size_t bytes, std::size_t total) {
  const Api api;
  static Cache cache;
  luna_subscription number = 0;
  subscribe(api, cache, number);
  const int refused = add_until(cache, bytes, total);
  EXPECT_FOR(refused, cache.calls > 1 && refused <= cache.calls / 2);
  EXPECT(api.unsubscribe(number) == 0);
  cache.drop(0);
}

void at_kernel_limit() {
  const struct rlimit limit = {1500 * kMiB, 1500 * kMiB};
  EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
  grows_on(kMiB, 4000 * kMiB);
}

void at_hard_limit() {
  grows_on(kMiB, 640 * kMiB);
  grows_on(3000, 640 * kMiB);
}

// Several at once, each refused now and then.
void in_threads() {
  const Api api;
  static Cache cache;
  luna_subscription number = 0;
  subscribe(api, cache, number);
  pthread_t threads[3];
  const auto grow = [](void*) -> void* {
    static_cast<void>(add_until(cache, kMiB, 200 * kMiB));
    return nullptr;
  };
  for (pthread_t& thread : threads) EXPECT(pthread_create(&thread, nullptr, grow, nullptr) == 0);
  for (const pthread_t thread : threads) EXPECT(pthread_join(thread, nullptr) == 0);
  EXPECT(api.unsubscribe(number) == 0);
}

// Who frees nothing does not keep malloc from saying no.
void in_vain() {
  const Api api;
  static Cache cache;
  cache.is_deaf = true;
  luna_subscription number = 0;
  subscribe(api, cache, number);
  while (cache.add(kMiB)) {
  }
  EXPECT(cache.calls >= 1);
  cache.drop(0);
  EXPECT(cache.add(kMiB));
  EXPECT(api.unsubscribe(number) == 0);
}

// Subscribers are told, but malloc does not wait.
void denied() {
  const Api api;
  static Cache cache;
  cache.is_deaf = true;
  luna_subscription number = 0;
  subscribe(api, cache, number);
  std::size_t taken = 0;
  while (cache.add(kMiB)) ++taken;
  EXPECT(taken > 40 && taken <= 64);
  EXPECT(comes_within(20'000, [] { return cache.calls != 0; }));
  EXPECT(api.unsubscribe(number) == 0);
}

// The callback wants a lock that the refused thread holds: neither waits for ever.
void under_lock() {
  const Api api;
  static Cache cache;
  luna_subscription number = 0;
  subscribe(api, cache, number);
  while (cache.count < 40) EXPECT(cache.add(kMiB));
  EXPECT(pthread_mutex_lock(&cache.lock) == 0);
  void* const refused = expect::opaque(malloc(60 * kMiB));
  EXPECT(refused == nullptr && errno == ENOMEM);
  EXPECT(pthread_mutex_unlock(&cache.lock) == 0);
  EXPECT(comes_within(20'000, [] { return cache.count <= 20; }));
  void* const block = expect::opaque(malloc(30 * kMiB));
  EXPECT(block != nullptr);
  free(block);
  EXPECT(api.unsubscribe(number) == 0);
}

// A callback that is refused itself is not waited for by itself.
void in_callback() {
  const Api api;
  static std::atomic<int> refused{0};
  luna_subscription number = 0;
  const auto want = [](const luna_pressure_event*, void*) {
    void* const block = expect::opaque(malloc(63 * kMiB));
    refused += block == nullptr ? 1 : 0;
    free(block);
  };
  EXPECT(api.subscribe(LUNA_PRESSURE_CRITICAL, 0, want, nullptr, &number) == 0);
  static Cache cache;
  while (cache.add(kMiB)) {
  }
  EXPECT(comes_within(20'000, [] { return refused != 0; }));
  cache.drop(0);
  EXPECT(api.unsubscribe(number) == 0);
}

// In the child nobody subscribed runs on: nothing is waited for.
void in_fork() {
  const Api api;
  static Cache cache;
  luna_subscription number = 0;
  subscribe(api, cache, number);
  const pid_t child = fork();
  if (child == 0) {
    while (cache.add(kMiB)) {
    }
    _exit(0);
  }
  int status = 1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  EXPECT(api.unsubscribe(number) == 0);
}

void aborted() {
  Cache cache;
  while (cache.add(kMiB)) {
  }
  expect::fail(__FILE__, __LINE__, "malloc has returned");
}

[[nodiscard]] std::size_t headroom() {
  Cache cache;
  std::size_t bytes = 0;
  for (; cache.add(100'000); bytes += 100'000) {
  }
  cache.drop(0);
  return bytes;
}

// After the refusal there is as much as was kept, and after everything was freed it is kept anew.
void reserve() {
  const Api api;
  for (int round = 0; round < 3; ++round) {
    Cache cache;
    while (cache.add(kMiB)) {
    }
    const std::size_t found = headroom();
    if (found < 3 * kMiB) expect::print(2, "%zu bytes\n", found);
    EXPECT_FOR(round, found >= 3 * kMiB);
    EXPECT_FOR(round, found < 6 * kMiB);
    cache.drop(0);
    usleep(2'100'000);  // refusals are pressure for a second
    static_cast<void>(api.check());
  }
}

void no_reserve() {
  Cache cache;
  while (cache.add(kMiB)) {
  }
  while (cache.add(100'000)) {
  }
  EXPECT(headroom() < 100'000);
  cache.drop(0);
}

void cold() {
  auto* const declare = find<decltype(luna_memory_cold)>("luna_memory_cold");
  auto* const block = static_cast<unsigned char*>(expect::opaque(malloc(5 * kMiB)));
  EXPECT(block != nullptr);
  for (std::size_t i = 0; i < 5 * kMiB; ++i) block[i] = static_cast<unsigned char>(i * 7 >> 4);
  errno = 4321;
  const int error = declare(block, 5 * kMiB);
  if (error == ENOTSUP) expect::skip("the kernel knows no cold memory");
  EXPECT(error == 0 && declare(block + 100, kMiB) == 0 && declare(block, 10) == 0);
  EXPECT(declare(block, 0) == 0 && declare(nullptr, 10) == EINVAL);
  EXPECT(declare(block, SIZE_MAX) == EINVAL);
  EXPECT(declare(reinterpret_cast<void*>(std::uintptr_t{1} << 12), kMiB) == EINVAL);
  // At the critical level, which one refusal makes.
  const Api api;
  luna_pressure_event event{};
  event.struct_size = sizeof event;
  EXPECT(expect::opaque(malloc(200 * kMiB)) == nullptr);
  EXPECT(api.read(&event) == 0 && event.level == LUNA_PRESSURE_CRITICAL);
  errno = 4321;
  EXPECT(declare(block, 5 * kMiB) == 0 && errno == 4321);
  for (std::size_t i = 0; i < 5 * kMiB; ++i)
    EXPECT_FOR(i, block[i] == static_cast<unsigned char>(i * 7 >> 4));
  free(block);
}

constexpr Part kParts[] = {
    {"at_kernel_limit", at_kernel_limit},
    {"at_hard_limit", at_hard_limit},
    {"in_threads", in_threads},
    {"in_vain", in_vain},
    {"denied", denied},
    {"under_lock", under_lock},
    {"in_callback", in_callback},
    {"in_fork", in_fork},
    {"aborted", aborted},
    {"reserve", reserve},
    {"no_reserve", no_reserve},
    {"cold", cold},
};

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2);
  expect::on_lunalloc();
  alarm(200);
  if (!run_part(kParts, arguments[1])) return 2;
  puts("done");
  return 0;
}

// SPDX-License-Identifier: MIT
// Wants more memory than its cgroup allows, unless what it frees is used again.
//
// Usage: limit_bench reuse|told MIB
//   reuse  takes three quarters of the limit in pieces of 24 KiB, frees two of three, and wants
//   more
//          than half of the limit in pieces of 3 MiB, which fit into none of the holes
//   told   fills a cache with pieces of 64 KiB, five times the limit in all, at most 500 MiB a
//   second,
//          and drops half of it when somebody tells of a critical pressure
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

namespace {

constexpr std::size_t kMiB = 1 << 20;
constexpr int kCritical = 3;  // LUNA_PRESSURE_CRITICAL of lunalloc/pressure.h

[[nodiscard]] std::size_t resident_bytes() {
  unsigned long pages = 0;
  if (FILE* file = fopen("/proc/self/statm", "r"); file != nullptr) {
    if (fscanf(file, "%*u %lu", &pages) != 1) pages = 0;
    fclose(file);
  }
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

[[nodiscard]] void* touched(std::size_t bytes) {
  void* block = malloc(bytes);
  if (block == nullptr) {
    puts("refused");
    exit(1);
  }
  memset(block, 1, bytes);
  return block;
}

void say_released(std::size_t touched_bytes) {
  const std::size_t resident = resident_bytes();
  printf("released %zu\n", touched_bytes > resident ? (touched_bytes - resident) / kMiB : 0);
}

void reuse(std::size_t limit) {
  constexpr std::size_t kSmall = 24'576;
  constexpr std::size_t kLarge = 3 * kMiB;
  std::vector<void*> blocks;
  std::size_t total = 0;
  for (; total < limit / 4 * 3; total += kSmall) blocks.push_back(touched(kSmall));
  for (std::size_t i = 0; i < blocks.size(); ++i)
    if (i % 3 != 0) free(blocks[i]);
  for (std::size_t large = 0; large < limit / 20 * 11; large += kLarge) {
    blocks.push_back(touched(kLarge));
    total += kLarge;
  }
  say_released(total);
}

// The start of a luna_pressure_event.
struct Event {
  std::size_t struct_size;
  std::uint64_t level;
};

struct Cache {
  static void call(const Event* event, void* context) {
    auto& self = *static_cast<Cache*>(context);
    if (event->level < kCritical) return;  // it is over
    pthread_mutex_lock(&self.lock);
    for (std::size_t left = self.values.size() / 2; left > 0; --left) {
      free(self.values.front());
      self.values.pop_front();
    }
    pthread_mutex_unlock(&self.lock);
  }

  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  std::deque<void*> values;
};

void told(std::size_t limit) {
  using Subscribe = int(int level, std::uint64_t interval, void (*callback)(const Event*, void*),
                        void* context, std::uint64_t* subscription);
  constexpr std::size_t kValue = 65'536;
  static Cache cache;
  std::uint64_t subscription = 0;
  auto* const subscribe =
      reinterpret_cast<Subscribe*>(dlsym(RTLD_DEFAULT, "luna_pressure_subscribe"));
  if (subscribe != nullptr) subscribe(kCritical, 100, &Cache::call, &cache, &subscription);
  std::size_t total = 0;
  for (; total < limit * 5; total += kValue) {
    void* const value = touched(kValue);
    pthread_mutex_lock(&cache.lock);
    cache.values.push_back(value);
    pthread_mutex_unlock(&cache.lock);
    if (total % kMiB == 0) usleep(2000);
  }
  say_released(total);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const std::size_t limit = strtoull(arguments[2], nullptr, 10) * kMiB;
  if (strcmp(arguments[1], "reuse") == 0) {
    reuse(limit);
  } else {
    told(limit);
  }
  return 0;
}

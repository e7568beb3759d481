// SPDX-License-Identifier: MIT
#include "work.hpp"

#include "expect.hpp"

#include <fcntl.h>
#include <lunalloc/control.h>
#include <lunalloc/heap.h>
#include <lunalloc/lunalloc.h>
#include <lunalloc/machine.h>
#include <lunalloc/physical.h>
#include <lunalloc/pool.h>
#include <lunalloc/pressure.h>
#include <lunalloc/profile.h>
#include <lunalloc/queue.h>
#include <lunalloc/stats.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace fault {

namespace {

using blocks::kKiB;
using blocks::kMiB;
using blocks::Random;

constexpr std::size_t kSizes[] = {24,   24,     200,    200,     200,    3000,
                                  3000, 20'000, 20'000, 100'000, 300'000};
constexpr std::size_t kSpan = 2 * kMiB + 3 * 100 * kKiB;

[[nodiscard]] std::size_t size_from(Random& random) {
  return random.below(32) == 0 ? kSpan : kSizes[random.below(std::size(kSizes))];
}

struct Held {
  unsigned char* memory = nullptr;
  std::size_t bytes = 0;
  std::size_t seed = 0;

  void check() const { EXPECT_FOR(bytes, blocks::holds(memory, bytes, seed)); }
};

void expect_memory_or_none(const void* block) { EXPECT(block != nullptr || errno == ENOMEM); }

[[nodiscard]] Held taken(Random& random) {
  const std::size_t bytes = size_from(random) + random.below(64);
  errno = 0;
  void* block = nullptr;
  switch (random.below(3)) {
    case 0:
      block = calloc(1, bytes);
      break;
    case 1:
      block = malloc(bytes);
      break;
    default:
      errno = posix_memalign(&block, std::size_t{64} << random.below(8), bytes);
      if (errno != 0) block = nullptr;
  }
  block = expect::opaque(block);
  expect_memory_or_none(block);
  if (block == nullptr) return {};
  const Held held = {static_cast<unsigned char*>(block), bytes, random.below(256)};
  blocks::fill(held.memory, bytes, held.seed);
  return held;
}

void use_blocks(Random& random) {
  std::array<Held, 24> held;
  for (Held& each : held) each = taken(random);
  for (Held& each : held) {
    if (each.memory == nullptr || random.below(2) == 0) continue;
    const std::size_t bytes = random.below(2) == 0 ? each.bytes * 2 : each.bytes / 3 + 1;
    errno = 0;
    void* moved = expect::opaque(realloc(each.memory, bytes));
    expect_memory_or_none(moved);
    if (moved == nullptr) continue;
    each.memory = static_cast<unsigned char*>(moved);
    EXPECT(blocks::holds(moved, bytes < each.bytes ? bytes : each.bytes, each.seed));
    each.bytes = bytes;
    blocks::fill(moved, bytes, each.seed);
  }
  if (random.below(2) == 0) malloc_trim(0);
  for (const Held& each : held) {
    if (each.memory == nullptr) continue;
    each.check();
    errno = 4321;
    free(each.memory);
    EXPECT(errno == 4321);
  }
}

void use_threads(Random& random, const char* /*folder*/) {
  const auto run = [](void* seed) -> void* {
    Random own(reinterpret_cast<std::uintptr_t>(seed));
    use_blocks(own);
    return nullptr;
  };
  pthread_t thread;
  const bool runs =
      pthread_create(&thread, nullptr, run, reinterpret_cast<void*>(random.below(1000) + 1)) == 0;
  use_blocks(random);
  if (runs) EXPECT(pthread_join(thread, nullptr) == 0);
}

void use_child(Random& random, const char* /*folder*/) {
  const pid_t child = fork();
  EXPECT(child >= 0);  // that is the C library's call
  if (child == 0) {
    use_blocks(random);
    _exit(0);
  }
  int status = 1;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT_FOR(status, status == 0);
}

[[nodiscard]] luna_heap* made_heap(Random& random) {
  constexpr std::uint64_t kFlags[] = {
      0, LUNA_HEAP_EXACT, LUNA_HEAP_WIPES, LUNA_HEAP_HUGE_PAGES, LUNA_HEAP_KEY, LUNA_HEAP_GUARDS};
  luna_heap_options options{};
  options.struct_size = sizeof options;
  options.name = "faults";
  options.flags = kFlags[random.below(std::size(kFlags))];
  options.limit_bytes = random.below(2) * 16 * kMiB;
  errno = 0;
  luna_heap* heap = luna_heap_create(&options);
  expect_memory_or_none(heap);
  return heap;
}

// To the heap of all, which must have the block then, wherever it was kept from.
void hand_over(Held& held, luna_heap* to) {
  void* block = held.memory;
  luna_transfer how = LUNA_TRANSFER_NONE;
  const int error = luna_block_transfer(&block, to, &how);
  EXPECT_FOR(error, error == 0 || error == ENOMEM);
  if (error != 0) EXPECT(block == held.memory);
  held.memory = static_cast<unsigned char*>(block);
  held.check();
}

void use_heap(Random& random, const char* /*folder*/) {
  luna_heap* heap = made_heap(random);
  if (heap == nullptr) return;
  std::array<Held, 20> held;
  for (Held& each : held) {
    const std::size_t bytes = size_from(random);
    errno = 0;
    void* block = luna_heap_malloc(heap, bytes);
    expect_memory_or_none(block);
    if (block == nullptr) continue;
    each = {static_cast<unsigned char*>(block), bytes, random.below(256)};
    blocks::fill(block, bytes, each.seed);
  }
  if (random.below(2) == 0) {
    luna_heap* before = luna_heap_enter(heap);
    use_blocks(random);
    luna_heap_leave(before);
  }
  if (luna_heap_protect(heap, LUNA_HEAP_READ) == 0) {
    for (const Held& each : held)
      if (each.memory != nullptr) each.check();
    // What could not be opened stays closed, and the heap can be ended nevertheless.
    if (luna_heap_protect(heap, LUNA_HEAP_READ_WRITE) != 0) {
      EXPECT(luna_heap_destroy(heap) == 0);
      return;
    }
  }
  for (Held& each : held) {
    if (each.memory == nullptr) continue;
    each.check();
    if (random.below(3) == 0) continue;  // goes with the heap
    if (random.below(3) == 0) hand_over(each, nullptr);
    free(each.memory);
  }
  luna_heap_trim(heap);
  if (random.below(2) == 0) EXPECT(luna_heap_reset(heap) == 0);
  EXPECT(luna_heap_destroy(heap) == 0);
  for (Held& each : held) each = {};
}

void use_pool(Random& random, const char* /*folder*/) {
  luna_pool_options options{};
  options.struct_size = sizeof options;
  options.max_blocks = 1000;
  options.auto_expand = random.below(2) == 0;
  luna_pool* pool = nullptr;
  const int error = luna_pool_create("faults", 16 + random.below(5000), &options, &pool);
  EXPECT_FOR(error, error == 0 || error == ENOMEM);
  luna_queue* queue = nullptr;
  const int refusal = luna_queue_create(256, &queue);
  EXPECT_FOR(refusal, refusal == 0 || refusal == ENOMEM);
  if (error == 0 && refusal == 0) {
    std::size_t count = 0;
    for (; count < 256; ++count) {
      void* block = luna_pool_allocate(pool);
      if (block == nullptr) break;
      EXPECT(luna_queue_try_push(queue, block, count) == 0);
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t number = 0;
      void* block = luna_queue_try_pop(queue, &number);
      EXPECT(block != nullptr && number == i && luna_pool_free(pool, block) == 0);
    }
    luna_pool_trim(pool);
  }
  if (queue != nullptr) EXPECT(luna_queue_destroy(queue) == 0);
  if (pool != nullptr) EXPECT(luna_pool_destroy(pool) == 0);
}

void use_profile(Random& random, const char* folder) {
  char path[256];
  snprintf(path, sizeof path, "%s/profile", folder);
  const int error = luna_profile_start(random.below(2) == 0 ? 1 : 4096);
  use_blocks(random);
  const auto kind = static_cast<luna_profile_kind>(random.below(3));
  const auto format = static_cast<luna_profile_format>(random.below(6));
  const int written = luna_profile_dump(path, kind, format);
  EXPECT_FOR(written, written >= 0);
  if (written == 0) EXPECT(access(path, R_OK) == 0);
  EXPECT(luna_leaks_dump(path, LUNA_PROFILE_TEXT) >= 0);
  if (random.below(8) == 0) {
    const auto ignore = [](const luna_leak*, void*) {};
    EXPECT(luna_leaks_prove(ignore, nullptr) >= 0);
  }
  if (error == 0) luna_profile_stop();
  unlink(path);
}

void use_statistics(Random& /*random*/, const char* folder) {
  char path[256];
  snprintf(path, sizeof path, "%s/statistics", folder);
  const int file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  EXPECT(file >= 0);
  EXPECT(luna_stats_write(file, LUNA_STATS_JSON, LUNA_STATS_ALL) >= 0);
  EXPECT(luna_stats_write(file, LUNA_STATS_OPENMETRICS, LUNA_STATS_ALL) >= 0);
  EXPECT(luna_stats_print(file) >= 0);
  close(file);
  unlink(path);
  luna_stats_detail detail{};
  detail.struct_size = sizeof detail;
  EXPECT(luna_stats_detail_read(&detail, LUNA_STATS_ALL) >= 0);
  luna_machine machine{};
  machine.struct_size = sizeof machine;
  EXPECT(luna_machine_read(&machine) >= 0);
  std::uint64_t physical = 0;
  EXPECT(luna_physical_address(&detail, &physical) >= 0);
}

// Sets each control to what it is.
void use_controls(Random& random, const char* /*folder*/) {
  const auto set = [](const luna_control* control, void* context) {
    if (control->access != LUNA_CONTROL_WRITE || strcmp(control->name, "socket") == 0) return;
    if (static_cast<Random*>(context)->below(2) == 0) return;
    char value[256];
    if (luna_control_get_text(control->name, value, sizeof value) != 0) return;
    const int error = luna_control_set_text(control->name, value);
    EXPECT_FOR(error, error >= 0);
  };
  EXPECT(luna_control_list(set, &random) == 0);
}

// Asks the server, if there is one.
void ask(const char* path) {
  const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT(file >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const timeval patience = {5, 0};
  EXPECT(setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  if (connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    constexpr std::string_view kRequest =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    if (send(file, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) > 0) {
      char answer[4096];
      while (recv(file, answer, sizeof answer, 0) > 0) {
      }
    }
  }
  close(file);
}

void use_server(Random& random, const char* folder) {
  char path[256];
  snprintf(path, sizeof path, "%s/socket", folder);
  const int error = luna_control_set_text("socket", path);
  EXPECT_FOR(error, error >= 0);
  if (error == 0) ask(path);
  use_blocks(random);
  EXPECT(luna_control_set_text("socket", "off") >= 0);
  unlink(path);
}

void use_pressure(Random& random, const char* /*folder*/) {
  luna_pressure_event event{};
  event.struct_size = sizeof event;
  EXPECT(luna_pressure_read(&event) >= 0);
  luna_subscription number = 0;
  const auto stay = [](const luna_pressure_event*, void*) {};
  const int error = luna_pressure_subscribe(LUNA_PRESSURE_CRITICAL, 0, stay, nullptr, &number);
  EXPECT_FOR(error, error == 0 || error == EAGAIN || error == ENOMEM);
  EXPECT(luna_pressure_check() >= 0);
  use_blocks(random);
  if (error == 0) EXPECT(luna_pressure_unsubscribe(number) == 0);
}

// More than any arena holds, which is a mapping of its own; and what is cold.
void use_huge_block(Random& /*random*/, const char* /*folder*/) {
  constexpr std::size_t kBytes = std::size_t{3} << 30;
  errno = 0;
  auto* block = static_cast<unsigned char*>(expect::opaque(malloc(kBytes)));
  expect_memory_or_none(block);
  if (block == nullptr) return;
  block[0] = block[kBytes - 1] = 1;
  EXPECT(luna_memory_cold(block, kMiB) >= 0);
  EXPECT(block[0] == 1 && block[kBytes - 1] == 1);
  free(block);
  luna_purge(0);
}

void use_blocks_alone(Random& random, const char* /*folder*/) { use_blocks(random); }

using Use = void (*)(Random&, const char*);
constexpr Use kUses[] = {use_blocks_alone, use_threads,  use_child,     use_heap,
                         use_pool,         use_profile,  use_controls,  use_statistics,
                         use_server,       use_pressure, use_huge_block};

}  // namespace

void work(Random& random, const char* folder) {
  const std::size_t count = 1 + random.below(4);
  for (std::size_t i = 0; i < count; ++i) kUses[random.below(std::size(kUses))](random, folder);
}

void work_through(Random& random, const char* folder) {
  for (const Use use : kUses) use(random, folder);
}

}  // namespace fault

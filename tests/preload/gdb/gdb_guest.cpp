// SPDX-License-Identifier: MIT
// Has blocks of all kinds, live and freed; writes what the library says of them as JSON, and then
// calls stopped(), where a debugger looks for itself.
#include "expect.hpp"
#include "find_function.hpp"

#include <lunalloc/heap.h>
#include <lunalloc/lunalloc.h>
#include <lunalloc/pool.h>
#include <lunalloc/stats.h>
#include <unistd.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace {

constexpr std::size_t kBlocks = 6000;
std::array<void*, kBlocks> blocks;
std::array<char, 1 << 16> said;  // for what is written must not be allocated
std::size_t said_bytes = 0;

[[gnu::format(printf, 1, 2)]] void say(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  said_bytes += static_cast<std::size_t>(
      std::vsnprintf(&said[said_bytes], said.size() - said_bytes, format, arguments));
  va_end(arguments);
}

void say_classes() {
  static std::array<luna_class_stats, 64> rows;
  std::size_t count = rows.size();
  EXPECT(find<decltype(luna_stats_classes)>("luna_stats_classes")(rows.data(), sizeof rows[0],
                                                                  &count) == 0);
  say("\"classes\":[");
  for (std::size_t i = 0; i < count; ++i)
    say("%s[%lu,%lu,%lu,%lu,%lu]", i == 0 ? "" : ",", rows[i].block_bytes, rows[i].slabs,
        rows[i].used_blocks, rows[i].free_blocks, rows[i].uncut_blocks);
  say("]");
}

void say_detail() {
  static luna_stats_detail detail;
  detail.struct_size = sizeof detail;
  EXPECT(find<decltype(luna_stats_detail_read)>("luna_stats_detail_read")(&detail, 0) == 0);
  const std::array<std::pair<const char*, std::uint64_t>, 12> rows = {{
      {"small_blocks", detail.small_blocks},
      {"small_bytes", detail.small_bytes},
      {"large_blocks", detail.large_blocks},
      {"large_bytes", detail.large_bytes},
      {"thread_cache_bytes", detail.thread_cache_bytes},
      {"kept_bytes", detail.kept_bytes},
      {"dirty_bytes", detail.dirty_bytes},
      {"committed_bytes", detail.committed_bytes},
      {"reserved_bytes", detail.reserved_bytes},
      {"purged_bytes", detail.purged_bytes},
      {"thread_heaps", detail.thread_heaps},
      {"attached_threads", detail.attached_threads},
  }};
  for (const auto& [name, value] : rows) say(",\"%s\":%lu", name, value);
}

[[nodiscard]] void* block_of_heap() {
  luna_heap_options options = {};
  options.struct_size = sizeof options;
  options.name = "cache";
  luna_heap* const heap = find<decltype(luna_heap_create)>("luna_heap_create")(&options);
  EXPECT(heap != nullptr);
  return find<decltype(luna_heap_malloc)>("luna_heap_malloc")(heap, 1000);
}

[[nodiscard]] void* block_of_pool() {
  luna_pool* pool = nullptr;
  EXPECT(find<decltype(luna_pool_create)>("luna_pool_create")("requests", 200, nullptr, &pool) ==
         0);
  return find<decltype(luna_pool_allocate)>("luna_pool_allocate")(pool);
}

}  // namespace

// By names that gdb knows.
void* sampled = nullptr;
void* small = nullptr;
void* pooled = nullptr;

extern "C" [[gnu::noinline]] void stopped() { asm volatile(""); }

int main() {
  for (std::size_t i = 0; i < kBlocks; ++i) blocks[i] = std::malloc(16 + i * 7 % 4000);
  void* const large = std::malloc(300'000);
  void* const span = std::malloc(std::size_t{40} << 20);
  sampled = span;
  small = blocks[2];
  pooled = block_of_pool();
  void* const kept = std::malloc(std::size_t{1} << 20);
  void* const purged = std::malloc(std::size_t{3} << 20);
  void* const named = block_of_heap();
  for (std::size_t i = 0; i < kBlocks; i += 3) std::free(blocks[i]);
  std::thread([] {
    for (std::size_t i = 1; i < kBlocks / 8; i += 3) std::free(blocks[i]);
  }).join();
  std::free(purged);
  static_cast<void>(find<decltype(luna_purge)>("luna_purge")(0));
  void* const freed = std::malloc(100);
  void* const live = std::malloc(100);
  std::free(freed);
  void* listed = nullptr;
  for (int i = 0; i < 50; ++i) {  // a list has to have some room before it takes any
    listed = std::malloc(20'000);
    std::free(listed);
  }
  // Nothing is allocated behind this, so it is not taken in.
  std::thread([] { std::free(blocks.back()); }).join();
  say("{");
  say_classes();
  say_detail();
  std::free(kept);
  say(",\"blocks\":{\"live\":%lu,\"freed\":%lu,\"elsewhere\":%lu,\"pending\":%lu,\"large\":%lu,"
      "\"span\":%lu,"
      "\"listed\":%lu,\"kept\":%lu,\"named\":%lu,\"foreign\":%lu}}\n",
      reinterpret_cast<unsigned long>(live), reinterpret_cast<unsigned long>(freed),
      reinterpret_cast<unsigned long>(blocks[4]), reinterpret_cast<unsigned long>(blocks.back()),
      reinterpret_cast<unsigned long>(large), reinterpret_cast<unsigned long>(span),
      reinterpret_cast<unsigned long>(listed), reinterpret_cast<unsigned long>(kept),
      reinterpret_cast<unsigned long>(named), reinterpret_cast<unsigned long>(&said));
  EXPECT(write(STDOUT_FILENO, said.data(), said_bytes) == static_cast<ssize_t>(said_bytes));
  stopped();
}

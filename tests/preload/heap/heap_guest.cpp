// SPDX-License-Identifier: MIT
// Heaps of the program's own: what they promise, one part a run. Some parts end by a signal on
// purpose; heap_test.py says which.
//
// Usage: heap_guest PART
#include "expect.hpp"
#include "heap_api.hpp"
#include "parts.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace heap;

// Of each kind of memory: blocks of slabs, listed runs, runs, spans.
constexpr std::size_t kSizes[] = {1, 16, 100, 1000, 5000, 30000, 70000, 300000, 3 * kMiB};

void blocks() {
  luna_heap* one = made("one");
  luna_heap* two = made("two");
  std::vector<unsigned char*> kept;
  for (const std::size_t size : kSizes) {
    auto* block = static_cast<unsigned char*>(heap_malloc(one, size));
    auto* other = static_cast<unsigned char*>(heap_malloc(two, size));
    EXPECT_FOR(size, block != nullptr && other != nullptr && block != other);
    memset(block, 1, size);
    memset(other, 2, size);
    EXPECT_FOR(size, block[0] == 1 && block[size - 1] == 1);
    EXPECT_FOR(size, heap_of(block) == one && heap_of(other) == two);
    kept.push_back(block);
    free(other);
  }
  EXPECT(heap_of(malloc(10)) == nullptr && heap_of(&kept) == nullptr);
  EXPECT(std::string(heap_name(one)) == "one");
  const luna_heap_stats full = stats(one);
  EXPECT(full.live_blocks == std::size(kSizes) && full.live_bytes >= 3 * kMiB + 400000);
  EXPECT(full.resident_bytes >= 3 * kMiB && full.used_bytes >= full.live_bytes - 8 * kKiB);
  EXPECT(stats(two).live_blocks == 0);
  for (unsigned char* block : kept) free(block);
  EXPECT(stats(one).live_blocks == 0 && stats(one).live_bytes == 0);
  heap_trim(one);
  EXPECT(stats(one).used_bytes == 0 && stats(one).resident_bytes == 0);
}

void other_calls() {
  luna_heap* own = made("own");
  auto* zeros = static_cast<unsigned char*>(heap_calloc(own, 100, 100));
  for (std::size_t i = 0; i < 10000; ++i) EXPECT_FOR(i, zeros[i] == 0);
  for (std::size_t alignment = 16; alignment <= 4 * kMiB; alignment *= 2) {
    void* block = heap_aligned_alloc(own, alignment, 100);
    EXPECT_FOR(alignment, block != nullptr && heap_of(block) == own);
    EXPECT_FOR(alignment, reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
    free(block);
  }
  EXPECT(heap_aligned_alloc(own, 48, 100) == nullptr && errno == EINVAL);
  // A block stays in its heap, however it grows and shrinks, and by whomever.
  auto* block = static_cast<unsigned char*>(heap_malloc(own, 10));
  block[0] = 77;
  for (const std::size_t size : {100UL, 5000UL, 200000UL, 8 * kMiB, 16 * kMiB, 50000UL, 20UL}) {
    block = static_cast<unsigned char*>(size % 100 != 0 ? realloc(block, size)
                                                        : heap_realloc(own, block, size));
    EXPECT_FOR(size, block != nullptr && block[0] == 77 && heap_of(block) == own);
    block[size - 1] = 1;
  }
  void* foreign = malloc(10);
  EXPECT(heap_realloc(own, foreign, 100) == nullptr && errno == EINVAL);
  EXPECT(heap_realloc(own, block, 0) == nullptr);
  free(foreign);
  free(zeros);
  EXPECT(stats(own).live_blocks == 0);
  // Without waiting: of what is at hand.
  EXPECT(heap_try_malloc(own, 100 * kKiB) == nullptr && errno == EAGAIN);
  free(heap_malloc(own, 64));
  void* at_hand = heap_try_malloc(own, 64);
  EXPECT(at_hand != nullptr && heap_of(at_hand) == own);
  free(at_hand);
}

void wipes() {
  luna_heap* own = made("wiped", 0, LUNA_HEAP_WIPES);
  for (const std::size_t size : {100UL, 5000UL, 100000UL}) {
    auto* block = static_cast<volatile unsigned char*>(heap_malloc(own, size));
    for (std::size_t i = 0; i < size; ++i) block[i] = 0xaa;
    free(const_cast<unsigned char*>(block));
    for (std::size_t i = 16; i < size; ++i) EXPECT_FOR(i, block[i] == 0);
  }
}

void enter() {
  luna_heap* outer = made("outer");
  luna_heap* inner = made("inner");
  std::atomic<bool> entered{false};
  std::atomic<bool> looked{false};
  std::thread other([&] {
    while (!entered) std::this_thread::yield();
    EXPECT(heap_of(std::make_unique<int[]>(100).get()) == nullptr);
    looked = true;
  });
  void* before = malloc(100);
  luna_heap* all = heap_enter(outer);
  EXPECT(all == nullptr);
  void* first = malloc(100);
  void* zeros = calloc(10, 10);
  void* aligned = aligned_alloc(64, 640);
  luna_heap* last = heap_enter(inner);
  EXPECT(last == outer);
  auto* text = new std::string(1000, 'x');
  EXPECT(heap_of(text) == inner && heap_of(text->data()) == inner);
  EXPECT(heap_destroy(inner) == EBUSY && heap_reset(outer) == EBUSY);
  free(before);
  delete text;
  heap_leave(last);
  void* second = malloc(100000);
  EXPECT(heap_of(first) == outer && heap_of(zeros) == outer && heap_of(aligned) == outer);
  EXPECT(heap_of(second) == outer);
  entered = true;
  while (!looked) std::this_thread::yield();
  heap_leave(all);
  other.join();
  for (int i = 0; i < 1000; ++i) {
    void* plain = malloc(100);
    EXPECT(heap_of(plain) == nullptr);
    free(plain);
  }
  for (void* block : {first, zeros, aligned, second}) free(block);
  EXPECT(stats(outer).live_blocks == 0 && stats(inner).live_blocks == 0);
  EXPECT(heap_destroy(inner) == 0 && heap_destroy(outer) == 0);
}

void protect() {
  luna_heap* own = made("secrets");
  auto* block = static_cast<unsigned char*>(heap_malloc(own, 100));
  auto* freed = static_cast<unsigned char*>(heap_malloc(own, 100));
  void* large = heap_malloc(own, 100000);
  block[0] = 42;
  EXPECT(heap_protect(own, LUNA_HEAP_READ) == 0);
  EXPECT(block[0] == 42);
  EXPECT(heap_malloc(own, 100) == nullptr && errno == EACCES);
  free(freed);
  free(large);
  EXPECT(heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
  EXPECT(stats(own).live_blocks == 1);
  block[0] = 43;
  EXPECT(heap_protect(own, LUNA_HEAP_NO_ACCESS) == 0);
  luna_heap_access unknown = LUNA_HEAP_READ;
  memset(&unknown, 7, sizeof unknown);
  EXPECT(heap_protect(own, unknown) == EINVAL);
  pthread_setname_np(pthread_self(), "intruder");
  *static_cast<volatile unsigned char*>(block) = 44;
}

void transfer() {
  luna_heap* from = made("from");
  luna_heap* to = made("to", 1 * kMiB);
  for (luna_heap* target : {to, static_cast<luna_heap*>(nullptr), from}) {
    void* block = heap_malloc(from, 1000);
    memset(block, 9, 1000);
    luna_transfer how = LUNA_TRANSFER_NONE;
    EXPECT(block_transfer(&block, target, &how) == 0);
    EXPECT(heap_of(block) == target && static_cast<char*>(block)[999] == 9);
    EXPECT(how == (target == from ? LUNA_TRANSFER_NONE : LUNA_TRANSFER_COPIED));
    free(block);
  }
  void* large = heap_malloc(from, 2 * kMiB);
  void* before = large;
  EXPECT(block_transfer(&large, to, nullptr) == ENOMEM && large == before);
  int here = 0;
  void* no_block = &here;
  EXPECT(block_transfer(&no_block, to, nullptr) == EINVAL);
  EXPECT(block_transfer(nullptr, to, nullptr) == EINVAL);
  free(large);
  EXPECT(stats(from).live_blocks == 0 && stats(to).live_blocks == 0);
}

void lists() {
  luna_heap* made_here[20];
  for (luna_heap*& each : made_here) each = made("one of many");
  luna_heap* found[30] = {};
  EXPECT(heap_list(found, 30) == 20 && heap_list(nullptr, 0) == 20);
  EXPECT(heap_list(found, 5) == 20);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_FOR(i, found[i] == made_here[i]);
  free_all({heap_malloc(made_here[3], 10)});
  void* held = heap_malloc(made_here[3], 1000);
  luna_class_stats rows[128];
  const std::size_t count = heap_classes(made_here[3], rows, 128);
  EXPECT(count >= 1 && count <= 2 && rows[count - 1].block_bytes == 1024);
  EXPECT(rows[count - 1].slabs == 1 && rows[count - 1].used_blocks >= 1);
  free(held);
  for (luna_heap* each : made_here) EXPECT(heap_destroy(each) == 0);
  EXPECT(heap_list(found, 30) == 0);
}

// The statistics of the process count what is in heaps, and know where all of it is.
void statistics() {
  static auto* const read = find<decltype(luna_stats_detail_read)>("luna_stats_detail_read");
  const auto now = [] {
    luna_stats_detail result{};
    result.struct_size = sizeof result;
    EXPECT(read(&result, LUNA_STATS_RESIDENT) == 0);
    return result;
  };
  const luna_stats_detail before = now();
  luna_heap* own = made("counted");
  luna_heap* gone = made("gone");
  fill(gone, 1000, 20000);
  EXPECT(heap_destroy(gone) == 0);
  fill(own, 1000, 20000);
  static_cast<void>(fill(own, 4 * kMiB, 2));
  const luna_stats_detail after = now();
  EXPECT(after.live_blocks >= before.live_blocks + 20002);
  EXPECT(after.live_bytes >= before.live_bytes + 28 * 1000 * 1000);
  EXPECT(after.resident_bytes >= before.resident_bytes + 28 * 1000 * 1000);
  EXPECT(after.resident_bytes < before.resident_bytes + 32 * 1000 * 1000);
  const std::uint64_t more = std::max(after.accounted_bytes, after.resident_bytes);
  const std::uint64_t less = std::min(after.accounted_bytes, after.resident_bytes);
  EXPECT(more - less <= after.resident_bytes / 50 + 64 * kKiB);
  EXPECT(heap_destroy(own) == 0);
}

// As JSON, then as metrics; heap_test.py reads them.
void formats() {
  static auto* const write = find<decltype(luna_stats_write)>("luna_stats_write");
  luna_heap_options below = options("a \"name\"", 8 * kMiB);
  below.parent = made("root");
  luna_heap* own = made(below);
  static_cast<void>(made(below));
  static_cast<void>(fill(own, 1000, 1000));
  fflush(stdout);
  EXPECT(write(STDOUT_FILENO, LUNA_STATS_JSON, LUNA_STATS_HEAPS) == 0);
  EXPECT(write(STDOUT_FILENO, LUNA_STATS_OPENMETRICS, LUNA_STATS_HEAPS) == 0);
  EXPECT(write(STDERR_FILENO, LUNA_STATS_TEXT, LUNA_STATS_HEAPS) == 0);
}

void mistakes() {
  luna_heap_options bad = options("a");
  bad.struct_size = 8;
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options(nullptr);
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options("");
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options("new\nline");
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  const std::string longest(LUNA_HEAP_NAME_BYTES - 1, 'n');
  const std::string longer(LUNA_HEAP_NAME_BYTES, 'n');
  bad = options(longer.c_str());
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options("a", 0, 1024);
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options("a");
  bad.denial = LUNA_HEAP_CALLS;
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options("a", 1000);
  bad.reserve_bytes = 1000;
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  EXPECT(heap_create(nullptr) == nullptr && errno == EINVAL);
  EXPECT(std::string(heap_name(made(longest.c_str()))) == longest);
  luna_heap_stats stats{};
  EXPECT(heap_stats_read(made("b"), &stats) == EINVAL);
  std::vector<luna_heap*> all;
  const luna_heap_options many = options("many");
  while (luna_heap* one = heap_create(&many)) all.push_back(one);
  EXPECT(errno == ENOSPC && all.size() == LUNA_HEAPS - 2);
  for (luna_heap* one : all) EXPECT(heap_destroy(one) == 0);
}

void twice() {
  luna_heap* own = made("twice");
  void* block = heap_malloc(own, 100);
  void* other = heap_malloc(own, 100);
  free(block);
  free(other);
  free(block);
  heap_trim(own);
  heap_trim(own);
}

constexpr Part kParts[] = {
    {"blocks", blocks},   {"other_calls", other_calls},
    {"wipes", wipes},     {"enter", enter},
    {"protect", protect}, {"transfer", transfer},
    {"lists", lists},     {"statistics", statistics},
    {"formats", formats}, {"mistakes", mistakes},
    {"twice", twice},
};

}  // namespace

int main(int count, char** arguments) { return run_guest(kParts, count, arguments); }

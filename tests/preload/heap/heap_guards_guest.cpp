// SPDX-License-Identifier: MIT
// Heaps whose blocks lie in guarded slots; one part a run. There are 64 slots.
//
// Usage: heap_guards_guest PART
#include "expect.hpp"
#include "heap_api.hpp"
#include "parts.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace {

using namespace heap;
using expect::opaque;

constexpr std::size_t kSlots = 64;
constexpr std::size_t kPage = 4096;

[[nodiscard]] luna_heap* made_guarded(std::uint64_t more = 0, std::uint64_t limit = 0) {
  return made("guarded", limit, LUNA_HEAP_GUARDS | more);
}
[[nodiscard]] unsigned char* taken(luna_heap* own, std::size_t bytes) {
  auto* block = static_cast<unsigned char*>(heap_malloc(own, bytes));
  EXPECT(block != nullptr && heap_of(block) == own);
  return opaque(block);
}

// A slot has the exact room; others do not.
[[nodiscard]] bool is_guarded(void* block) { return malloc_usable_size(block) == 33; }

void blocks() {
  luna_heap* own = made_guarded();
  luna_heap* other = made("other", 0, LUNA_HEAP_GUARDS | LUNA_HEAP_WIPES);
  void* plain = malloc(33);
  EXPECT(heap_of(plain) == nullptr && !is_guarded(plain));
  unsigned char* held[2 * kSlots] = {};
  std::size_t guarded = 0;
  for (auto& block : held) {
    block = taken(own, 33);
    memset(block, 7, 33);
    guarded += is_guarded(block) ? 1 : 0;
  }
  EXPECT(guarded == kSlots && is_guarded(held[kSlots - 1]) && !is_guarded(held[kSlots]));
  const luna_heap_stats full = stats(own);
  EXPECT(full.live_blocks == 2 * kSlots && full.used_bytes >= kSlots * kPage);
  EXPECT(full.live_bytes == kSlots * 33 + kSlots * malloc_usable_size(held[kSlots]));
  for (unsigned char* block : held) EXPECT(block[32] == 7);
  for (unsigned char* block : held) free(block);
  EXPECT(stats(own).live_blocks == 0);

  auto* zeros = static_cast<unsigned char*>(heap_calloc(own, 3, 11));
  EXPECT(is_guarded(zeros));
  for (int i = 0; i < 33; ++i) EXPECT_FOR(i, zeros[i] == 0);
  zeros[0] = 9;
  auto* moved = static_cast<unsigned char*>(realloc(zeros, 5000));  // larger than a slot
  EXPECT(moved != nullptr && heap_of(moved) == own && moved[0] == 9 && moved[32] == 0);
  moved = static_cast<unsigned char*>(realloc(moved, 33));
  EXPECT(is_guarded(moved) && heap_of(moved) == own && moved[0] == 9);
  void* aligned = heap_aligned_alloc(own, 256, 33);
  EXPECT(is_guarded(aligned) && reinterpret_cast<std::uintptr_t>(aligned) % 256 == 0);
  void* page = heap_aligned_alloc(own, kPage, kPage);
  EXPECT(reinterpret_cast<std::uintptr_t>(page) % kPage == 0);
  luna_heap* before = heap_enter(other);
  void* entered = malloc(33);
  EXPECT(is_guarded(entered) && heap_of(entered) == other);
  free(moved);
  heap_leave(before);
  free_all({plain, aligned, page, entered});
  EXPECT(stats(own).live_blocks == 0 && stats(other).live_blocks == 0);
  EXPECT(heap_destroy(own) == 0 && heap_destroy(other) == 0);
}

// All slots are there for the next, and what comes too late is ignored.
void ends() {
  luna_heap* own = made_guarded();
  luna_heap* next = made("next", 0, LUNA_HEAP_GUARDS);
  void* kept = taken(next, 33);
  void* late[kSlots / 2] = {};
  for (void*& block : late) block = taken(own, 33);
  EXPECT(heap_reset(own) == 0);
  EXPECT(stats(own).live_blocks == 0 && stats(own).used_bytes == 0);
  EXPECT(heap_of(late[0]) == nullptr && heap_of(kept) == next);
  for (void* block : late) free(block);
  EXPECT(heap_destroy(own) == 0);
  for (std::size_t i = 1; i < kSlots; ++i) EXPECT(is_guarded(taken(next, 33)));
  EXPECT(!is_guarded(taken(next, 33)) && stats(next).live_blocks == kSlots + 1);
}

// What a heap with a limit may have counts by whole pages.
void limit() {
  luna_heap* own = made_guarded(LUNA_HEAP_EXACT, 4 * kPage + 64);
  void* held[4] = {};
  for (void*& block : held) block = taken(own, 33);
  void* last = taken(own, 33);  // there is no room for a page
  EXPECT(!is_guarded(last) && stats(own).used_bytes == 4 * kPage + 48);
  EXPECT(heap_malloc(own, 33) == nullptr && errno == ENOMEM);
  free(held[0]);
  EXPECT(is_guarded(taken(own, 33)));
}

void protects() {
  luna_heap* own = made_guarded();
  unsigned char* block = taken(own, 33);
  void* freed = taken(own, 33);
  block[0] = 42;
  EXPECT(heap_protect(own, LUNA_HEAP_READ) == 0);
  EXPECT(block[0] == 42 && heap_malloc(own, 33) == nullptr && errno == EACCES);
  EXPECT(heap_protect(own, LUNA_HEAP_NO_ACCESS) == 0);
  free(freed);
  EXPECT(heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
  EXPECT(block[0] == 42 && stats(own).live_blocks == 1);
  EXPECT(heap_protect(own, LUNA_HEAP_READ) == 0);
  *static_cast<volatile unsigned char*>(block) = 44;
}

// One of two lies at the end of its page.
void overflow() {
  luna_heap* own = made_guarded();
  for (unsigned char* block : {taken(own, 48), taken(own, 48)}) {
    if ((reinterpret_cast<std::uintptr_t>(block) + 48) % kPage != 0) continue;
    *static_cast<volatile unsigned char*>(block + 48) = 1;
  }
}

void after_free() {
  unsigned char* block = taken(made_guarded(), 33);
  free(block);
  static_cast<void>(*static_cast<volatile unsigned char*>(block));
}

void after_end() {
  luna_heap* own = made_guarded();
  unsigned char* block = taken(own, 33);
  EXPECT(heap_destroy(own) == 0);
  static_cast<void>(made("its successor"));
  static_cast<void>(*static_cast<volatile unsigned char*>(block));
}

void freed_twice() {
  unsigned char* block = taken(made_guarded(), 33);
  free(block);
  free(opaque(block));
}

void written_beyond() {
  luna_heap* own = made_guarded();
  for (unsigned char* block : {taken(own, 33), taken(own, 33)}) {
    block[33] = 1;  // in the page yet, since blocks are aligned
    free(block);
  }
}

constexpr Part kParts[] = {
    {"blocks", blocks},
    {"ends", ends},
    {"limit", limit},
    {"protects", protects},
    {"overflow", overflow},
    {"after_free", after_free},
    {"after_end", after_end},
    {"freed_twice", freed_twice},
    {"written_beyond", written_beyond},
};

}  // namespace

int main(int count, char** arguments) { return run_guest(kParts, count, arguments); }

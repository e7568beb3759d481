// SPDX-License-Identifier: MIT
// Heaps that end, or are asked, beside others that do the same; and what callbacks may do.
//
// Usage: heap_beside_guest PART
#include "expect.hpp"
#include "heap_api.hpp"
#include "parts.hpp"

#include <lunalloc/pool.h>
#include <lunalloc/profile.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace heap;

// Runs `act` again and again beside what is done until this ends.
class Beside {
 public:
  template <typename Act>
  explicit Beside(Act act)
      : thread_([this, act] {
          while (!ends_) {
            act();
            ++turns_;
          }
        }) {}
  ~Beside() {
    while (turns_ == 0) std::this_thread::yield();
    ends_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> ends_{false};
  std::atomic<std::size_t> turns_{0};
  std::thread thread_;
};

// Statistics and trims of a heap that another thread resets.
void resets() {
  for (int kind = 0; kind < 3; ++kind) {
    luna_heap* own = made("reset");
    {
      const Beside asks([=] {
        luna_heap_stats read{};
        read.struct_size = sizeof read;
        luna_class_stats rows[64];
        if (kind == 0) {
          const int error = heap_stats_read(own, &read);
          EXPECT(error == 0 || error == EBUSY);
        }
        if (kind == 1) heap_trim(own);
        if (kind == 2) heap_classes(own, rows, std::size(rows));
      });
      for (int i = 0; i < 400; ++i) {
        for (std::size_t k = 0; k < 1000; ++k) {
          void* block = heap_malloc(own, 16 + k * 37 % 3000);
          if (k % 3 == 0) free(block);
        }
        for (int k = 0; k < 5; ++k) static_cast<void>(heap_malloc(own, kMiB));
        EXPECT_FOR(kind, heap_reset(own) == 0);
      }
    }
    EXPECT_FOR(kind, stats(own).live_blocks == 0 && stats(own).used_bytes == 0);
  }
}

// Each heap that is counted is told of.
void lists() {
  luna_heap* stays = made("stays");
  const Beside asks([=] {
    luna_heap* found[8] = {};
    const std::size_t count = heap_list(found, std::size(found));
    EXPECT(count == 1 || count == 2);
    EXPECT(found[0] == stays && (found[1] != nullptr) == (count == 2));
  });
  for (int i = 0; i < 300; ++i) {
    luna_heap* goes = made("goes");
    static_cast<void>(fill(goes, 100, 20'000));
    EXPECT(heap_destroy(goes) == 0);
  }
}

// Who destroys a pool cannot know that its heap ends just now.
void pools() {
  const auto create = find<decltype(::luna_pool_create)>("luna_pool_create");
  const auto destroy = find<decltype(::luna_pool_destroy)>("luna_pool_destroy");
  for (unsigned i = 0; i < 500; ++i) {
    luna_heap* own = made("holds");
    luna_pool_options wanted{};
    wanted.struct_size = sizeof wanted;
    wanted.max_blocks = 2000;
    wanted.heap = own;
    luna_pool* pool = nullptr;
    EXPECT(create("of a heap", 200'000, &wanted, &pool) == 0);
    std::atomic<int> ready{0};
    std::thread other([&] {
      ++ready;
      while (ready < 2) {
      }
      EXPECT(destroy(pool) == 0);
    });
    ++ready;
    while (ready < 2) {
    }
    for (unsigned k = 0; k < i * 331 % 30'000; ++k) static_cast<void>(expect::opaque(k));
    EXPECT(heap_destroy(own) == 0);
    other.join();
  }
}

int depth = 0;
int deepest = 0;

// It allocates as any code does, in a thread that has entered the heap.
void callbacks() {
  luna_heap_options wanted = options("full", kMiB);
  wanted.soft_limit_bytes = kMiB / 2;
  wanted.denial = LUNA_HEAP_CALLS;
  wanted.on_denial = [](luna_heap* own, size_t, void*) {
    deepest = std::max(deepest, ++depth);
    void* text = malloc(4000);
    EXPECT(text != nullptr && heap_of(text) != own);
    free(text);
    --depth;
    return 0;
  };
  wanted.on_soft_limit = [](luna_heap* own, uint64_t, void* told) {
    void* text = malloc(4000);
    EXPECT(text != nullptr && heap_of(text) != own);
    free(text);
    ++*static_cast<int*>(told);
  };
  int told = 0;
  wanted.context = &told;
  luna_heap* own = made(wanted);
  luna_heap* before = heap_enter(own);
  while (void* block = malloc(expect::opaque<std::size_t>(4000))) EXPECT(heap_of(block) == own);
  heap_leave(before);
  EXPECT(deepest == 1 && told == 1);
}

// Blocks that are larger than any arena.
void huge() {
  const auto dump = find<decltype(::luna_profile_dump)>("luna_profile_dump");
  const auto start = find<decltype(::luna_profile_start)>("luna_profile_start");
  EXPECT(start(1) == 0);
  for (int i = 0; i < 3; ++i) {
    luna_heap* own = made("tenant");
    auto* block = static_cast<char*>(heap_malloc(own, 3072 * kMiB));
    if (block == nullptr) expect::skip("there is no room for 3 GiB of addresses");
    block[0] = 1;
    EXPECT(heap_destroy(own) == 0);
    EXPECT(heap_of(block) == nullptr);
    free(block);  // ignored
  }
  const std::string path = "/tmp/heap_huge_" + std::to_string(getpid()) + ".txt";
  EXPECT(dump(path.c_str(), LUNA_PROFILE_HEAP, LUNA_PROFILE_COLLAPSED) == 0);
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT(unlink(path.c_str()) == 0);
  EXPECT(!text.str().empty() && text.str().find("3221225472") == std::string::npos);
}

// Pages that cannot be purged do not come back with what was in them.
void locked() {
  for (const std::size_t size : {100 * kKiB, 600 * kKiB, 3 * kMiB}) {
    luna_heap* own = made("secret");
    auto* block = static_cast<char*>(heap_malloc(own, size));
    memset(block, 0x5a, size);
    if (mlock(block, size) != 0) expect::skip("memory cannot be locked");
    EXPECT(heap_destroy(own) == 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // as long as it rests
    luna_heap* next = made("next");
    for (int i = 0; i < 8; ++i) {
      const auto* zeros = static_cast<const char*>(heap_calloc(next, 1, size));
      EXPECT_FOR(size,
                 zeros != nullptr && zeros[0] == 0 && memcmp(zeros, zeros + 1, size - 1) == 0);
    }
    EXPECT(heap_destroy(next) == 0);
  }
}

constexpr Part kParts[] = {{"resets", resets},       {"lists", lists}, {"pools", pools},
                           {"callbacks", callbacks}, {"huge", huge},   {"locked", locked}};

}  // namespace

int main(int count, char** arguments) { return run_guest(kParts, count, arguments); }

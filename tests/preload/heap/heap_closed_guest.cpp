// SPDX-License-Identifier: MIT
// What happens to a heap while it is protected: to threads that have entered it or end, in forks
// and in signal handlers.
//
// Usage: heap_closed_guest PART
#include "expect.hpp"
#include "heap_api.hpp"
#include "parts.hpp"

#include <lunalloc/profile.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

using namespace heap;

// Runs `act` on a thread that lives until it is told to end.
class Helper {
 public:
  template <typename Act>
  explicit Helper(Act act)
      : thread_([this, act] {
          act();
          done_ = true;
          while (!ends_) std::this_thread::yield();
        }) {
    while (!done_) std::this_thread::yield();
  }
  void end() {
    ends_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> done_{false};
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

// A thread that protects a heap when it is told to. What it is made of does not lie in that.
class Keeper {
 public:
  explicit Keeper(luna_heap* own)
      : thread_([this, own] {
          for (int access = kNone; access != kEnd; access = wanted_) {
            if (access == kNone) continue;
            EXPECT(heap_protect(own, static_cast<luna_heap_access>(access)) == 0);
            wanted_ = kNone;
          }
        }) {}
  ~Keeper() {
    wanted_ = kEnd;
    thread_.join();
  }
  void protect(luna_heap_access access) {
    wanted_ = access;
    while (wanted_ != kNone) std::this_thread::yield();
  }

 private:
  static constexpr int kNone = -1;
  static constexpr int kEnd = -2;
  std::atomic<int> wanted_{kNone};
  std::thread thread_;
};

// A thread that has entered the heap gets nothing while it is closed, frees what it has, and is
// itself again when it has left or the heap is open.
void entered() {
  for (const luna_heap_access access : {LUNA_HEAP_NO_ACCESS, LUNA_HEAP_READ}) {
    luna_heap* own = made("entered");
    Keeper keeper(own);
    std::vector<void*> outside = {malloc(64), malloc(100), malloc(20'000), malloc(300'000)};
    std::vector<void*> blocks(200);
    luna_heap* before = heap_enter(own);
    for (void*& block : blocks) block = malloc(64);
    for (int i = 0; i < 50; ++i) free(blocks[static_cast<std::size_t>(i)]);
    keeper.protect(access);
    EXPECT(malloc(expect::opaque<std::size_t>(64)) == nullptr);
    EXPECT(calloc(expect::opaque<std::size_t>(1), 2000) == nullptr);
    free(blocks[100]);
    free(outside[0]);
    heap_leave(before);
    void* of_all = malloc(64);
    EXPECT(of_all != nullptr && heap_of(of_all) == nullptr);
    free(of_all);
    for (std::size_t i = 1; i < outside.size(); ++i) free(outside[i]);

    before = heap_enter(own);
    EXPECT(malloc(expect::opaque<std::size_t>(64)) == nullptr);
    keeper.protect(LUNA_HEAP_READ_WRITE);
    void* again = malloc(64);
    EXPECT(heap_of(again) == own);
    free(again);
    heap_leave(before);
    EXPECT(stats(own).live_blocks == 149);
    EXPECT(heap_of(malloc(64)) == nullptr);
    EXPECT(heap_destroy(own) == 0);
  }
}

// What its thread had is not lost when it ends meanwhile.
void ended_thread() {
  constexpr std::size_t kBlocks = 50'000;
  luna_heap* own = made("left", 8 * kMiB);
  std::vector<void*> blocks;
  Helper thread([&] { blocks = fill(own, 100, kBlocks); });
  EXPECT(blocks.size() == kBlocks && heap_protect(own, LUNA_HEAP_READ) == 0);
  for (std::size_t i = 0; i < kBlocks / 2; ++i) free(blocks[i]);
  thread.end();
  EXPECT(heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
  for (std::size_t i = kBlocks / 2; i < kBlocks; ++i) free(blocks[i]);
  heap_trim(own);
  EXPECT(stats(own).live_blocks == 0 && stats(own).used_bytes == 0);
  EXPECT(fill(own, 100, kBlocks).size() == kBlocks);
}

// Frees that wait for the heap to be opened are there for the child too.
void fork_within() {
  luna_heap* own = made("copied");
  std::vector<void*> blocks;
  Helper thread([&] { blocks = fill(own, 100, 1000); });
  EXPECT(heap_protect(own, LUNA_HEAP_READ) == 0);
  for (std::size_t i = 0; i < 500; ++i) free(blocks[i]);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    free(blocks[500]);
    if (heap_protect(own, LUNA_HEAP_READ_WRITE) != 0) _exit(1);
    for (std::size_t i = 501; i < blocks.size(); ++i) free(blocks[i]);
    free_all(fill(own, 100, 2000));
    _exit(heap_destroy(own) == 0 ? 0 : 1);
  }
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  thread.end();
}

std::vector<void*> handler_blocks;
std::atomic<std::size_t> handler_at{0};

// Interrupts the library again and again, and is done when it has had enough turns within it.
template <typename Handler>
void with_handler(Handler handler) {
  struct sigaction action {};
  action.sa_handler = handler;
  EXPECT(sigaction(SIGALRM, &action, nullptr) == 0);
  const itimerval often = {{0, 100}, {0, 100}};
  EXPECT(setitimer(ITIMER_REAL, &often, nullptr) == 0);
  for (int i = 0; i < 100'000; ++i) {
    auto* block = static_cast<volatile char*>(malloc(300'000));
    *block = 1;
    free(const_cast<char*>(block));
  }
  const itimerval never = {};
  EXPECT(setitimer(ITIMER_REAL, &never, nullptr) == 0);
}

void handler_frees() {
  luna_heap* own = made("closed");
  handler_blocks = fill(own, 100, 100'000);
  EXPECT(heap_protect(own, LUNA_HEAP_READ) == 0);
  with_handler([](int) {
    if (handler_at < handler_blocks.size()) free(handler_blocks[handler_at++]);
  });
  EXPECT(handler_at != 0 && heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
  EXPECT(stats(own).live_blocks == handler_blocks.size() - handler_at);
}

// A handler gets what it wants of the reserve, and nobody is asked.
int asked = 0;

void handler_resizes() {
  luna_heap_options wanted = options("resized", 1024 * kMiB);
  wanted.denial = LUNA_HEAP_CALLS;
  wanted.on_denial = [](luna_heap*, size_t, void*) { return ++asked < 1000 ? 1 : 0; };
  luna_heap* own = made(wanted);
  handler_blocks = {heap_malloc(own, 100)};
  with_handler([](int) {
    static std::size_t size = 100;
    size = size > 1000 ? 100 : size * 3;
    void* block = realloc(handler_blocks[0], size);
    if (block != nullptr) handler_blocks[0] = block;
    ++handler_at;
  });
  EXPECT(handler_at != 0 && asked == 0);
}

// Nothing is read of a heap that is closed.
void handler_keeps() {
  luna_heap* own = made("closed");
  handler_blocks = {heap_malloc(own, 100)};
  EXPECT(heap_protect(own, LUNA_HEAP_NO_ACCESS) == 0);
  with_handler([](int) {
    EXPECT(realloc(handler_blocks[0], 5000) == nullptr);
    EXPECT(realloc(handler_blocks[0], 20) == handler_blocks[0]);
    ++handler_at;
  });
  EXPECT(handler_at != 0);
}

// Samples that are freed meanwhile count as free when it is open, here and in the child of a fork.
void sampled() {
  const auto start = find<decltype(::luna_profile_start)>("luna_profile_start");
  EXPECT(start(1024) == 0);
  luna_heap* own = made("sampled");
  std::vector<void*> others;
  Helper thread([&] { others = fill(own, 100, 1000); });
  std::vector<void*> blocks = fill(own, 100, 5000);
  EXPECT(heap_protect(own, LUNA_HEAP_READ) == 0);
  for (std::size_t i = 0; i < blocks.size() / 2; ++i) free(blocks[i]);
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    if (heap_protect(own, LUNA_HEAP_READ_WRITE) != 0) _exit(1);
    heap_trim(own);
    free_all(fill(own, 100, 5000));
    _exit(0);
  }
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  EXPECT(heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
  // One in ten was a sample. What lists hold beside samples is not told exactly.
  const std::size_t live = others.size() + blocks.size() - blocks.size() / 2;
  const std::size_t told = stats(own).live_blocks;
  EXPECT_FOR(told, told >= live && told < live + 80);
  thread.end();
}

void wipes() {
  for (const luna_heap_access access : {LUNA_HEAP_NO_ACCESS, LUNA_HEAP_READ}) {
    luna_heap* own = made("wiped", 0, LUNA_HEAP_WIPES);
    std::vector<char*> blocks;
    for (const std::size_t size : {std::size_t{100}, 20 * kKiB, 3 * kMiB}) {
      auto* block = static_cast<char*>(heap_malloc(own, size));
      memset(block, 7, size);
      blocks.push_back(block + size - 10);
      EXPECT(heap_protect(own, access) == 0);
      free(block);
      EXPECT(heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
    }
    for (const char* end : blocks) EXPECT(*end == 0);
  }
}

void transfer() {
  luna_heap* own = made("closed");
  luna_heap* other = made("other");
  for (const std::size_t size : {std::size_t{100}, 3 * kMiB}) {
    void* block = heap_malloc(own, size);
    void* const place = block;
    memset(block, 3, size);
    EXPECT(heap_protect(own, LUNA_HEAP_NO_ACCESS) == 0);
    EXPECT(block_transfer(&block, other, nullptr) == EACCES && block == place);
    EXPECT(heap_protect(own, LUNA_HEAP_READ) == 0);
    luna_transfer how = LUNA_TRANSFER_NONE;
    EXPECT(block_transfer(&block, other, &how) == 0 && how == LUNA_TRANSFER_COPIED);
    EXPECT(heap_of(block) == other && static_cast<char*>(block)[size - 1] == 3);
    EXPECT(heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
  }
  EXPECT(stats(own).live_blocks == 0);
}

constexpr Part kParts[] = {
    {"entered", entered},
    {"ended_thread", ended_thread},
    {"fork", fork_within},
    {"handler_frees", handler_frees},
    {"handler_resizes", handler_resizes},
    {"handler_keeps", handler_keeps},
    {"sampled", sampled},
    {"wipes", wipes},
    {"transfer", transfer},
};

}  // namespace

int main(int count, char** arguments) { return run_guest(kParts, count, arguments); }

// SPDX-License-Identifier: MIT
// What single threads may do with heaps, and which heaps threads begin in; one part a run.
//
// Usage: heap_threads_guest PART
#include "expect.hpp"
#include "heap_api.hpp"
#include "parts.hpp"

#include <pthread.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

namespace {

using namespace heap;

// For the thread that created it, and on a machine with keys.
void take_rights_away(luna_heap* own, unsigned char* block) {
  EXPECT(heap_protect_thread(own, LUNA_HEAP_READ) == 0);
  EXPECT(*block == 42);
  EXPECT(heap_malloc(own, 100) == nullptr && errno == EACCES);
  EXPECT(heap_protect_thread(own, LUNA_HEAP_NO_ACCESS) == 0);
  EXPECT(heap_realloc(own, block, 1000) == nullptr && errno == EACCES);
  EXPECT(heap_realloc(own, block, 10) == block);
}

// The same on all machines: without keys the heap is as others, and says so.
void keys() {
  const luna_heap_options both = options("both", 0, LUNA_HEAP_KEY | LUNA_HEAP_HUGE_PAGES);
  EXPECT(heap_create(&both) == nullptr && errno == EINVAL);
  luna_heap* plain = made("plain");
  EXPECT(heap_protect_thread(plain, LUNA_HEAP_READ) == ENOTSUP);
  luna_heap* own = made("secrets", 0, LUNA_HEAP_KEY);
  luna_heap_access unknown = LUNA_HEAP_READ;
  memset(&unknown, 7, sizeof unknown);
  EXPECT(heap_protect_thread(own, unknown) == EINVAL);
  auto* block = static_cast<unsigned char*>(heap_malloc(own, 100));
  void* freed = heap_malloc(own, 100);
  void* large = heap_calloc(own, 1, 100'000);
  block[0] = 42;
  const int answer = heap_protect_thread(own, LUNA_HEAP_READ_WRITE);
  EXPECT(answer == 0 || answer == ENOTSUP);
  const bool has_key = answer == 0;
  puts(has_key ? "with a protection key" : "without protection keys");
  fflush(stdout);
  if (has_key) take_rights_away(own, block);
  free(freed);
  free(large);
  std::thread([own] { EXPECT(stats(own).live_blocks == 1); }).join();
  if (!has_key) EXPECT(heap_protect(own, LUNA_HEAP_NO_ACCESS) == 0);
  pthread_setname_np(pthread_self(), "intruder");
  *static_cast<volatile unsigned char*>(block) = 44;
}

[[nodiscard]] luna_heap* heap_of_malloc() {
  void* block = malloc(100);
  luna_heap* own = heap_of(block);
  free(block);
  return own;
}
void* heap_of_thread(void*) { return heap_of_malloc(); }
int is_heap_of_thread(void* expected) { return heap_of_malloc() == expected; }

// Each way to make a thread, as it begins.
void expect_threads_in(luna_heap* expected) {
  pthread_t thread;
  void* found = nullptr;
  EXPECT(pthread_create(&thread, nullptr, heap_of_thread, nullptr) == 0);
  EXPECT(pthread_join(thread, &found) == 0 && found == expected);
  thrd_t other;
  int is_there = 0;
  EXPECT(thrd_create(&other, is_heap_of_thread, expected) == thrd_success);
  EXPECT(thrd_join(other, &is_there) == thrd_success && is_there == 1);
  std::thread([expected] { EXPECT(heap_of_malloc() == expected); }).join();
}

void inherit() {
  luna_heap* own = made("inherited", 0, LUNA_HEAP_INHERITED);
  luna_heap* plain = made("not inherited");
  luna_heap* before = heap_enter(own);
  expect_threads_in(own);
  std::thread([own] { expect_threads_in(own); }).join();  // theirs too
  luna_heap* outer = heap_enter(plain);
  expect_threads_in(nullptr);
  heap_leave(outer);
  luna_heap* inside = heap_enter(nullptr);
  expect_threads_in(nullptr);
  heap_leave(inside);
  std::thread([own] {
    luna_heap* inherited = heap_enter(nullptr);
    EXPECT(inherited == own && heap_of_malloc() == nullptr);
    heap_leave(inherited);
    EXPECT(heap_of_malloc() == own);
  }).join();
  heap_leave(before);
  expect_threads_in(nullptr);
  // What the C library keeps of threads, of which it used some again, is not there.
  EXPECT(stats(plain).live_blocks == 0 && stats(own).live_blocks == 0);
  EXPECT(heap_destroy(plain) == 0 && heap_destroy(own) == 0);
}

struct Meeting {
  std::atomic<bool> ends{false};
  std::atomic<bool> began{false};
};

void* await_end(void* argument) {
  auto* meeting = static_cast<Meeting*>(argument);
  meeting->began = true;
  while (!meeting->ends) usleep(100);
  return nullptr;
}

void* end_by_itself(void*) { pthread_exit(malloc(100)); }

void* wait_for_cancel(void*) {
  for (;;) pause();
}

// The heap lives as long as the last that is in it, however that ends; and one that never
// began does not count.
void inherit_ends() {
  pthread_t thread;
  void* result = nullptr;
  // The first that ends so has the C library load another one.
  EXPECT(pthread_create(&thread, nullptr, end_by_itself, nullptr) == 0);
  EXPECT(pthread_join(thread, &result) == 0 && heap_of(result) == nullptr);
  luna_heap* own = made("inherited", 0, LUNA_HEAP_INHERITED);
  Meeting meeting;
  luna_heap* before = heap_enter(own);
  EXPECT(pthread_create(&thread, nullptr, await_end, &meeting) == 0);
  heap_leave(before);
  EXPECT(heap_destroy(own) == EBUSY);  // whether it has begun or not
  while (!meeting.began) usleep(100);
  EXPECT(heap_destroy(own) == EBUSY && heap_reset(own) == EBUSY);
  meeting.ends = true;
  EXPECT(pthread_join(thread, nullptr) == 0);
  EXPECT(heap_reset(own) == 0);

  before = heap_enter(own);
  EXPECT(pthread_create(&thread, nullptr, end_by_itself, nullptr) == 0);
  EXPECT(pthread_join(thread, &result) == 0 && heap_of(result) == own);
  EXPECT(pthread_create(&thread, nullptr, wait_for_cancel, nullptr) == 0);
  EXPECT(pthread_cancel(thread) == 0);
  EXPECT(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
  pthread_attr_t attributes;
  EXPECT(pthread_attr_init(&attributes) == 0);
  EXPECT(pthread_attr_setstacksize(&attributes, std::size_t{1} << 50) == 0);
  for (int i = 0; i < 100; ++i)
    EXPECT(pthread_create(&thread, &attributes, await_end, &meeting) == EAGAIN);
  heap_leave(before);
  EXPECT(stats(own).live_blocks == 1);
  EXPECT(heap_destroy(own) == 0);
}

// The child has the thread that forks, and no other.
void inherit_fork() {
  luna_heap* own = made("inherited", 0, LUNA_HEAP_INHERITED);
  Meeting meeting;
  luna_heap* before = heap_enter(own);
  pthread_t waits;
  EXPECT(pthread_create(&waits, nullptr, await_end, &meeting) == 0);
  std::thread([own] {
    const pid_t child = fork();
    if (child == 0) {
      EXPECT(heap_of_malloc() == own && heap_destroy(own) == EBUSY);
      expect_threads_in(own);
      heap_leave(nullptr);
      EXPECT(heap_of_malloc() == nullptr && heap_destroy(own) == 0);
      _exit(7);
    }
    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
  }).join();
  heap_leave(before);
  meeting.ends = true;
  EXPECT(pthread_join(waits, nullptr) == 0);
  EXPECT(heap_destroy(own) == 0);
}

constexpr Part kParts[] = {
    {"keys", keys},
    {"inherit", inherit},
    {"inherit_ends", inherit_ends},
    {"inherit_fork", inherit_fork},
};

}  // namespace

int main(int count, char** arguments) { return run_guest(kParts, count, arguments); }

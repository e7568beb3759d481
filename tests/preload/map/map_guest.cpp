// SPDX-License-Identifier: MIT
// Makes a heap whose shape the test knows, writes the map of it, and waits meanwhile.
//
// Usage: map_guest PART FOLDER
#include "expect.hpp"
#include "find_function.hpp"
#include "guest.hpp"
#include "parts.hpp"

#include <fcntl.h>
#include <lunalloc/heap.h>
#include <lunalloc/lunalloc.h>
#include <lunalloc/stats.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using guest::filled;
using guest::tell_and_wait;

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::string folder;

struct Api {
  decltype(luna_map_write)* map = find<decltype(luna_map_write)>("luna_map_write");
  decltype(luna_stats_write)* stats = find<decltype(luna_stats_write)>("luna_stats_write");
  decltype(luna_heap_create)* create = find<decltype(luna_heap_create)>("luna_heap_create");
  decltype(luna_heap_malloc)* allocate = find<decltype(luna_heap_malloc)>("luna_heap_malloc");
  decltype(luna_heap_destroy)* destroy = find<decltype(luna_heap_destroy)>("luna_heap_destroy");
  decltype(luna_purge)* purge = find<decltype(luna_purge)>("luna_purge");
};
const Api& api() {
  static const Api found;
  return found;
}

[[nodiscard]] int create(const std::string& name) {
  const int file =
      open((folder + "/" + name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  EXPECT(file >= 0);
  return file;
}

void write_map(const std::string& name) {
  const int file = create(name);
  EXPECT(api().map(file) == 0);
  close(file);
}

// Both of the same moment: nobody else runs, and nothing is allocated between them.
void write_both() {
  const int stats = create("stats.json");
  const int map = create("map.json");
  EXPECT(api().stats(stats, LUNA_STATS_JSON, LUNA_STATS_ALL) == 0);
  EXPECT(api().map(map) == 0);
  close(stats);
  close(map);
}

[[nodiscard]] luna_heap* make_heap(const char* name) {
  luna_heap_options options{};
  options.struct_size = sizeof options;
  options.name = name;
  luna_heap* heap = api().create(&options);
  EXPECT(heap != nullptr);
  return heap;
}

// Small blocks of which two in three are freed, large ones, named heaps, and a block above 1 GiB of
// which little is touched.
void quiet() {
  std::vector<void*> small;
  for (int i = 0; i < 60'000; ++i) small.push_back(filled(112));
  for (std::size_t i = 0; i < small.size(); ++i)
    if (i % 3 != 0) free(small[i]);
  std::vector<void*> large;
  for (int i = 0; i < 40; ++i) large.push_back(filled(500'000));
  static_cast<void>(filled(5 * kMiB));
  void* huge = expect::opaque(malloc(1100 * kMiB));
  EXPECT(huge != nullptr);
  memset(huge, 1, 3 * kMiB);
  for (std::size_t i = 1; i < large.size(); i += 2) free(large[i]);
  for (const char* name : {"cache", "a \"quoted\" name"}) {
    luna_heap* heap = make_heap(name);
    for (int i = 0; i < 1000; ++i) memset(api().allocate(heap, 2000), 1, 2000);
    memset(api().allocate(heap, 3 * kMiB), 1, 3 * kMiB);
  }
  write_both();
  tell_and_wait("ready");
}

// Small blocks, and one large one, in regions that are huge where the kernel is willing.
void huge_pages() {
  for (int i = 0; i < 1'000'000; ++i) static_cast<void>(filled(100));
  static_cast<void>(filled(30 * kMiB));
  write_both();
  tell_and_wait("ready");
}

// Allocates and frees until it is told to stop. Of heaps only so many: what each of them had rests
// for a second when it ends, and a map of more than 2,048 ranges is not complete.
void churn(const std::atomic<bool>& stop, std::size_t number) {
  constexpr std::size_t kHeaps = 200;
  void* blocks[64] = {};
  for (std::size_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
    void*& block = blocks[i * number % 64];
    free(block);
    block = expect::opaque(malloc(i * 7919 % 3'000'000 >> i % 12));
    if (i % 1000 == 0 && i / 1000 < kHeaps) {
      luna_heap* heap = make_heap("short");
      EXPECT(api().allocate(heap, 40'000) != nullptr);
      EXPECT(api().destroy(heap) == 0);
    }
  }
  for (void* block : blocks) free(block);
}

template <typename Body>
void while_others_allocate(Body body) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::size_t number = 1; number <= 3; ++number)
    threads.emplace_back([&stop, number] { churn(stop, number); });
  body();
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

void busy() {
  while_others_allocate([] {
    for (int i = 0; i < 50; ++i) write_map("map." + std::to_string(i) + ".json");
  });
  api().purge(0);
  write_both();
  tell_and_wait("ready");
}

// Children are made while maps are written and others allocate; each writes one of its own.
void forked() {
  while_others_allocate([] {
    std::atomic<bool> stop{false};
    std::thread writer([&stop] {
      while (!stop) write_map("map.json");
    });
    for (int i = 0; i < 30; ++i) {
      const pid_t child = fork();
      EXPECT(child >= 0);
      if (child == 0) {
        write_map("child." + std::to_string(i) + ".json");
        _exit(0);
      }
      int status = -1;
      EXPECT(waitpid(child, &status, 0) == child);
      EXPECT_FOR(status, status == 0);
    }
    stop = true;
    writer.join();
  });
  tell_and_wait("ready");
}

// Free pages between large blocks, so that the map is longer than what a pipe holds.
void make_many_runs() {
  std::vector<void*> blocks;
  for (int i = 0; i < 4000; ++i) blocks.push_back(filled(100'000));
  for (std::size_t i = 0; i < blocks.size(); i += 2) free(blocks[i]);
  api().purge(0);
}

// Nobody waits for who reads: this would never end.
void slow_reader() {
  make_many_runs();
  int ends[2];
  EXPECT(pipe(ends) == 0);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    EXPECT(api().map(ends[1]) == 0);
    done = true;
    close(ends[1]);
  });
  char first;
  EXPECT(read(ends[0], &first, 1) == 1);  // it is at it
  for (int i = 0; i < 100; ++i) {
    luna_heap* heap = make_heap("short");
    EXPECT(api().allocate(heap, 100'000) != nullptr);
    EXPECT(api().destroy(heap) == 0);
    free(filled(3 * kMiB));
  }
  std::thread([] { free(filled(1000)); }).join();
  const pid_t child = fork();
  if (child == 0) _exit(0);
  EXPECT(waitpid(child, nullptr, 0) == child);
  EXPECT(!done);
  const int file = create("map.json");
  EXPECT(write(file, &first, 1) == 1);
  char buffer[4096];
  for (ssize_t length; (length = read(ends[0], buffer, sizeof buffer)) > 0;)
    EXPECT(write(file, buffer, static_cast<std::size_t>(length)) == length);
  writer.join();
  close(file);
  tell_and_wait("ready");
}

void calls() {
  errno = 5;
  EXPECT(api().map(-1) == EBADF && errno == 5);
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  if (full >= 0) EXPECT(api().map(full) == ENOSPC);
  const int before = dup(0);
  close(before);
  write_map("map.json");
  const int after = dup(0);
  EXPECT(before == after);  // no file is left open
  EXPECT(errno == 5);
  tell_and_wait("ready");
}

void at_exit() {
  for (int i = 0; i < 1000; ++i) static_cast<void>(filled(100));
  tell_and_wait("ready");
}

// What a map of 4 GiB takes, and how long others wait meanwhile for their slowest allocation.
void cost() {
  const auto now_us = [] {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
  };
  for (std::size_t i = 0; i < 4096 * kMiB / 1008; ++i) {
    auto* block = static_cast<char*>(expect::opaque(malloc(1000)));
    block[0] = 1;
  }
  for (int round = 0; round < 3; ++round) {
    std::atomic<bool> stop{false};
    long slowest = 0;
    std::thread other([&] {
      while (!stop) {
        const long began = now_us();
        free(expect::opaque(malloc(400'000)));
        const long took = now_us() - began;
        if (took > slowest) slowest = took;
      }
    });
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const long began = now_us();
    if (round != 0) EXPECT(api().map(null) == 0);
    if (round == 0) usleep(300'000);
    const long took = now_us() - began;
    stop = true;
    other.join();
    close(null);
    expect::print(STDOUT_FILENO, "%s: %ld us; slowest allocation beside it: %ld us\n",
                  round == 0 ? "no map" : "map", took, slowest);
  }
  write_map("map.json");
}

}  // namespace

int main(int count, char** arguments) {
  static constexpr Part kParts[] = {
      {"quiet", quiet}, {"huge_pages", huge_pages},   {"busy", busy},    {"fork", forked},
      {"calls", calls}, {"slow_reader", slow_reader}, {"exit", at_exit}, {"cost", cost}};
  EXPECT(count == 3);
  expect::on_lunalloc();
  folder = arguments[2];
  return run_part(kParts, arguments[1]) ? 0 : 2;
}

// SPDX-License-Identifier: MIT
// Makes a heap whose shape the test knows, writes the statistics of it, and waits meanwhile.
//
// Usage: stats_guest PART FOLDER
#include "expect.hpp"
#include "find_function.hpp"
#include "guest.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <lunalloc/lunalloc.h>
#include <lunalloc/stats.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using guest::filled;
using guest::tell_and_wait;

struct Api {
  decltype(luna_stats_write)* write = find<decltype(luna_stats_write)>("luna_stats_write");
  decltype(luna_stats_detail_read)* read =
      find<decltype(luna_stats_detail_read)>("luna_stats_detail_read");
  decltype(luna_stats_classes)* classes = find<decltype(luna_stats_classes)>("luna_stats_classes");
  decltype(luna_stats_threads)* threads = find<decltype(luna_stats_threads)>("luna_stats_threads");
};

void write_file(const Api& api, const std::string& path, luna_stats_format format) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  EXPECT(file >= 0);
  EXPECT_FOR(format, api.write(file, format, LUNA_STATS_ALL) == 0);
  close(file);
}

constexpr std::size_t kSmall = 200'000;
constexpr std::size_t kSmallBytes = 48;
constexpr std::size_t kMiddle = 10'000;
constexpr std::size_t kMiddleBytes = 1000;
constexpr std::size_t kLarge = 20;
constexpr std::size_t kLargeBytes = std::size_t{3} << 20;
constexpr std::size_t kUntouched = std::size_t{64} << 20;

struct Shapes {
  void** small;
  void** middle;
  void* large[kLarge];
  void* untouched;
};

void build(Shapes& shapes, std::size_t part, std::size_t parts) {
  for (std::size_t i = kSmall * part / parts; i < kSmall * (part + 1) / parts; ++i)
    shapes.small[i] = filled(kSmallBytes);
  for (std::size_t i = kMiddle * part / parts; i < kMiddle * (part + 1) / parts; ++i)
    shapes.middle[i] = filled(kMiddleBytes);
  for (std::size_t i = kLarge * part / parts; i < kLarge * (part + 1) / parts; ++i)
    shapes.large[i] = filled(kLargeBytes);
}

// Every second small block, all large ones.
void free_half(const Shapes& shapes) {
  for (std::size_t i = 0; i < kSmall; i += 2) free(shapes.small[i]);
  for (std::size_t i = 0; i < kMiddle; i += 2) free(shapes.middle[i]);
  for (void* block : shapes.large) free(block);
  free(shapes.untouched);
}

[[nodiscard]] void** pointers(std::size_t count) {
  void* memory = mmap(nullptr, count * sizeof(void*), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(memory != MAP_FAILED);
  return static_cast<void**>(memory);
}

void moments(const Api& api, const std::string& folder) {
  Shapes shapes{pointers(kSmall), pointers(kMiddle), {}, nullptr};
  const auto moment = [&](const char* name) {
    write_file(api, folder + "/" + name + ".json", LUNA_STATS_JSON);
    tell_and_wait(name);
  };
  build(shapes, 0, 2);
  moment("load");
  build(shapes, 1, 2);
  shapes.untouched = expect::opaque(malloc(kUntouched));
  std::thread([&] { free(filled(5000)); }).join();
  moment("peak");
  free_half(shapes);
  moment("after");
}

// Threads that hold blocks and wait.
void threads(const Api& api, const std::string& folder) {
  int ends[2];
  EXPECT(pipe(ends) == 0);
  std::vector<std::thread> all;
  for (int i = 0; i < 4; ++i)
    all.emplace_back([&] {
      void* blocks[1000];
      for (void*& block : blocks) block = filled(500);
      expect::print(STDOUT_FILENO, "thread %d\n", gettid());
      char line;
      EXPECT(read(ends[0], &line, 1) == 1);
      for (void* block : blocks) free(block);
    });
  tell_and_wait("waiting");
  write_file(api, folder + "/threads.json", LUNA_STATS_JSON);
  EXPECT(write(ends[1], "1234", 4) == 4);
  for (std::thread& thread : all) thread.join();
  tell_and_wait("threads");
}

// Blocks of 100 bytes, which have 112.
void requested(const Api& api, const std::string& folder) {
  for (int i = 0; i < 100'000; ++i) static_cast<void>(filled(100));
  write_file(api, folder + "/requested.json", LUNA_STATS_JSON);
  tell_and_wait("requested");
}

void formats(const Api& api, const std::string& folder) {
  static const char* const endings[] = {"txt", "json", "openmetrics", "prom", "xml"};
  for (int i = 0; i < 1000; ++i) static_cast<void>(filled(static_cast<std::size_t>(i) * 10));
  for (int format = 0; format <= LUNA_STATS_MALLOC_INFO; ++format)
    write_file(api, folder + "/all." + endings[format], static_cast<luna_stats_format>(format));
  tell_and_wait("formats");
}

void calls(const Api& api, const std::string&) {
  luna_stats_detail detail;
  detail.struct_size = sizeof detail - 1;
  detail.live_bytes = 17;
  EXPECT(api.read(&detail, 0) == EINVAL && detail.live_bytes == 17);
  detail.struct_size = sizeof detail;
  EXPECT(api.read(&detail, LUNA_STATS_ALL + 1) == EINVAL && detail.live_bytes == 17);
  errno = 5;
  EXPECT(api.read(&detail, 0) == 0 && errno == 5);
  EXPECT(detail.struct_size == sizeof detail && detail.live_bytes > 0);
  EXPECT(detail.resident_bytes == LUNA_STATS_UNKNOWN);
  EXPECT(detail.process_resident_bytes == LUNA_STATS_UNKNOWN);
  EXPECT(detail.requested_bytes == LUNA_STATS_UNKNOWN);
  const luna_stats_detail before = detail;
  EXPECT(api.read(&detail, LUNA_STATS_RESIDENT) == 0);
  EXPECT(detail.resident_bytes != LUNA_STATS_UNKNOWN && detail.live_bytes == before.live_bytes);
  EXPECT(detail.huge_page_bytes == LUNA_STATS_UNKNOWN);
  EXPECT(api.read(&detail, LUNA_STATS_MAPPINGS) == 0);
  EXPECT(detail.resident_bytes < detail.process_resident_bytes);

  luna_class_stats classes[64];
  std::size_t count = 0;
  EXPECT(api.classes(classes, 1, &count) == EINVAL && count == 0);
  EXPECT(api.classes(classes, sizeof classes[0], &count) == 0 && count > 0);
  const std::size_t all = count;
  count = all - 1;
  classes[all - 1].block_bytes = 17;
  EXPECT(api.classes(classes, sizeof classes[0], &count) == 0 && count == all);
  EXPECT(classes[all - 1].block_bytes == 17);
  count = 64;
  EXPECT(api.classes(classes, sizeof classes[0], &count) == 0 && count == all);
  luna_thread_stats rows[4];
  count = 4;
  EXPECT(api.threads(rows, sizeof rows[0], &count) == 0 && count == 1);
  EXPECT(rows[0].thread == static_cast<std::uint64_t>(gettid()) && rows[0].used_bytes > 0);

  // The kernel numbers the thread that goes on in a child anew.
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    count = 4;
    EXPECT(api.threads(rows, sizeof rows[0], &count) == 0 && count == 1);
    EXPECT(rows[0].thread == static_cast<std::uint64_t>(gettid()));
    _exit(0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);

  EXPECT(api.write(-1, LUNA_STATS_TEXT, 0) == EBADF);
  EXPECT(api.write(1, static_cast<luna_stats_format>(7), 0) == EINVAL);
  EXPECT(api.write(1, LUNA_STATS_JSON, LUNA_STATS_ALL + 1) == EINVAL);
  EXPECT(errno == 5);
  tell_and_wait("calls");
}

// Blocks of all kinds come and go while statistics are taken: the numbers are of slightly
// different moments, but none is absurd.
void churn(const std::atomic<bool>& stop, unsigned random) {
  void* blocks[256] = {};
  while (!stop) {
    random = random * 1664525 + 1013904223;
    void*& block = blocks[random >> 24];
    const unsigned kind = random >> 8 & 0xfff;
    free(block);
    if (kind == 0)
      block = expect::opaque(malloc(std::size_t{1100} << 20));  // mapped by itself
    else
      block = filled(kind < 8 ? std::size_t{kind} << 16 : kind * 3);
    if (kind == 1) std::thread([] { free(filled(100)); }).join();
  }
  for (void* block : blocks) free(block);
}

void busy(const Api& api, const std::string& folder) {
  constexpr std::uint64_t kMost = std::uint64_t{4} << 30;
  std::atomic<bool> stop{false};
  std::vector<std::thread> all;
  for (unsigned seed = 1; seed <= 3; ++seed) all.emplace_back([&, seed] { churn(stop, seed); });
  for (int i = 0; i < 150; ++i) {
    luna_stats_detail detail;
    detail.struct_size = sizeof detail;
    EXPECT(api.read(&detail, LUNA_STATS_ALL) == 0);
    EXPECT_FOR(detail.live_bytes, detail.live_bytes <= detail.committed_bytes);
    EXPECT_FOR(detail.resident_bytes, detail.resident_bytes <= kMost);
    EXPECT_FOR(detail.accounted_bytes, detail.accounted_bytes <= kMost);
  }
  stop = true;
  for (std::thread& thread : all) thread.join();
  write_file(api, folder + "/busy.json", LUNA_STATS_JSON);
  tell_and_wait("busy");
}

[[nodiscard]] double cpu_ms() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// By hand: what the functions cost with 1 GiB in small blocks, a third of them freed.
void cost(const Api& api, const std::string&) {
  constexpr std::size_t kBlocks = (std::size_t{1} << 30) / 128;
  void** blocks = pointers(kBlocks);
  for (std::size_t i = 0; i < kBlocks; ++i) blocks[i] = filled(120);
  for (std::size_t i = 0; i < kBlocks; i += 3) free(blocks[i]);
  auto* const read_few = find<decltype(luna_stats_read)>("luna_stats_read");
  luna_stats few;
  few.struct_size = sizeof few;
  for (int round = 0; round < 5; ++round) {
    double begin = cpu_ms();
    EXPECT(read_few(&few) == 0);
    expect::print(STDOUT_FILENO, "luna_stats_read %.1f ms", cpu_ms() - begin);
    for (const unsigned what : {0U, LUNA_STATS_RESIDENT, LUNA_STATS_ALL}) {
      luna_stats_detail detail;
      detail.struct_size = sizeof detail;
      begin = cpu_ms();
      EXPECT(api.read(&detail, what) == 0);
      expect::print(STDOUT_FILENO, ", detail %u %.1f ms", what, cpu_ms() - begin);
    }
    expect::print(STDOUT_FILENO, "\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  expect::on_lunalloc();
  EXPECT(argc == 3);
  const Api api;
  const std::string part = argv[1];
  const struct {
    const char* name;
    void (*run)(const Api&, const std::string&);
  } parts[] = {{"moments", moments}, {"threads", threads}, {"requested", requested},
               {"formats", formats}, {"calls", calls},     {"busy", busy},
               {"cost", cost}};
  for (const auto& each : parts)
    if (part == each.name) each.run(api, argv[2]);
  expect::print(STDOUT_FILENO, "done\n");
}

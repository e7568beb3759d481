// SPDX-License-Identifier: MIT
// Does what makes the library write profiles by itself, or take samples less often.
//
// Usage: dumps_guest PART FOLDER
#include "profile_api.hpp"

#include <lunalloc/lunalloc.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace {

std::string folder;

}  // namespace

// Of external linkage, so that their names are found.
[[gnu::noinline]] void keep_some(std::vector<void*>& blocks, int count, std::size_t bytes) {
  for (int i = 0; i < count; ++i) blocks.push_back(expect::opaque(malloc(bytes)));
}

[[gnu::noinline]] void churn_deep(int depth, int count) {
  if (depth == 0) {
    for (int i = 0; i < count; ++i) {
      void* block = malloc(4000);
      EXPECT(block != nullptr);
      memset(block, i, 4000);
      free(expect::opaque(block));
    }
  } else {
    churn_deep(depth - 1, count);
  }
  static_cast<void>(expect::opaque(&folder));  // no tail call
}

namespace {

[[nodiscard]] double cpu_seconds() {
  timespec now{};
  EXPECT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void dump(const Api& api, const char* name) {
  const std::string path = folder + "/" + name;
  EXPECT(api.dump(path.c_str(), LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON) == 0);
}

// Deep stacks, and nothing but allocations, until some CPU time is used.
void mad(const Api& api) {
  const std::uint64_t asked = api.interval();
  EXPECT(asked != 0);
  std::size_t calls = 0;
  for (const double end = cpu_seconds() + 2; cpu_seconds() < end; calls += 1000)
    churn_deep(60, 1000);
  std::printf("calls %zu interval %llu\n", calls, static_cast<unsigned long long>(api.interval()));
  dump(api, "mad.json");
}

// 4 blocks of 16 MiB.
void grow(const Api&) {
  std::vector<void*> blocks;
  blocks.reserve(100);
  keep_some(blocks, 4, 16 << 20);
  for (void* block : blocks) free(block);
  blocks.clear();
  keep_some(blocks, 2, 16 << 20);
}

void raise_some(const Api&) {
  std::vector<void*> blocks;
  blocks.reserve(10'000);
  for (int i = 0; i < 3; ++i) {
    errno = 77;
    EXPECT(raise(SIGUSR1) == 0);
    keep_some(blocks, 2000, 1000);
    EXPECT(errno == 77);
  }
}

// The child has a quota of its own.
void fork_and_raise(const Api& api) {
  raise_some(api);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    raise_some(api);
    _exit(0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

void* raise_on_thread(void* api) {
  raise_some(*static_cast<Api*>(api));
  return nullptr;
}

// On the smallest stack that there may be.
void small_stack(const Api& api) {
  pthread_attr_t attributes;
  EXPECT(pthread_attr_init(&attributes) == 0);
  EXPECT(pthread_attr_setstacksize(&attributes, static_cast<std::size_t>(PTHREAD_STACK_MIN)) == 0);
  pthread_t thread;
  Api copy = api;
  EXPECT(pthread_create(&thread, &attributes, raise_on_thread, &copy) == 0);
  EXPECT(pthread_join(thread, nullptr) == 0);
}

// Who names the file is bound by no number of files.
void explicit_paths(const Api& api) {
  for (int i = 0; i < 3; ++i)
    EXPECT_FOR(i, api.dump(nullptr, LUNA_PROFILE_HEAP, LUNA_PROFILE_TEXT) == (i < 2 ? 0 : EDQUOT));
  dump(api, "mine.json");
}

void statistics(const Api& api) {
  auto* const read = find<decltype(luna_stats_read)>("luna_stats_read");
  luna_stats stats = {};
  stats.struct_size = offsetof(luna_stats, profiler_bytes);
  stats.profiler_bytes = 4711;
  EXPECT(read(&stats) == 0);
  EXPECT(stats.live_bytes != 0 && stats.profiler_bytes == 4711);
  stats.struct_size += 8;
  EXPECT(read(&stats) == EINVAL);
  stats.struct_size = sizeof stats;
  EXPECT(read(&stats) == 0);
  EXPECT(stats.profiler_reserved_bytes == 0 && stats.profiler_bytes == 0);
  EXPECT(api.start(1) == 0);
  std::vector<void*> blocks;
  keep_some(blocks, 30'000, 16);  // more than there is room for
  EXPECT(read(&stats) == 0);
  EXPECT(stats.profiler_reserved_bytes > 1 << 19);
  EXPECT(stats.profiler_reserved_bytes <= 1 << 20);
  EXPECT(stats.profiler_bytes > 1 << 18);
  EXPECT(stats.profiler_bytes <= stats.profiler_reserved_bytes + (1 << 17));
  EXPECT(stats.profiler_live_samples > 1000);
  EXPECT(stats.profiler_dropped_samples > 1000);
  EXPECT(find<decltype(luna_stats_print)>("luna_stats_print")(2) == 0);
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 3);
  expect::on_lunalloc();
  folder = arguments[2];
  const Api api;
  const std::string part = arguments[1];
  if (part == "mad") mad(api);
  if (part == "grow") grow(api);
  if (part == "raise") raise_some(api);
  if (part == "fork") fork_and_raise(api);
  if (part == "small") small_stack(api);
  if (part == "explicit") explicit_paths(api);
  if (part == "statistics") statistics(api);
  std::puts("done");
  return 0;
}

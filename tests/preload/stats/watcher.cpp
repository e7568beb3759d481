// SPDX-License-Identifier: MIT
// Loaded into a program that knows nothing of it, after lunalloc: writes the statistics to
// $STATS_WATCH/PID.N.json every so many milliseconds. For reconcile.py.
#include <dlfcn.h>
#include <fcntl.h>
#include <lunalloc/stats.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr long kPauseMs = 150;
constexpr int kMost = 400;

// A copy, for programs that write over their environment.
char folder[256];

void* watch(void*) {
  const auto write_statistics =
      reinterpret_cast<decltype(luna_stats_write)*>(dlsym(RTLD_DEFAULT, "luna_stats_write"));
  if (write_statistics == nullptr || folder[0] == '\0') return nullptr;
  for (int i = 0; i < kMost; ++i) {
    const timespec pause = {0, kPauseMs * 1'000'000};
    nanosleep(&pause, nullptr);
    char path[512];
    char complete[512];
    snprintf(path, sizeof path, "%s/%d.%d.part", folder, getpid(), i);
    snprintf(complete, sizeof complete, "%s/%d.%d.json", folder, getpid(), i);
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) return nullptr;
    if (write_statistics(file, LUNA_STATS_JSON, LUNA_STATS_ALL) == 0) rename(path, complete);
    close(file);
  }
  return nullptr;
}

void start_thread() {
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_create(&thread, &attributes, watch, nullptr);
  pthread_attr_destroy(&attributes);
}

[[gnu::constructor]] void start() {
  if (const char* wanted = getenv("STATS_WATCH"); wanted != nullptr)
    snprintf(folder, sizeof folder, "%s", wanted);
  start_thread();
  pthread_atfork(nullptr, nullptr, start_thread);  // children have threads of their own
}

}  // namespace

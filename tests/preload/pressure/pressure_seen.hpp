// SPDX-License-Identifier: MIT
// What a program sees of the library's thread, and what its callbacks were told.
#pragma once

#include "expect.hpp"
#include "measure.hpp"
#include "pressure_api.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// Only the thread that waits for it knows how long that is.
template <typename Condition>
[[nodiscard]] inline bool comes_within(int milliseconds, Condition condition) {
  for (int waited = 0; waited < milliseconds; waited += 10) {
    if (condition()) return true;
    usleep(10'000);
  }
  return condition();
}

// How the worker thread shows itself: how many there are, and the signals that the last blocks.
struct Workers {
  static Workers seen() {
    Workers workers;
    for (int thread = getpid(); thread < getpid() + 50; ++thread) {
      char path[64];
      char text[4096];
      snprintf(path, sizeof path, "/proc/self/task/%d/status", thread);
      if (access(path, R_OK) != 0) continue;
      measure::read_file(path, text, sizeof text);
      if (strncmp(text, "Name:\tlunalloc\n", 15) != 0) continue;
      ++workers.count;
      const char* const line = strstr(text, "SigBlk:\t");
      EXPECT(line != nullptr);
      workers.blocked = strtoull(line + 8, nullptr, 16);
    }
    return workers;
  }

  int count = 0;
  unsigned long long blocked = 0;
};

// What a callback was told, and how often, by levels.
struct Told {
  static void call(const luna_pressure_event* event, void* context) {
    auto* self = static_cast<Told*>(context);
    EXPECT(event->struct_size == sizeof *event);
    EXPECT(event->level <= LUNA_PRESSURE_CRITICAL);
    self->last[event->level] = *event;
    free(expect::opaque(malloc(100'000)));
    ++self->count[event->level];
  }

  luna_subscription subscribe(const Api& api, luna_pressure_level level) {
    luna_subscription number = 0;
    EXPECT(api.subscribe(level, 0, &Told::call, this, &number) == 0 && number != 0);
    return number;
  }

  luna_pressure_event last[4]{};
  std::atomic<int> count[4]{};
};

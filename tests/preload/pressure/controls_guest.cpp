// SPDX-License-Identifier: MIT
// Sets the controls of pressure while it runs, and looks what comes of each.
//
// Usage: controls_guest PART
#include "control_api.hpp"
#include "expect.hpp"
#include "measure.hpp"
#include "parts.hpp"
#include "pressure_seen.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t kMiB = 1 << 20;
constexpr int kPatience = 60'000;

// All of its pages are there.
[[nodiscard]] void* touched(std::size_t bytes) {
  void* const block = expect::opaque(malloc(expect::opaque(bytes)));
  EXPECT(block != nullptr);
  memset(block, 1, bytes);
  return block;
}

[[nodiscard]] luna_pressure_event seen(const Api& api) {
  luna_pressure_event event{};
  event.struct_size = sizeof event;
  EXPECT(api.read(&event) == 0);
  return event;
}

void expect_level(const Api& api, luna_pressure_level level) {
  const luna_pressure_event event = seen(api);
  EXPECT_FOR(static_cast<int>(event.level), event.level == level);
  EXPECT(level == LUNA_PRESSURE_NONE || event.source == LUNA_PRESSURE_FROM_OWN_LIMIT);
}

[[nodiscard]] std::uint64_t dirty_bytes() { return control::number("stats.dirty_bytes"); }

// What the program frees and then leaves alone goes back if the thread is at work, and only then.
void background() {
  control::set("decay.ms", "200");
  EXPECT(Workers::seen().count == 0);
  control::set("background", "true");
  EXPECT(comes_within(kPatience, [] { return Workers::seen().count == 1; }));
  free(touched(64 * kMiB));
  EXPECT(comes_within(kPatience, [] { return dirty_bytes() < kMiB; }));
  control::set("background", "false");
  usleep(1'500'000);  // for a look that it may be at
  free(touched(64 * kMiB));
  usleep(1'500'000);
  EXPECT(dirty_bytes() >= 60 * kMiB);
  control::set("background", "true");
  EXPECT(comes_within(kPatience, [] { return dirty_bytes() < kMiB; }));
}

// Free pages that nothing larger fits into, so that the heap grows.
void release() {
  control::set("decay.ms", "1000000");
  control::set("limit.soft_mib", "128");
  control::set("pressure.release", "false");
  std::vector<void*> small;
  for (std::size_t total = 0; total < 96 * kMiB; total += 24'576) small.push_back(touched(24'576));
  for (std::size_t i = 0; i < small.size(); ++i)
    if (i % 3 != 0) free(small[i]);
  const std::uint64_t free_bytes = dirty_bytes();
  EXPECT(free_bytes > 48 * kMiB);
  const auto grow = [] {
    for (int i = 0; i < 16; ++i) static_cast<void>(touched(3 * kMiB));
  };
  grow();  // beyond the limit
  EXPECT(dirty_bytes() > free_bytes / 2);
  control::set("pressure.release", "true");
  grow();
  EXPECT(dirty_bytes() < free_bytes / 8);
}

// Half of a limit is in use. Without a subscriber: by looks alone.
void percents() {
  const Api api;
  void* const block = touched(100 * kMiB);
  control::set("limit.soft_mib", "200");
  expect_level(api, LUNA_PRESSURE_NONE);
  control::set("pressure.low_percent", "20");
  expect_level(api, LUNA_PRESSURE_LOW);
  control::set("pressure.moderate_percent", "30");
  expect_level(api, LUNA_PRESSURE_MODERATE);
  control::set("pressure.critical_percent", "40");
  expect_level(api, LUNA_PRESSURE_CRITICAL);
  EXPECT(control::control_set_text("pressure.low_percent", "31") == EINVAL);
  expect_level(api, LUNA_PRESSURE_CRITICAL);  // what is in force stays so
  control::set("pressure.critical_percent", "90");
  expect_level(api, LUNA_PRESSURE_MODERATE);
  control::set("pressure.moderate_percent", "80");
  expect_level(api, LUNA_PRESSURE_LOW);
  control::set("pressure.low_percent", "70");
  expect_level(api, LUNA_PRESSURE_NONE);
  free(block);
}

// Who subscribed is told when a control makes it so, not only when the heap does.
void soft_limit() {
  const Api api;
  Told told;
  const luna_subscription number = told.subscribe(api, LUNA_PRESSURE_CRITICAL);
  void* const block = touched(100 * kMiB);
  expect_level(api, LUNA_PRESSURE_NONE);
  control::set("limit.soft_mib", "80");
  EXPECT(comes_within(kPatience, [&] { return told.count[LUNA_PRESSURE_CRITICAL] == 1; }));
  EXPECT(told.last[LUNA_PRESSURE_CRITICAL].limit_bytes == 80 * kMiB);
  EXPECT(told.last[LUNA_PRESSURE_CRITICAL].source == LUNA_PRESSURE_FROM_OWN_LIMIT);
  void* const beyond = touched(100 * kMiB);  // it may be passed
  control::set("limit.soft_mib", "0");
  EXPECT(comes_within(kPatience, [&] { return told.count[LUNA_PRESSURE_NONE] == 1; }));
  EXPECT(api.unsubscribe(number) == 0);
  free(beyond);
  free(block);
}

[[nodiscard]] bool can_have(std::size_t bytes) {
  errno = 0;
  void* const block = expect::opaque(malloc(expect::opaque(bytes)));
  EXPECT(block != nullptr || errno == ENOMEM);
  free(block);
  return block != nullptr;
}

void hard_limit() {
  const Api api;
  EXPECT(can_have(100 * kMiB));
  control::set("limit.hard_mib", "80");
  EXPECT(!can_have(100 * kMiB) && can_have(40 * kMiB));
  void* const most_of_it = touched(77 * kMiB);
  expect_level(api, LUNA_PRESSURE_CRITICAL);
  free(most_of_it);
  control::set("limit.hard_mib", "200");
  EXPECT(can_have(100 * kMiB) && !can_have(300 * kMiB));
  control::set("limit.hard_mib", "0");
  EXPECT(can_have(300 * kMiB));
}

// How a child ends that wants more than the limit lets it have.
[[nodiscard]] int status_beyond_limit(const char* action) {
  const pid_t child = fork();
  if (child == 0) {
    control::set("limit.hard_action", action);
    static_cast<void>(freopen("/dev/null", "w", stderr));  // what it says is another test's
    _exit(can_have(100 * kMiB) ? 1 : 0);
  }
  int status = 0;
  EXPECT(child > 0 && waitpid(child, &status, 0) == child);
  return status;
}

void hard_action() {
  control::set("limit.hard_mib", "80");
  EXPECT(status_beyond_limit("deny") == 0);
  const int status = status_beyond_limit("abort");
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  EXPECT(status_beyond_limit("retry") == 0);
  EXPECT(control::control_set_text("limit.hard_action", "dies") == EINVAL);
}

// So many MiB can be had until one is refused, and that many again afterwards.
struct Had {
  Had() {
    while (add()) ++before;
    while (add()) ++after;
  }
  ~Had() {
    for (void* block : blocks) free(block);
  }
  [[nodiscard]] bool add() {
    void* const block = expect::opaque(malloc(expect::opaque(kMiB)));
    if (block != nullptr) blocks.push_back(block);
    return block != nullptr;
  }

  std::vector<void*> blocks;
  std::size_t before = 0;
  std::size_t after = 0;
};

void reserve() {
  control::set("limit.hard_mib", "80");
  {
    const Had without;
    EXPECT(without.before > 60 && without.after == 0);
  }
  control::set("limit.reserve_kib", "20480");
  {
    const Had with;
    EXPECT_FOR(with.before, with.before < 60);
    EXPECT_FOR(with.after, with.after >= 15);
  }
  for (const char* const absurd : {"81920", "999999999999999999"})
    EXPECT(control::control_set_text("limit.reserve_kib", absurd) == EINVAL);
  EXPECT(control::number("limit.reserve_kib") == 20480);
  control::set("limit.reserve_kib", "0");
  const Had without;
  EXPECT(without.before > 60 && without.after == 0);
}

constexpr Part kParts[] = {
    {"background", background}, {"release", release},       {"percents", percents},
    {"soft_limit", soft_limit}, {"hard_limit", hard_limit}, {"hard_action", hard_action},
    {"reserve", reserve},
};

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2);
  expect::on_lunalloc();
  return run_part(kParts, arguments[1]) ? 0 : 2;
}

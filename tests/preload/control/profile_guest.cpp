// SPDX-License-Identifier: MIT
// Usage: profile_guest PART FOLDER
// Changes what is profiled, guarded and reported, in the running process. Writes files into the
// folder; control_test.py looks at them, and at what is said at the exit.
#include "control_api.hpp"
#include "parts.hpp"

#include <string.h>

#include <array>
#include <cstdint>
#include <ctime>

namespace {

using namespace control;

constexpr std::size_t kMiB = std::size_t{1} << 20;

const char* folder = nullptr;
void* held[4096];
volatile int sink;

[[nodiscard]] const char* path_of(const char* name) {
  static char path[240];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

void dump(const char* name, luna_profile_kind kind, luna_profile_format format) {
  const int error = profile_dump(path_of(name), kind, format);
  EXPECT_FOR(error, error == 0);
}

// Functions that call one another, for stacks of some depth.
[[gnu::noinline]] void* innermost(std::size_t bytes) {
  void* const block = expect::opaque(malloc(bytes));
  sink = 1;
  return block;
}
[[gnu::noinline]] void* middle(std::size_t bytes) {
  void* const block = innermost(bytes);
  sink = 2;
  return block;
}
[[gnu::noinline]] void* outermost(std::size_t bytes) {
  void* const block = middle(bytes);
  sink = 3;
  return block;
}

void allocate_many() {
  for (int i = 0; i < 100'000; ++i) free(expect::opaque(malloc(100)));
}

void active() {
  allocate_many();
  EXPECT(profile_interval() == 0 && number("profile.active") == 0);

  set("profile.active", "true");
  EXPECT(profile_interval() == 524'288);
  EXPECT(number("profile.interval_in_force") == 524'288);
  set("profile.interval", "1");
  EXPECT(profile_interval() == 1);
  held[0] = outermost(1000);
  EXPECT(number("stats.profiler_live_samples") >= 1);

  set("profile.active", "false");
  EXPECT(profile_interval() == 0);
  const std::uint64_t before = number("stats.profiler_live_samples");
  held[1] = outermost(1000);
  EXPECT(number("stats.profiler_live_samples") == before);

  // What the program does by its own calls is what is read.
  EXPECT(profile_start(4096) == 0);
  EXPECT(number("profile.active") == 1);
  set("profile.active", "true");
  EXPECT(profile_interval() == 4096);
  profile_stop();
  EXPECT(number("profile.active") == 0);
}

// Begins with profile:true,profile_interval:64,profile_cpu_percent:0: no cap.
void cpu_percent() {
  const time_t begin = time(nullptr);
  while (time(nullptr) < begin + 2) allocate_many();
  EXPECT(number("profile.interval_in_force") == 64);

  set("profile.cpu_percent", "1");
  while (number("profile.interval_in_force") == 64) {
    EXPECT(time(nullptr) < begin + 60);
    allocate_many();
  }
  EXPECT(number("profile.interval") == 64);
  set("profile.cpu_percent", "0");
  EXPECT(number("profile.interval_in_force") == 64);
}

void depth() {
  set("profile.interval", "1");
  set("profile.active", "true");
  held[0] = outermost(1111);
  set("profile.depth", "2");
  held[1] = outermost(2222);
  dump("depth.json", LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON);
}

void temporary() {
  set("profile.interval", "1");
  set("profile.active", "true");
  set("profile.temporary_us", "0");
  free(outermost(3333));
  dump("before.json", LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON);
  set("profile.temporary_us", "60000000");
  free(outermost(3333));
  dump("after.json", LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON);
}

void threads() {
  set("profile.interval", "1");
  set("profile.active", "true");
  held[0] = outermost(1111);
  set("profile.threads", "true");
  held[1] = outermost(2222);
  dump("threads.json", LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON);
}

// What is written at the exit, and where, is said before it.
void at_exit() {
  set("profile.interval", "1");
  set("profile.active", "true");
  held[0] = outermost(1111);
  set("profile.file", path_of("at_exit.%n"));
  set("profile.format", "json");
  set("profile.kind", "peak");
  set("profile.at_exit", "true");
  set("leak.report_at_exit", "true");
  set("stats.print", "true");
  set("stats.file", path_of("statistics.json"));
}

// Profiles that are written by themselves: none until it is said.
void growth() {
  set("profile.file", path_of("growth.%n"));
  set("profile.interval", "65536");
  set("profile.cpu_percent", "0");
  set("profile.active", "true");
  for (int i = 0; i < 32; ++i) held[i] = outermost(kMiB);
  allocate_many();
  EXPECT(access(path_of("growth.0000.pb.gz"), F_OK) != 0);
  set("profile.growth_mib", "4");
  for (int i = 32; i < 64; ++i) held[i] = outermost(kMiB);
  allocate_many();
  EXPECT(access(path_of("growth.0000.pb.gz"), F_OK) == 0);
  set("profile.growth_mib", "0");
}

void peak() {
  set("profile.file", path_of("peak.%n"));
  set("profile.interval", "65536");
  set("profile.cpu_percent", "0");
  set("profile.active", "true");
  for (int i = 0; i < 64; ++i) held[i] = outermost(kMiB);
  allocate_many();
  EXPECT(access(path_of("peak.0000.pb.gz"), F_OK) != 0);
  set("profile.peak_percent", "20");
  for (int i = 64; i < 128; ++i) held[i] = outermost(kMiB);
  allocate_many();
  EXPECT(access(path_of("peak.0000.pb.gz"), F_OK) == 0);
}

[[nodiscard]] int dump_anywhere() {
  return profile_dump(nullptr, LUNA_PROFILE_HEAP, LUNA_PROFILE_TEXT);
}

void quota() {
  set("profile.file", path_of("quota.%n"));
  set("profile.active", "true");
  EXPECT(dump_anywhere() == 0);
  set("profile.max_files", "1");
  EXPECT(dump_anywhere() == EDQUOT);
  set("profile.max_files", "100");
  EXPECT(dump_anywhere() == 0);
  set("profile.max_mib", "0");
  EXPECT(dump_anywhere() == EDQUOT);
  set("profile.max_mib", "1");
  EXPECT(dump_anywhere() == 0);
}

// The report is written at the exit, by the options that hold then.
void leaks() {
  set("profile.interval", "1");
  set("profile.active", "true");
  for (std::size_t i = 0; i < 100; ++i) held[i] = outermost(1000);  // which are known
  for (std::size_t i = 0; i < 100; ++i) held[i] = middle(1000);
  memset(held, 0, sizeof held);
  set("leak.proof", "true");
  set("leak.suppressions", path_of("known"));
  set("profile.file", path_of("leaks"));
  set("leak.report_at_exit", "true");
}

// A block ends at a page without access from one line to the next; the mistake is told, and the
// program goes on.
void guard() {
  set("profile.interval", "1");
  set("guard.action", "report");
  set("guard.samples", "1");
  EXPECT(number("profile.active") == 1);
  // Every other block lies at the end of its page.
  for (int i = 0; i < 4; ++i) {
    auto* const block = static_cast<volatile char*>(innermost(64));
    block[64] = 1;
    free(const_cast<char*>(block));
  }
  set("guard.samples", "0");
  const std::uint64_t before = number("stats.profiler_live_samples");
  auto* const plain = static_cast<volatile char*>(innermost(64));
  EXPECT(number("stats.profiler_live_samples") == before + 1);
  EXPECT((reinterpret_cast<std::uintptr_t>(plain) + 64) % 4096 != 0);
  free(const_cast<char*>(plain));
  set("guard.samples", "2");
}

constexpr Part kParts[] = {{"active", active},   {"cpu_percent", cpu_percent},
                           {"depth", depth},     {"temporary", temporary},
                           {"threads", threads}, {"at_exit", at_exit},
                           {"growth", growth},   {"peak", peak},
                           {"quota", quota},     {"leaks", leaks},
                           {"guard", guard}};

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  EXPECT(count == 3);
  folder = arguments[2];
  if (!run_part(kParts, arguments[1])) return 1;
  expect::print(STDOUT_FILENO, "done=1\n");
  return 0;
}

// SPDX-License-Identifier: MIT
// Threads that hand blocks to each other, demand in waves, and a site that changes its rate.
//
// Usage: patterns_guest PART FILE
#include "expect.hpp"
#include "profile_api.hpp"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Blocks = std::vector<void*>;

[[nodiscard]] long long now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// By an absolute time, so that what is late once is not late ever after.
void sleep_until(long long ns) {
  const timespec time = {static_cast<time_t>(ns / 1'000'000'000),
                         static_cast<long>(ns % 1'000'000'000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) != 0) {
  }
}

}  // namespace

// Of external linkage, so that their names are found.
[[gnu::noinline]] void produce(Blocks& blocks, int count) {
  for (int i = 0; i < count; ++i) blocks.push_back(expect::opaque(malloc(1000)));
}

[[gnu::noinline]] void keep_to_oneself(int count) {
  for (int i = 0; i < count; ++i) free(expect::opaque(malloc(500)));
}

[[gnu::noinline]] void swell(Blocks& blocks, int count) {
  for (int i = 0; i < count; ++i) blocks.push_back(expect::opaque(malloc(10'000)));
}

[[gnu::noinline]] void change_rate(int count) {
  for (int i = 0; i < count; ++i) free(expect::opaque(malloc(3000)));
}

[[gnu::noinline]] void stay_steady(int count) {
  for (int i = 0; i < count; ++i) free(expect::opaque(malloc(2000)));
}

namespace {

void release(Blocks& blocks) {
  for (void* block : blocks) free(block);
  blocks.clear();
}

// 600 blocks from one thread to another, and 200 to nobody.
void hand_over() {
  Blocks blocks;
  blocks.reserve(1000);
  std::atomic<bool> is_made{false};
  std::atomic<bool> is_gone{false};
  std::thread producer([&] {
    pthread_setname_np(pthread_self(), "producer");
    produce(blocks, 600);
    keep_to_oneself(200);
    is_made = true;
    while (!is_gone) sched_yield();  // else its place may be the other's
  });
  std::thread consumer([&] {
    pthread_setname_np(pthread_self(), "consumer");
    while (!is_made) sched_yield();
    release(blocks);
    is_gone = true;
  });
  producer.join();
  consumer.join();
  for (int i = 0; i < 20; ++i) std::thread([] { keep_to_oneself(1); }).join();
}

// 40 waves of 50 ms; prints how long one took.
void make_waves() {
  Blocks blocks;
  blocks.reserve(1000);
  const long long begin = now_ns();
  for (int wave = 0; wave < 40; ++wave) {
    sleep_until(begin + wave * 50'000'000LL);
    swell(blocks, 500);
    sleep_until(begin + wave * 50'000'000LL + 25'000'000);
    release(blocks);
  }
  std::printf("period %lld\n", (now_ns() - begin - 25'000'000) / 39);
}

// Every 10 ms, for 3 s, and ten times as much for the last 0.6 s.
void change_after_a_while() {
  std::vector<int> counts(360, 2);  // read from there, lest there be a call for each number
  std::fill(counts.begin() + 300, counts.end(), 20);
  const long long begin = now_ns();
  for (int step = 0; step < 360; ++step) {
    sleep_until(begin + step * 10'000'000LL);
    change_rate(counts[static_cast<std::size_t>(step)]);
    stay_steady(5);
  }
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 3);
  expect::on_lunalloc();
  const Api api;
  EXPECT(api.start(1) == 0);
  const std::string_view part = arguments[1];
  if (part == "pairs") hand_over();
  if (part == "waves") make_waves();
  if (part == "rates") change_after_a_while();
  const std::string json = std::string(arguments[2]) + ".json";
  const std::string text = std::string(arguments[2]) + ".txt";
  EXPECT(api.dump(json.c_str(), LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON) == 0);
  EXPECT(api.dump(text.c_str(), LUNA_PROFILE_HEAP, LUNA_PROFILE_TEXT) == 0);
  std::puts("done");
  return 0;
}

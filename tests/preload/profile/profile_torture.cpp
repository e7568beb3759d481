// SPDX-License-Identifier: MIT
// Does what programs do that is hard on a profiler that sees every block.
//
// Usage: profile_torture PART FOLDER [PLUGIN...]
#include "torture.hpp"

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

namespace {

using torture::Chance;
using torture::Exchange;
using torture::Rounds;

char folder[256];
char** plugins;  // ends with nullptr
std::size_t plugin_count;

void dump(const Api& api, const char* name, luna_profile_format format) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  EXPECT_FOR(format, api.dump(path, LUNA_PROFILE_HEAP, format) == 0);
}

template <typename Work>
void in_threads(std::uint64_t count, Work work) {
  std::vector<std::thread> threads;
  for (std::uint64_t i = 1; i <= count; ++i) threads.emplace_back([=] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

[[gnu::noinline]] void use_plugin(const char* path, Chance& chance) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  EXPECT(library != nullptr);
  const auto take =
      reinterpret_cast<void* (*)(std::size_t, int)>(dlsym(library, "plugin_take_deep"));
  EXPECT(take != nullptr);
  void* blocks[20];
  for (void*& block : blocks)
    block = take(1 + chance.below(3000), static_cast<int>(chance.below(9)));
  for (int i = 0; i < 10; ++i) free(blocks[i]);
  EXPECT(dlclose(library) == 0);
  for (int i = 10; i < 20; ++i) free(blocks[i]);  // when the code is gone
}

void load_plugins(const Api& api) {
  in_threads(4, [&api](std::uint64_t seed) {
    Chance chance(seed);
    Rounds rounds(2000);
    while (rounds.next()) {
      use_plugin(plugins[chance.below(plugin_count)], chance);
      if (chance.below(40) == 0) dump(api, "plugins.txt", LUNA_PROFILE_TEXT);
    }
  });
}

// One after the other, so that each comes to lie where the last one lay.
void reload(const Api& api) {
  Chance chance(1);
  for (int i = 0; i < 20; ++i)
    for (char** plugin = plugins; *plugin != nullptr; ++plugin) use_plugin(*plugin, chance);
  void* library = dlopen(plugins[0], RTLD_NOW);  // lest its frames lie in no module
  EXPECT(library != nullptr);
  dump(api, "reload.json", LUNA_PROFILE_JSON);
}

void in_child(const Api& api, Exchange& exchange, std::uint64_t seed) {
  alarm(60);
  Chance chance(seed);
  work(exchange, chance, 50);
  exchange.clear();
  in_threads(2, [&](std::uint64_t i) {
    Chance own(seed + i);
    torture::work(exchange, own, 20);
  });
  exchange.clear();
  char name[64];
  snprintf(name, sizeof name, "child%llu", static_cast<unsigned long long>(seed % 8));
  dump(api, name, static_cast<luna_profile_format>(chance.below(6)));
  _exit(0);
}

void fork_storms(const Api& api) {
  static Exchange exchange;
  std::atomic<bool> done{false};
  std::thread worker([&] {
    Chance chance(99);
    while (!done) torture::work(exchange, chance, 100);
  });
  in_threads(4, [&](std::uint64_t seed) {
    Chance chance(seed);
    Rounds rounds(60);
    for (std::uint64_t i = 0; rounds.next(); ++i) {
      torture::work(exchange, chance, 50);
      const pid_t child = fork();
      EXPECT(child >= 0);
      if (child == 0) in_child(api, exchange, seed + 10 * i);
      torture::work(exchange, chance, 50);
      int status = -1;
      EXPECT(waitpid(child, &status, 0) == child);
      EXPECT_FOR(status, status == 0);
    }
  });
  done = true;
  worker.join();
  exchange.clear();
}

struct Mourner {
  Mourner(Exchange& where, Chance& luck) : exchange(where), chance(luck), block(take(luck)) {}
  ~Mourner() {
    torture::drop(block);
    torture::drop(exchange.swap(chance, torture::take(chance)));
  }
  Mourner(const Mourner&) = delete;
  Mourner& operator=(const Mourner&) = delete;

  Exchange& exchange;
  Chance& chance;
  void* block;
};

[[gnu::noinline]] int throw_from(int depth, Exchange& exchange, Chance& chance) {
  if (depth == 0) throw static_cast<int>(chance.below(1000));
  const Mourner mourner(exchange, chance);
  return throw_from(depth - 1, exchange, chance) + 1;
}

void exceptions(Exchange& exchange, int count) {
  in_threads(4, [&exchange, count](std::uint64_t seed) {
    Chance chance(seed);
    Rounds rounds(count);
    while (rounds.next()) {
      try {
        EXPECT(throw_from(100, exchange, chance) < 0);
      } catch (int value) {
        EXPECT(value < 1000);
      }
    }
  });
}

void short_lives(Exchange& exchange, int count) {
  in_threads(2, [&exchange, count](std::uint64_t seed) {
    Chance chance(seed);
    Rounds rounds(count);
    for (std::uint64_t i = 1; rounds.next(); ++i) {
      in_threads(3, [&exchange, seed, i](std::uint64_t k) {
        Chance own(seed * 1'000'003 + i * 11 + k);
        torture::work(exchange, own, static_cast<int>(own.below(300)));
      });
    }
  });
}

// Runs one part, while another thread switches the profile and a third one writes it down.
template <typename Part>
void switched(const Api& api, Part part) {
  std::atomic<bool> done{false};
  std::thread switcher([&] {
    constexpr std::array<std::uint64_t, 6> kIntervals = {1, 1, 16, 500, 10'000, 524'288};
    Chance chance(7);
    while (!done) {
      if (chance.below(3) == 0) api.stop();
      EXPECT(chance.below(3) == 0 || api.start(kIntervals[chance.below(6)]) == 0);
      usleep(static_cast<useconds_t>(chance.below(4000)));
    }
  });
  std::thread writer([&] {
    for (unsigned i = 0; !done; ++i) {
      dump(api, "switched", static_cast<luna_profile_format>(i % 6));
      usleep(10'000);
    }
  });
  part();
  done = true;
  switcher.join();
  writer.join();
}

void mixture(Exchange& exchange, int count) {
  in_threads(3, [&exchange, count](std::uint64_t seed) {
    Chance chance(seed);
    Rounds rounds(count);
    while (rounds.next()) torture::work(exchange, chance, 100);
  });
}

std::atomic<int> interruptions{0};

// All parts that fit, one after the other, while a signal comes each millisecond.
void signals(const Api& api, Exchange& exchange) {
  struct sigaction action {};
  action.sa_handler = [](int) { interruptions.fetch_add(1, std::memory_order_relaxed); };
  action.sa_flags = SA_RESTART;
  EXPECT(sigaction(SIGPROF, &action, nullptr) == 0);
  itimerval timer{{0, 1000}, {0, 1000}};
  EXPECT(setitimer(ITIMER_PROF, &timer, nullptr) == 0);
  switched(api, [&] { mixture(exchange, 1000); });
  exceptions(exchange, 100);
  short_lives(exchange, 200);
  timer = {};
  EXPECT(setitimer(ITIMER_PROF, &timer, nullptr) == 0);
  EXPECT(interruptions > 10);
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count >= 3);
  expect::on_lunalloc();
  static const Api api;
  static Exchange exchange;
  snprintf(folder, sizeof folder, "%s", arguments[2]);
  plugins = arguments + 3;
  plugin_count = static_cast<std::size_t>(count - 3);
  const auto is = [&](const char* part) { return strcmp(arguments[1], part) == 0; };
  if (is("plugins")) load_plugins(api);
  if (is("reload")) reload(api);
  if (is("forks")) fork_storms(api);
  if (is("exceptions")) exceptions(exchange, 300);
  if (is("lives")) short_lives(exchange, 800);
  if (is("switches")) switched(api, [&] { mixture(exchange, 3000); });
  if (is("signals")) signals(api, exchange);
  exchange.clear();
  dump(api, "end.json", LUNA_PROFILE_JSON);
  std::puts("done");
  return 0;
}

// SPDX-License-Identifier: MIT
// Programs that leak, and some that only look so, each in a function whose name a report must
// tell. All serve the same number of requests, with much that comes and goes beside it.
//
// Usage: leaks_guest PART REPORT [PLUGIN]
#include "churn.hpp"
#include "expect.hpp"
#include "parts.hpp"

#include <dlfcn.h>
#include <lunalloc/profile.h>

#include <barrier>
#include <cstdio>
#include <list>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

using churn::block_of;
using churn::Churn;
using churn::Random;

namespace {

constexpr std::size_t kRequests = 16'000;

const char* plugin_path = nullptr;

template <typename Serve>
void serve_all(Serve serve) {
  Churn churn;
  for (std::size_t i = 0; i < kRequests; ++i) {
    churn.request();
    serve(i);
  }
}

}  // namespace

// What a report shall name has external linkage.

[[gnu::noinline]] void leak_slowly(std::size_t request) {
  if (request % 16 == 0) static_cast<void>(block_of(100));
}

[[gnu::noinline]] void load_startup_data(std::vector<void*>& data) {
  for (std::size_t i = 0; i < 5000; ++i) data.push_back(block_of(64));
}

[[gnu::noinline]] void append_to_log(std::list<std::string>& log, std::size_t request) {
  log.push_back("request " + std::to_string(request) + " was served by this program");
}

[[gnu::noinline]] void fill_cache(std::map<std::size_t, std::string>& cache, std::size_t key) {
  constexpr std::size_t kMostEntries = 1500;
  cache[key] = std::string(100, 'x');
  if (cache.size() > kMostEntries) cache.erase(cache.begin());
}

struct Node {
  std::shared_ptr<Node> other;
  std::array<char, 80> data{};
};

[[gnu::noinline]] void make_pair_of_nodes(bool is_cycle) {
  auto one = std::make_shared<Node>();
  auto other = std::make_shared<Node>();
  one->other = other;
  if (is_cycle) other->other = one;
}

[[gnu::noinline]] void call_plugin(void (*work)(std::size_t), std::size_t request) {
  work(request);
  static_cast<void>(expect::opaque(&request));  // no tail call
}

[[gnu::noinline]] void serve_session(std::vector<void*>& kept) {
  std::array<void*, 8> blocks;
  for (void*& block : blocks) block = block_of(96);
  kept.push_back(blocks[0]);
  for (std::size_t i = 1; i < blocks.size(); ++i) std::free(blocks[i]);
}

[[gnu::noinline]] void leak_in_one_thread() { static_cast<void>(block_of(80)); }

[[gnu::noinline]] void index_request(std::unordered_map<std::size_t, std::string>& index,
                                     std::size_t request) {
  index.emplace(request, std::string(60, 'i'));
}

[[gnu::noinline]] void extend_buffer(char*& buffer, std::size_t& bytes) {
  bytes += 128;
  buffer = static_cast<char*>(std::realloc(buffer, bytes));
  EXPECT(buffer != nullptr);
}

[[gnu::noinline]] void intern(std::unordered_set<std::string>& table, std::size_t number) {
  table.insert("an interned string with the number " + std::to_string(number));
}

[[gnu::noinline]] void* make_singleton() { return block_of(200'000); }

namespace {

// What lives as long as the process is never destroyed.
template <typename Type>
[[nodiscard]] Type& eternal() {
  static Type* const kept = expect::opaque(new Type);
  return *kept;
}

void slow_leak() { serve_all(leak_slowly); }

void burst() {
  load_startup_data(eternal<std::vector<void*>>());
  serve_all([](std::size_t) {});
}

void untrimmed_list() {
  auto& log = eternal<std::list<std::string>>();
  serve_all([&](std::size_t i) { append_to_log(log, i); });
}

void cache() {
  auto& entries = eternal<std::map<std::size_t, std::string>>();
  Random random(7);
  serve_all([&](std::size_t) { fill_cache(entries, random.below(1'000'000)); });
}

void cycles() {
  serve_all([](std::size_t i) { make_pair_of_nodes(i % 8 == 0); });
}

void plugin() {
  void* library = dlopen(plugin_path, RTLD_NOW);
  EXPECT(library != nullptr);
  auto* const work = reinterpret_cast<void (*)(std::size_t)>(dlsym(library, "plugin_work"));
  EXPECT(work != nullptr);
  serve_all([&](std::size_t i) { call_plugin(work, i); });
  EXPECT(dlclose(library) == 0);
}

void sessions() {
  auto& kept = eternal<std::vector<void*>>();
  serve_all([&](std::size_t i) {
    if (i % 4 == 0) serve_session(kept);
  });
}

// They keep step, so that the shape is the same whoever runs when.
void one_thread() {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kSteps = 100;
  std::barrier step(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < kThreads; ++number) {
    threads.emplace_back([&step, number] {
      Churn churn(number);
      for (std::size_t i = 0; i < kRequests / kThreads; ++i) {
        churn.request();
        if (number == 2) leak_in_one_thread();
        if (i % (kRequests / kThreads / kSteps) == 0) step.arrive_and_wait();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void container() {
  auto& index = eternal<std::unordered_map<std::size_t, std::string>>();
  serve_all([&](std::size_t i) { index_request(index, i); });
}

void realloc_growth() {
  auto& buffer = eternal<char*>();
  buffer = nullptr;
  std::size_t bytes = 0;
  serve_all([&](std::size_t i) {
    if (i % 4 == 0) extend_buffer(buffer, bytes);
  });
}

void intern_unbounded() {
  auto& table = eternal<std::unordered_set<std::string>>();
  serve_all([&](std::size_t i) { intern(table, i / 2); });
}

void intern_plateau() {
  auto& table = eternal<std::unordered_set<std::string>>();
  Random random(3);
  serve_all([&](std::size_t) { intern(table, random.below(1500)); });
}

void singleton() {
  eternal<void*>() = make_singleton();
  serve_all([](std::size_t) {});
}

constexpr Part kParts[] = {
    {"slow_leak", slow_leak},
    {"burst", burst},
    {"untrimmed_list", untrimmed_list},
    {"cache", cache},
    {"cycles", cycles},
    {"plugin", plugin},
    {"sessions", sessions},
    {"one_thread", one_thread},
    {"container", container},
    {"realloc_growth", realloc_growth},
    {"intern_unbounded", intern_unbounded},
    {"intern_plateau", intern_plateau},
    {"singleton", singleton},
};

void report_to(const char* path) {
  auto* const dump =
      reinterpret_cast<decltype(luna_leaks_dump)*>(dlsym(RTLD_DEFAULT, "luna_leaks_dump"));
  EXPECT(dump != nullptr);
  EXPECT(dump(path, LUNA_PROFILE_PPROF) == EINVAL);
  EXPECT(dump("/nowhere/at/all", LUNA_PROFILE_TEXT) == ENOENT);
  EXPECT(dump(path, LUNA_PROFILE_JSON) == 0);
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count >= 3);
  expect::on_lunalloc();
  if (count > 3) plugin_path = arguments[3];
  if (!run_part(kParts, arguments[1])) return 1;
  report_to(arguments[2]);
  std::puts("done");
  return 0;
}

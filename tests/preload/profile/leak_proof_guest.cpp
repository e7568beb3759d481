// SPDX-License-Identifier: MIT
// Plants known leaks among blocks that live, in a program that is sampled at each block, and
// asks which blocks nothing points to.
//
// Usage: leak_proof_guest PART ROUNDS
#include "expect.hpp"
#include "hidden_blocks.hpp"
#include "profile_api.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using hidden::Blocks;

std::atomic<int> children_told{0};

void note_child(int) { ++children_told; }

// What the program keeps, in many ways.
struct Kept {
  std::map<int, std::string> words;
  std::vector<std::unique_ptr<std::vector<char>>> arrays;
  struct Node {
    Node* next;
    Node* other;
    char text[80];
  };
  Node* ring = nullptr;

  explicit Kept(hidden::Random& random) {
    for (int i = 0; i < 500; ++i) words[i] = std::string(random.below(200), 'x');
    for (int i = 0; i < 60; ++i)
      arrays.push_back(std::make_unique<std::vector<char>>(random.below(100'000)));
    Node* first = ring = new Node{};
    for (int i = 0; i < 500; ++i) ring = new Node{ring, first, {}};
    first->next = ring;
  }
  ~Kept() {
    Node* const end = ring;
    for (Node* node = ring->next; node != end;) delete std::exchange(node, node->next);
    delete end;
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
};

struct Found {
  Blocks* planted;
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::size_t strangers = 0;
  std::size_t definite = 0;
};

void note(const luna_leak* leak, void* context) {
  auto& found = *static_cast<Found*>(context);
  std::free(expect::opaque(std::malloc(100)));  // which a callback may do
  const std::size_t bytes = found.planted->bytes_of(leak->address);
  if (bytes != leak->bytes) {
    ++found.strangers;
    expect::print(STDERR_FILENO, "not planted: %p of %llu bytes, grade %d\n", leak->address,
                  static_cast<unsigned long long>(leak->bytes), leak->grade);
    for (std::size_t i = 0; i < leak->depth; ++i)
      expect::print(STDERR_FILENO, "  %#lx\n", static_cast<unsigned long>(leak->stack[i]));
    return;
  }
  EXPECT(leak->depth > 0);
  ++found.count;
  found.bytes += bytes;
  if (leak->grade == LUNA_LEAK_DEFINITE) ++found.definite;
}

void expect_no_child() {
  EXPECT(waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);
  EXPECT(waitpid(-1, nullptr, WNOHANG | __WALL) == -1 && errno == ECHILD);
  EXPECT(children_told == 0);
}

// In a frame of its own, lest the caller's have its blocks' addresses in it.
[[gnu::noinline]] Kept* keep(hidden::Random& random) { return new Kept(random); }

// Looks for what was planted. An address of a block may have been that of another one before,
// of which something is still written somewhere: so not all has to be found.
[[gnu::noinline]] void prove(const Api& api, Blocks& planted, bool all_definite) {
  Found found{&planted};
  const int error = api.prove(note, &found);
  EXPECT_FOR(error, error == 0);
  EXPECT_FOR(found.strangers, found.strangers == 0);
  expect::print(STDOUT_FILENO, "%zu of %zu bytes, %zu of %zu blocks definite\n", found.bytes,
                planted.bytes(), found.definite, found.count);
  EXPECT_FOR(found.bytes, found.bytes * 100 >= planted.bytes() * 95);
  if (all_definite) EXPECT_FOR(found.definite, found.definite == found.count);
}

// In a process without a past: what is planted has addresses that nobody ever knew.
[[noreturn]] void work_in_child(const Api& api, Blocks& planted, std::uint64_t seed) {
  hidden::Random random(seed);
  planted.plant(random, 300, 3);
  Kept* volatile kept = keep(random);
  prove(api, planted, true);
  expect_no_child();
  delete kept;
  prove(api, planted, true);
  _exit(3);
}

void expect_end_of_child(pid_t child) {
  int status = 0;
  EXPECT(waitpid(-1, &status, 0) == child);
  EXPECT_FOR(status, WIFEXITED(status) && WEXITSTATUS(status) == 3);
  EXPECT(children_told == 1);
  children_told = 0;
  expect_no_child();
}

void alone(const Api& api, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    Blocks planted;
    if (child == 0) work_in_child(api, planted, static_cast<std::uint64_t>(i) + 1);
    expect_end_of_child(child);
  }
}

// A child of the program's own is its to wait for; what was planted before the fork is
// leaked in both.
void children(const Api& api, int rounds) {
  Blocks planted;
  hidden::Random random(1);
  planted.plant(random, 300, 3);
  for (int i = 0; i < rounds; ++i) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) work_in_child(api, planted, static_cast<std::uint64_t>(i) + 1);
    prove(api, planted, true);
    expect_end_of_child(child);
  }
}

// What is planted first has addresses that nobody knew before; threads do `work` meanwhile.
template <typename Work>
void among_threads(const Api& api, int rounds, int count, Work work) {
  hidden::Random random(1);
  Blocks planted;
  planted.plant(random, 300, 3);
  Kept* volatile kept = keep(random);
  std::atomic<bool> ends{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&ends, work, i] { work(ends, static_cast<std::uint64_t>(i) + 99); });
  for (int i = 0; i < rounds; ++i) {
    prove(api, planted, false);
    expect_no_child();
  }
  delete kept;
  ends = true;
  for (std::thread& thread : threads) thread.join();
}

std::atomic<void*> places[64];

void churn(const std::atomic<bool>& ends, std::uint64_t seed) {
  hidden::Random random(seed);
  while (!ends) {
    const std::size_t bytes = random.below(200) == 0 ? random.below(400'000) : random.below(2000);
    void* block = std::malloc(bytes);
    if (random.below(4) == 0) block = std::realloc(block, bytes * 2 + 1);
    std::free(places[random.below(64)].exchange(block));
  }
}

// Has its only pointer to a block in a variable of its own for long.
void hold(const std::atomic<bool>& ends, std::uint64_t seed) {
  hidden::Random random(seed);
  while (!ends) {
    void* block = expect::opaque(std::malloc(1 + random.below(100'000)));
    usleep(static_cast<useconds_t>(random.below(20'000)));
    std::free(block);
  }
}

void busy(const Api& api, int rounds) {
  among_threads(api, rounds, 4, churn);
  for (std::atomic<void*>& place : places) std::free(place.exchange(nullptr));
}

void many(const Api& api, int rounds) { among_threads(api, rounds, 50, hold); }

void refused(const Api& api, int) {
  Found found{nullptr};
  hidden::refuse_processes(EAGAIN);
  EXPECT(api.prove(note, &found) == EAGAIN && found.count == 0);
  expect_no_child();
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 3);
  expect::on_lunalloc();
  const Api api;
  Found none{nullptr};
  EXPECT(api.prove(note, &none) == ENOENT);
  EXPECT(api.start(1) == 0);
  EXPECT(signal(SIGCHLD, note_child) != SIG_ERR);
  const std::string part = arguments[1];
  const int rounds = std::atoi(arguments[2]);
  if (part == "alone")
    alone(api, rounds);
  else if (part == "busy")
    busy(api, rounds);
  else if (part == "many")
    many(api, rounds);
  else if (part == "children")
    children(api, rounds);
  else
    refused(api, rounds);
  std::puts("done");
  return 0;
}

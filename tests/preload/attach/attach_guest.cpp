// SPDX-License-Identifier: MIT
// Knows nothing of being attached to, and comes by slow paths of malloc in some way, or not.
//
// Usage: attach_guest WAY [LIBRARY]. Prints where the library is asked and "ready"; ends when stdin
// does.
#include "expect.hpp"

#include <dlfcn.h>
#include <lunalloc/attach.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<bool> stops{false};

// Every round comes by slow paths, for lists do not hold so much.
void allocate_and_free() {
  std::array<void*, 2000> blocks;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = malloc(std::size_t{16} << i % 15);
    EXPECT(blocks[i] != nullptr);
    *static_cast<char*>(blocks[i]) = 1;
  }
  for (void* block : blocks) free(block);
}

[[nodiscard]] bool stdin_has_something() {
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, 0) > 0;
}

template <typename Round>
void until_stdin_ends(Round round) {
  while (!stdin_has_something()) round();
}

void* allocate_once(void*) {
  allocate_and_free();
  return nullptr;
}

void* create_threads(void*) {
  while (!stops.load()) {
    pthread_t thread;
    EXPECT(pthread_create(&thread, nullptr, allocate_once, nullptr) == 0);
    EXPECT(pthread_join(thread, nullptr) == 0);
  }
  return nullptr;
}

// Three threads that do nothing but create others, which allocate for the first time.
void threads() {
  std::array<pthread_t, 3> makers;
  for (pthread_t& maker : makers)
    EXPECT(pthread_create(&maker, nullptr, create_threads, nullptr) == 0);
  until_stdin_ends([] { usleep(1000); });
  stops = true;
  for (pthread_t maker : makers) EXPECT(pthread_join(maker, nullptr) == 0);
}

void* open_and_close(void* path) {
  while (!stops.load()) {
    void* library = dlopen(static_cast<const char*>(path), RTLD_NOW);
    EXPECT(library != nullptr);
    EXPECT(dlclose(library) == 0);
  }
  return nullptr;
}

// One thread loads and unloads, while others are made that need to know what is loaded.
void libraries(const char* path) {
  pthread_t opener;
  EXPECT(pthread_create(&opener, nullptr, open_and_close, const_cast<char*>(path)) == 0);
  until_stdin_ends([] {
    pthread_t thread;
    EXPECT(pthread_create(&thread, nullptr, allocate_once, nullptr) == 0);
    EXPECT(pthread_join(thread, nullptr) == 0);
  });
  stops = true;
  EXPECT(pthread_join(opener, nullptr) == 0);
}

// Nobody allocates but the C library: for the new thread, and in the dynamic linker. So large a
// stack is not kept for the next thread, nor is what was allocated with it.
void creates() {
  pthread_attr_t attributes;
  EXPECT(pthread_attr_init(&attributes) == 0);
  EXPECT(pthread_attr_setstacksize(&attributes, std::size_t{64} << 20) == 0);
  until_stdin_ends([&attributes] {
    pthread_t thread;
    const auto nothing = [](void*) -> void* { return nullptr; };
    EXPECT(pthread_create(&thread, &attributes, nothing, nullptr) == 0);
    EXPECT(pthread_join(thread, nullptr) == 0);
  });
}

void opens(const char* path) {
  until_stdin_ends([path] {
    void* library = dlopen(path, RTLD_NOW);
    EXPECT(library != nullptr);
    EXPECT(dlclose(library) == 0);
  });
}

void forks() {
  until_stdin_ends([] {
    const pid_t child = fork();
    EXPECT(child >= 0);
    allocate_and_free();
    if (child == 0) _exit(0);
    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
  });
}

// Allocates in a handler that interrupts slow paths; one within a fast path is not helped.
void handlers() {
  struct sigaction action {};
  action.sa_handler = [](int) { free(malloc(4U << 20)); };
  EXPECT(sigaction(SIGALRM, &action, nullptr) == 0);
  const itimerval often = {{0, 500}, {0, 500}};
  EXPECT(setitimer(ITIMER_REAL, &often, nullptr) == 0);
  until_stdin_ends([] { free(malloc(300'000)); });
}

// With a byte of stdin it allocates once, in the child of a fork and then itself: the child has
// not been asked anything.
void idle() {
  auto* const asked = static_cast<luna_attach*>(dlsym(RTLD_DEFAULT, LUNA_ATTACH_SYMBOL));
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) == 1) {
    const bool is_asked = asked->asked != 0;
    const std::uint64_t answered = asked->answered;
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
      EXPECT(asked->asked == 0);
      allocate_and_free();
      _exit(asked->answered == answered ? 0 : 1);
    }
    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(!is_asked || asked->asked != 0);
    allocate_and_free();
    expect::print(STDOUT_FILENO, "done\n");
  }
}

// Of which main() is none; the last to end ends the process.
void main_ends() {
  pthread_t thread;
  const auto run = [](void*) -> void* {
    until_stdin_ends(allocate_and_free);
    return nullptr;
  };
  EXPECT(pthread_create(&thread, nullptr, run, nullptr) == 0);
  pthread_exit(nullptr);
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count >= 2);
  expect::print(STDOUT_FILENO, "%p %p ready\n", dlsym(RTLD_DEFAULT, LUNA_ATTACH_SYMBOL),
                dlsym(RTLD_DEFAULT, LUNA_ATTACH_TEXT_SYMBOL));
  const char* const way = arguments[1];
  if (strcmp(way, "allocates") == 0) until_stdin_ends(allocate_and_free);
  if (strcmp(way, "threads") == 0) threads();
  if (strcmp(way, "libraries") == 0) libraries(arguments[2]);
  if (strcmp(way, "creates") == 0) creates();
  if (strcmp(way, "opens") == 0) opens(arguments[2]);
  if (strcmp(way, "forks") == 0) forks();
  if (strcmp(way, "handlers") == 0) handlers();
  if (strcmp(way, "idle") == 0) idle();
  if (strcmp(way, "main_ends") == 0) main_ends();
  return 0;
}

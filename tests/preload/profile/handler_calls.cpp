// SPDX-License-Identifier: MIT
// What each function does in a signal handler that has interrupted the allocator; luna_stats_read
// tells the handler that it has.
//
// Usage: handler_calls PART
// Parts: calls, exit (by the handler), twice (it frees a block twice).
#include "profile_api.hpp"

#include <lunalloc/lunalloc.h>
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <thread>

namespace {

constexpr int kWanted = 20;  // handlers that have interrupted the allocator

struct Functions {
  Api profile;
  decltype(luna_stats_read)* read = find<decltype(luna_stats_read)>("luna_stats_read");
  decltype(luna_stats_print)* print = find<decltype(luna_stats_print)>("luna_stats_print");
  decltype(luna_profile_label)* label = find<decltype(luna_profile_label)>("luna_profile_label");
  decltype(luna_leaks_dump)* leaks = find<decltype(luna_leaks_dump)>("luna_leaks_dump");
};

const Functions* functions = nullptr;
std::string_view part;
std::atomic<int> interrupted{0};
std::atomic<char*> of_program{nullptr};  // a block of 100 bytes, all 'p'
std::atomic<void*> of_handler{nullptr};

[[nodiscard]] bool has_interrupted() {
  luna_stats stats{};
  stats.struct_size = sizeof stats;
  return functions->read(&stats) == EBUSY;
}

void refuse_calls() {
  const Api& profile = functions->profile;
  EXPECT(profile.start(1) == EBUSY);
  profile.stop();
  EXPECT(profile.interval() == 1);
  EXPECT(profile.mark() == EBUSY);
  EXPECT(profile.dump("/dev/null", LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON) == EBUSY);
  EXPECT(profile.prove([](const luna_leak*, void*) {}, nullptr) == EBUSY);
  EXPECT(functions->label("key", "value") == EBUSY);
  EXPECT(functions->leaks("/dev/null", LUNA_PROFILE_TEXT) == EBUSY);
  EXPECT(functions->print(STDOUT_FILENO) == EBUSY);
  EXPECT(malloc_trim(0) == 0);
  EXPECT(mallinfo2().arena == 0);
}

void allocate() {
  static constexpr std::size_t kSizes[] = {0, 1, 100, 4096, 5000, 3'000'000};
  for (const std::size_t bytes : kSizes) {
    char* zeros = static_cast<char*>(expect::opaque(calloc(1, bytes)));
    EXPECT_FOR(bytes, zeros != nullptr && malloc_usable_size(zeros) >= bytes);
    for (std::size_t i = 0; i < bytes; ++i) EXPECT_FOR(bytes, zeros[i] == 0);
    std::memset(zeros, 'h', bytes);
    void* aligned = expect::opaque(memalign(std::size_t{1} << 16, bytes));
    EXPECT_FOR(bytes, reinterpret_cast<std::uintptr_t>(aligned) % (std::size_t{1} << 16) == 0);
    free(aligned);
    zeros = static_cast<char*>(expect::opaque(realloc(zeros, bytes + 70'000)));
    EXPECT_FOR(bytes, zeros != nullptr && (bytes == 0 || zeros[bytes - 1] == 'h'));
    free(zeros);
  }
  errno = 0;
  EXPECT(expect::opaque(malloc(SIZE_MAX / 2)) == nullptr && errno == ENOMEM);
}

// The program's block becomes one of the handler's, which the program frees, and grows.
void exchange() {
  char* block = of_program.exchange(nullptr);
  if (block != nullptr) {
    block = static_cast<char*>(expect::opaque(realloc(block, 1000)));
    EXPECT(block != nullptr && block[0] == 'p' && block[99] == 'p');
    of_program = block;
  }
  void* mine = expect::opaque(malloc(700));
  EXPECT(mine != nullptr);
  std::memset(mine, 'm', 700);
  free(of_handler.exchange(mine));
}

void handle(int) {
  const int error = errno;
  // Handlers may come one after the other before the program has done anything: then there is no
  // block yet that could be freed twice.
  if (has_interrupted() && (part != "twice" || of_program != nullptr)) {
    interrupted.fetch_add(1, std::memory_order_relaxed);
    if (part == "exit") exit(7);
    if (part == "twice") {
      void* block = of_program.exchange(nullptr);
      free(block);
      free(expect::opaque(block));
    }
    refuse_calls();
    allocate();
    exchange();
  }
  errno = error;
}

void work() {
  free(expect::opaque(malloc(400'000)));
  auto* block = static_cast<char*>(expect::opaque(malloc(100)));
  std::memset(block, 'p', 100);
  free(of_program.exchange(block));
  if (auto* mine = static_cast<char*>(of_handler.exchange(nullptr)); mine != nullptr) {
    mine = static_cast<char*>(expect::opaque(realloc(mine, 9000)));
    EXPECT(mine != nullptr && mine[0] == 'm' && mine[699] == 'm');
    free(mine);
  }
}

void interrupt(pthread_t thread, const std::atomic<bool>& ends) {
  sigset_t all;
  sigfillset(&all);
  EXPECT(pthread_sigmask(SIG_BLOCK, &all, nullptr) == 0);
  while (!ends) {
    pthread_kill(thread, SIGPROF);
    usleep(20);
  }
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2);
  expect::on_lunalloc();
  part = arguments[1];
  static const Functions found;
  functions = &found;
  struct sigaction action {};
  action.sa_handler = handle;
  EXPECT(sigaction(SIGPROF, &action, nullptr) == 0);
  std::atomic<bool> ends{false};
  std::thread other([thread = pthread_self(), &ends] { interrupt(thread, ends); });
  while (interrupted < kWanted) work();
  ends = true;
  other.join();
  EXPECT(found.profile.start(1) == 0);
  EXPECT(found.profile.dump("/dev/null", LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON) == 0);
  std::puts("done");
  return 0;
}

// SPDX-License-Identifier: MIT
// Walks in signal handlers, threads and children, and on stacks that are none. Forms of
// frames: stack_walker_test.cpp.
#include "base/align.hpp"
#include "os/memory.hpp"
#include "support/random.hpp"
#include "support/stack_trace.hpp"
#include "telemetry/stack_walker.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace luna {
namespace {

using test::after_call;
using test::recurse;
using test::Walks;

Walks* signalled = nullptr;

void walk_in_handler(int /*number*/) { static_cast<void>(recurse(*signalled, 3)); }

// Handles SIGUSR1 by a walk, on a stack of its own if told so.
struct Handler {
  explicit Handler(int flags) {
    signalled = walks.get();
    struct sigaction action {};
    action.sa_handler = walk_in_handler;
    action.sa_flags = flags;
    sigaction(SIGUSR1, &action, &old);
    stack_t own{};
    own.ss_sp = room.data();
    own.ss_size = room.size();
    sigaltstack(&own, nullptr);
  }
  ~Handler() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
    sigaction(SIGUSR1, &old, nullptr);
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

  std::unique_ptr<Walks> walks = std::make_unique<Walks>();
  std::vector<char> room = std::vector<char>(256 * 1024);
  struct sigaction old {};
};

[[gnu::noinline]] void signal_within(int times) {
  if (times == 0) {
    raise(SIGUSR1);
  } else {
    signal_within(times - 1);
  }
  after_call();
}

TEST(StackWalkerThreads, InASignalHandler) {
  for (const int flags : {0, SA_ONSTACK}) {
    const Handler handler(flags);
    for (int i = 0; i < 3; ++i) {
      signal_within(5);
      EXPECT_GT(handler.walks->depth, 12U);
    }
    EXPECT_FALSE(handler.walks->wrong);
  }
}

// The first instructions of a function have rules of their own, so a signal may come to any.
TEST(StackWalkerThreads, InASignalThatComesAnywhere) {
  const Handler handler(0);
  const pthread_t self = pthread_self();
  std::atomic<bool> done{false};
  std::thread sender([&] {
    for (int i = 0; i < 300; ++i) {
      pthread_kill(self, SIGUSR1);
      usleep(50);
    }
    done = true;
  });

  std::vector<int> numbers(100);
  while (!done) {
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = static_cast<int>(i * 7919 % numbers.size());
    std::qsort(numbers.data(), numbers.size(), sizeof(int), [](const void* one, const void* other) {
      return std::memcmp(one, other, sizeof(int));
    });
  }
  sender.join();

  EXPECT_NE(handler.walks->depth, 0U);
  EXPECT_FALSE(handler.walks->wrong);
}

void* walk_in_thread(void* walker) {
  std::uintptr_t frames[16];
  const std::size_t depth = static_cast<StackWalker*>(walker)->walk(frames, std::size(frames));
  return reinterpret_cast<void*>(depth);
}

TEST(StackWalkerThreads, OnASmallStack) {
  const auto walks = std::make_unique<Walks>();
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, static_cast<std::size_t>(PTHREAD_STACK_MIN));
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, walk_in_thread, &walks->walker), 0);
  void* depth = nullptr;
  pthread_join(thread, &depth);
  pthread_attr_destroy(&attributes);

  EXPECT_GE(reinterpret_cast<std::uintptr_t>(depth), 2U);
}

TEST(StackWalkerThreads, InTheChildOfAFork) {
  const auto walks = std::make_unique<Walks>();
  static_cast<void>(recurse(*walks, 1));

  const pid_t child = fork();
  if (child == 0) _exit(recurse(*walks, 20) != 0 && recurse(*walks, 3) != 0 ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  EXPECT_EQ(status, 0);
}

#if defined(__x86_64__)
// Calls back from the place of that number, of 12,000: more than the cache has room for.
extern "C" void luna_test_call_from(void (*)(void*), void*, std::size_t);
asm(R"(
.text
.type luna_test_call_from, @function
luna_test_call_from:
  .cfi_startproc
  push %rbx
  .cfi_def_cfa_offset 16
  .cfi_offset rbx, -16
  shl $3, %rdx
  lea 1f(%rip), %rax
  add %rdx, %rax
  mov %rdi, %rbx
  mov %rsi, %rdi
  jmp *%rax
  .balign 8
1:
  .rept 12000
  call *%rbx
  jmp 2f
  .balign 8
  .endr
2:
  pop %rbx
  .cfi_def_cfa_offset 8
  ret
  .cfi_endproc
)");

constexpr std::size_t kPlaces = 12'000;

struct ManyPlaces {
  StackWalker* walker;
  std::atomic<int>* wrong;
};

void walk_from_place(void* pointer) {
  const auto& places = *static_cast<ManyPlaces*>(pointer);
  thread_local test::StackTrace walk;
  thread_local test::StackTrace expected;
  if (test::depth_if_right(*places.walker, walk, expected) == 0) ++*places.wrong;
}

TEST(StackWalkerThreads, ManyAtOnceFromMorePlacesThanAreKept) {
  const auto walks = std::make_unique<Walks>();
  std::atomic<int> wrong{0};
  ManyPlaces places = {&walks->walker, &wrong};
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&places, thread] {
      // Each place twice, with those of the other threads between.
      for (std::size_t i = 0; i < 2 * kPlaces; i += 2)
        luna_test_call_from(walk_from_place, &places, (i / 2 * 7 + thread * 3000) % kPlaces);
      for (std::size_t i = 0; i < kPlaces; i += 3) luna_test_call_from(walk_from_place, &places, i);
    });
  }
  for (int i = 0; i < 20; ++i) walks->walker.forget();
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong.load(), 0);
}
#endif

// A stack of numbers that look like addresses on it, and nothing to read on both sides.
struct BrokenStack {
  BrokenStack() {
    memory = static_cast<std::byte*>(os::reserve(3 * kBytes));
    if (memory == nullptr || !os::commit(memory + kBytes, kBytes)) std::abort();
  }
  ~BrokenStack() { os::release(memory, 3 * kBytes); }
  BrokenStack(const BrokenStack&) = delete;
  BrokenStack& operator=(const BrokenStack&) = delete;

  [[nodiscard]] std::uintptr_t begin() const { return address_of(memory) + kBytes; }

  static constexpr std::size_t kBytes = 65536;
  std::byte* memory;
};

// As if rules were those of other code: they lead anywhere, but to no crash.
TEST(StackWalkerThreads, BrokenStackEndsTheWalk) {
  const auto walks = std::make_unique<Walks>();
  const BrokenStack stack;
  test::Random random(1);
  const auto anywhere = [&] { return stack.begin() + random.below(BrokenStack::kBytes) / 8 * 8; };
  const auto code = [&](std::uintptr_t from) { return from - 20'000 + random.below(40'000); };
  const std::uintptr_t libraries[] = {address_of(reinterpret_cast<const void*>(&std::qsort)),
                                      address_of(reinterpret_cast<const void*>(&recurse)),
                                      address_of(reinterpret_cast<const void*>(&raise))};
  const auto number = [&] {
    const std::uint64_t choice = random.below(8);
    if (choice == 0) return random.next();
    return choice < 4 ? anywhere() : code(libraries[choice % 3]);
  };

  std::size_t longest = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto* words = reinterpret_cast<std::uintptr_t*>(stack.begin());
    for (std::size_t k = 0; k < 64; ++k) words[random.below(BrokenStack::kBytes / 8)] = number();
    std::uintptr_t frames[64];
    const Registers start = {code(libraries[i % 3]), anywhere(), anywhere(), anywhere()};
    const std::size_t depth = walks->walker.walk_from(start, frames, std::size(frames));
    if (depth > longest) longest = depth;
  }

  EXPECT_GT(longest, 1U);
  EXPECT_NE(recurse(*walks, 3), 0U);
}

}  // namespace
}  // namespace luna

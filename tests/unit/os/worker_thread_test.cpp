// SPDX-License-Identifier: MIT
#include "os/worker_thread.hpp"

#include "os/clock.hpp"
#include "support/refused_calls.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <string>
#include <thread>

namespace luna::os {
namespace {

// What it finds on its thread. Stays until the process ends, as the thread does.
struct Found {
  static void work(void* context) {
    auto* self = static_cast<Found*>(context);
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    self->name = name.data();
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGCHLD, SIGPROF})
      self->blocked += sigismember(&blocked, signal);
    self->ready = true;
    for (;;) {
      if (self->thread.sleep(60'000)) ++self->wakings;
    }
  }

  static Found& started() {
    static Found& found = *new Found;
    EXPECT_TRUE(found.thread.start(&Found::work, &found));
    while (!found.ready) std::this_thread::yield();
    return found;
  }

  WorkerThread thread;
  std::string name;
  int blocked = 0;
  std::atomic<bool> ready{false};
  std::atomic<int> wakings{0};
};

// Ends when nobody wants it, and runs again when somebody does.
struct Ending {
  static bool is_wanted() noexcept { return wanted.load(); }
  static void work(void* context) {
    auto* self = static_cast<Ending*>(context);
    while (is_wanted() || !self->thread.ends(&Ending::is_wanted)) {
      ++self->turns;
      self->thread.sleep(1);
    }
  }

  // Has it started, and waits until it is at work: the same thread again, if that was about to end.
  void want() {
    const int before = turns;
    wanted = true;
    ASSERT_TRUE(thread.start(&Ending::work, this));
    while (turns == before) std::this_thread::yield();
  }

  static inline std::atomic<bool> wanted{false};
  WorkerThread thread;
  std::atomic<int> turns{0};
};

TEST(WorkerThread, EndsWhenItIsNotWanted) {
  static Ending& ending = *new Ending;  // for good, as its thread may be about to end
  for (int run = 1; run <= 20; ++run) {
    ending.want();
    Ending::wanted = false;
    while (ending.thread.is_running()) std::this_thread::yield();
  }
}

// Whoever has it started after it is wanted finds it at work, however near its end it was.
TEST(WorkerThread, IsThereForWhoeverWantsIt) {
  static Ending& ending = *new Ending;
  for (int i = 0; i < 2000; ++i) {
    ending.want();
    if (i % 7 == 0) usleep(200);
    Ending::wanted = false;
    if (i % 3 == 0) usleep(static_cast<unsigned>(i % 50));
  }
}

TEST(WorkerThread, HasAName) { EXPECT_EQ(Found::started().name, "lunalloc"); }

TEST(WorkerThread, TakesNoSignals) {
  EXPECT_EQ(Found::started().blocked, 5);

  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 0);
}

TEST(WorkerThread, StartsOnce) {
  Found& found = Found::started();
  found.ready = false;
  errno = 42;

  EXPECT_TRUE(found.thread.start(&Found::work, &found));
  EXPECT_TRUE(found.thread.is_running());
  EXPECT_EQ(errno, 42);
  found.ready = true;
}

TEST(WorkerThread, IsWokenWithoutWaiting) {
  Found& found = Found::started();
  const int wakings = found.wakings;

  found.thread.wake();

  while (found.wakings == wakings) std::this_thread::yield();
}

TEST(WorkerThread, WithoutAThreadNobodyIsWoken) {
  WorkerThread thread;
  thread.wake();

  EXPECT_FALSE(thread.is_running());
  EXPECT_FALSE(thread.sleep(0));
}

// One that has something to tell, and one that the program has closed.
TEST(WorkerThread, FilesEndItsSleep) {
  WorkerThread thread;
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  std::array<AwaitedFile, 3> files{};
  files[1].number = ends[0];
  constexpr std::uint64_t kForever = 3'600'000;

  EXPECT_FALSE(thread.sleep(kForever, files));
  EXPECT_FALSE(files[0].ready || files[0].broken);
  EXPECT_TRUE(files[1].ready && !files[1].broken);
  close(ends[0]);
  close(ends[1]);
  EXPECT_FALSE(thread.sleep(kForever, files));
  EXPECT_TRUE(!files[1].ready && files[1].broken);
  thread.forget_files();
}

// Else it would look again and again, without a pause.
TEST(WorkerThread, SleepsToTheEndWhereFilesCannotBeAwaited) {
  constexpr std::uint64_t kMilliseconds = 30;
  enum Result : std::uint8_t { kSlept, kDidNot, kNoFilter };
  const pid_t child = fork();
  if (child == 0) {
    if (!::test::refuse_call(SYS_ppoll, EPERM)) _exit(kNoFilter);  // as a sandbox does
    WorkerThread thread;
    std::array<AwaitedFile, 1> files{};
    const std::uint64_t begin = nanoseconds();
    thread.sleep(kMilliseconds, files);
    thread.sleep_apart(kMilliseconds, files);
    _exit(nanoseconds() - begin >= 2 * kMilliseconds * 1'000'000 ? kSlept : kDidNot);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == kNoFilter) GTEST_SKIP() << "no filters are allowed here";

  EXPECT_EQ(status, 0);
}

// The test's thread stands for the program's, which waits for it with all others having it blocked.
TEST(WorkerThread, TakesNoSignalOfTheProgram) {
  static WorkerThread& thread = *new WorkerThread;  // its thread goes on for ever
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  static std::atomic<int> sleeps{0};
  ASSERT_TRUE(thread.start(
      [](void*) {
        for (;; ++sleeps) {
          std::array<AwaitedFile, 1> files{};
          thread.sleep_apart(1, files);
        }
      },
      nullptr));
  for (const int signal : {SIGURG, SIGUSR1, SIGRTMAX - 1}) {
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, signal);
    const struct timespec kLong = {5, 0};
    for (int i = 0; i < 200; ++i) {
      thread.wake();
      kill(getpid(), signal);
      const int slept = sleeps + 2;  // it has looked meanwhile
      while (sleeps < slept) sched_yield();
      ASSERT_EQ(sigtimedwait(&awaited, nullptr, &kLong), signal) << "in turn " << i;
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(WorkerThread, InAChildItIsNotThere) {
  static WorkerThread& thread = *new WorkerThread;  // its thread goes on for a while
  static std::atomic<bool> let_go{false};
  ASSERT_TRUE(thread.start([](void*) { let_go.wait(false); }, nullptr));

  thread.resume_child();

  EXPECT_FALSE(thread.is_running());
  let_go = true;
  let_go.notify_all();
}

}  // namespace
}  // namespace luna::os

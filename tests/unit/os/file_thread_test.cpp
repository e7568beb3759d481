// SPDX-License-Identifier: MIT
#include "os/file_thread.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>

namespace luna::os {
namespace {

// One for all tests, for what a thread hangs on lives as long as the process.
FileThread& started() {
  static FileThread files;
  EXPECT_TRUE(files.start());
  return files;
}

// Has the function called on the thread of `files`.
template <typename Function>
void run(FileThread& files, Function function) {
  files.run([](void* context) { (*static_cast<Function*>(context))(); }, &function);
}

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0); }
  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }
  std::array<int, 2> ends{-1, -1};
};

// Whether another process could lock it.
[[nodiscard]] bool is_locked_for_others(int file) {
  const pid_t child = fork();
  if (child == 0) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    _exit(fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 1 : 0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WEXITSTATUS(status) == 1;
}

TEST(FileThread, DoesItElsewhereAndWaits) {
  FileThread& files = started();
  pid_t where = 0;

  for (int i = 0; i < 1000; ++i) {
    where = 0;
    run(files, [&] { where = gettid(); });
    ASSERT_NE(where, 0);
  }

  EXPECT_NE(where, gettid());
}

TEST(FileThread, WithoutAThreadTheCallerDoesIt) {
  FileThread files;
  pid_t where = 0;

  run(files, [&] { where = gettid(); });

  EXPECT_EQ(where, gettid());
}

TEST(FileThread, TakesNoNumberFromTheProgram) {
  FileThread& files = started();
  const Pipe pipe;
  int there = -1;
  run(files, [&] { there = open("/dev/null", O_RDONLY | O_CLOEXEC); });
  const int here = open("/dev/null", O_RDONLY | O_CLOEXEC);
  bool is_pipe_there = true;
  run(files, [&] {
    is_pipe_there = fcntl(pipe.ends[0], F_GETFD) >= 0;
    close(there);
  });

  EXPECT_EQ(there, 0);
  EXPECT_EQ(here, pipe.ends[1] + 1);
  EXPECT_FALSE(is_pipe_there);
  EXPECT_EQ(fcntl(STDIN_FILENO, F_GETFD), 0);
  close(here);
}

// It has none of the program's files open, of which somebody waits for the end.
TEST(FileThread, HoldsNothingOpen) {
  Pipe pipe;
  static FileThread files;
  ASSERT_TRUE(files.start());
  close(pipe.ends[1]);
  pipe.ends[1] = -1;
  char byte = 0;

  EXPECT_EQ(read(pipe.ends[0], &byte, 1), 0);
  files.end();
}

TEST(FileThread, LetsNoLockGo) {
  std::FILE* const file = std::tmpfile();
  struct flock lock {};
  lock.l_type = F_WRLCK;
  ASSERT_EQ(fcntl(fileno(file), F_SETLK, &lock), 0);
  static FileThread files;

  ASSERT_TRUE(files.start());
  EXPECT_TRUE(is_locked_for_others(fileno(file)));
  files.end();
  EXPECT_TRUE(is_locked_for_others(fileno(file)));
  std::fclose(file);
}

// Also what it had open ends with it.
TEST(FileThread, MayBeginAnewAfterItsEnd) {
  static FileThread files;
  Pipe pipe;
  const std::string path = "/proc/self/fd/" + std::to_string(pipe.ends[1]);

  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(files.start());
    EXPECT_TRUE(files.is_running());
    int there = -1;
    run(files, [&] { there = open(path.c_str(), O_WRONLY | O_CLOEXEC); });
    EXPECT_EQ(there, 0);
    files.end();
    EXPECT_FALSE(files.is_running());
  }
  close(pipe.ends[1]);
  pipe.ends[1] = -1;
  char byte = 0;

  EXPECT_EQ(read(pipe.ends[0], &byte, 1), 0);
}

TEST(FileThread, IsNotThereInAChild) {
  FileThread& files = started();
  const pid_t child = fork();
  if (child == 0) {
    files.resume_child();
    pid_t where = 0;
    run(files, [&] { where = gettid(); });
    _exit(where == gettid() && !files.is_running() ? 0 : 1);
  }
  int status = 1;

  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// A thread that sleeps there, with files, is woken.
struct Sleeper {
  static void work(void* context) {
    auto* self = static_cast<Sleeper*>(context);
    self->is_current = self->thread.is_current();
    self->files.start();
    while (self->wakings < kTimes) self->sleep();
    self->files.end();
    self->has_ended = true;
  }

  void sleep() {
    run(files, [this] {
      std::array<AwaitedFile, 1> awaited{};
      if (thread.sleep_apart(3'600'000, awaited)) ++wakings;
    });
  }

  static constexpr int kTimes = 200;
  WorkerThread thread;
  FileThread files;
  std::atomic<bool> is_current{false};
  std::atomic<int> wakings{0};
  std::atomic<bool> has_ended{false};
};

TEST(FileThread, WhoSleepsThereIsWoken) {
  static Sleeper& sleeper = *new Sleeper;
  ASSERT_TRUE(sleeper.thread.start(&Sleeper::work, &sleeper));

  for (int i = 1; i <= Sleeper::kTimes; ++i) {
    if (i % 3 == 0) usleep(300);  // it may be asleep by then, or on its way
    sleeper.thread.wake();
    while (sleeper.wakings < i) std::this_thread::yield();
  }
  while (!sleeper.has_ended) std::this_thread::yield();
  EXPECT_TRUE(sleeper.is_current);
  EXPECT_FALSE(sleeper.thread.is_current());
}

TEST(FileThread, FilesThereEndTheSleep) {
  FileThread& files = started();
  WorkerThread thread;
  std::array<AwaitedFile, 2> awaited{};
  run(files, [&] {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    EXPECT_EQ(write(ends[1], "x", 1), 1);
    awaited[1].number = ends[0];

    EXPECT_FALSE(thread.sleep_apart(3'600'000, awaited));
    close(ends[0]);
    close(ends[1]);
  });

  EXPECT_FALSE(awaited[0].ready || awaited[0].broken);
  EXPECT_TRUE(awaited[1].ready && !awaited[1].broken);
}

}  // namespace
}  // namespace luna::os

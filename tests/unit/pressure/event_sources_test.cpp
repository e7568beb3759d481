// SPDX-License-Identifier: MIT
#include "pressure/event_sources.hpp"

#include "support/cgroup_tree.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>

namespace luna {
namespace {

constexpr PressureThresholds kThresholds;

// So long that a test which waits for its end fails by its own time limit.
constexpr std::uint64_t kForever = 3'600'000;

// The sources with a clock of their own. Nobody but the files ends a sleep.
struct Awaiting {
  explicit Awaiting(const std::string& its_root) : root(its_root) {}
  ~Awaiting() {
    sources.close();
    thread.forget_files();
  }

  void watch(const std::string& path, const std::string& base64 = "") {
    sources.set_watch(path, base64);
  }
  [[nodiscard]] std::uint64_t review() {
    now_ms += EventSources::kReviewMs;
    sources.review(root, kThresholds, now_ms);
    return sources.open_files();
  }
  // What the files say, waited for without an end, or only what they have said.
  [[nodiscard]] PressureSign told(std::uint64_t milliseconds = kForever) {
    now_ms += EventSources::kLeastMs;
    EXPECT_FALSE(sources.sleep(thread, milliseconds, now_ms));
    return sources.take(now_ms);
  }

  std::string root;
  EventSources sources;
  os::WorkerThread thread;
  std::uint64_t now_ms = 100'000;
};

struct Fifo {
  explicit Fifo(const test::FileTree& tree) : path(tree.root() + "/fifo") {
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
  }
  void tell() const { std::ofstream(path) << "x"; }

  std::string path;
};

TEST(EventSources, WithoutAnyThereIsNothing) {
  const test::FileTree tree;
  Awaiting awaiting(tree.root());

  EXPECT_EQ(awaiting.review(), 0U);
  EXPECT_FALSE(awaiting.told(1).is_told);
}

TEST(EventSources, AFifoEndsTheSleep) {
  const test::FileTree tree;
  const Fifo fifo(tree);
  Awaiting awaiting(tree.root());
  awaiting.watch(fifo.path);
  ASSERT_EQ(awaiting.review(), 1U);

  for (std::uint64_t i = 1; i <= 5; ++i) {
    std::thread teller([&] { fifo.tell(); });
    const PressureSign sign = awaiting.told();
    teller.join();
    EXPECT_TRUE(sign.is_told);
    EXPECT_EQ(sign.level, LUNA_PRESSURE_MODERATE);
    EXPECT_EQ(sign.source, LUNA_PRESSURE_FROM_SYSTEMD);
    EXPECT_EQ(awaiting.sources.events(), i);
  }
}

TEST(EventSources, ManyEventsAreOneLook) {
  const test::FileTree tree;
  const Fifo fifo(tree);
  Awaiting awaiting(tree.root());
  awaiting.watch(fifo.path);
  ASSERT_EQ(awaiting.review(), 1U);
  fifo.tell();
  ASSERT_TRUE(awaiting.told().is_told);
  fifo.tell();

  // At the same time of the clock: it sleeps to the end of the pause, whatever comes.
  EXPECT_FALSE(awaiting.sources.sleep(awaiting.thread, kForever, awaiting.now_ms));
  EXPECT_FALSE(awaiting.sources.take(awaiting.now_ms).is_told);
  EXPECT_TRUE(awaiting.told().is_told);
}

TEST(EventSources, WhoWakesEndsTheSleepWithFiles) {
  constexpr int kTimes = 100;
  const test::FileTree tree;
  const Fifo fifo(tree);
  static Awaiting& awaiting = *new Awaiting(tree.root());  // the thread ends after the test
  static std::atomic<int> woken{0};
  awaiting.watch(fifo.path);
  ASSERT_EQ(awaiting.review(), 1U);
  const auto work = [](void*) {
    while (woken < kTimes)
      if (awaiting.sources.sleep(awaiting.thread, kForever, awaiting.now_ms)) ++woken;
  };
  ASSERT_TRUE(awaiting.thread.start(work, nullptr));

  for (int i = 1; i <= kTimes; ++i) {
    awaiting.thread.wake();
    while (woken < i) std::this_thread::yield();
  }
  awaiting.sources.close();
  awaiting.thread.forget_files();
}

TEST(EventSources, TheWatchOfTheServiceComesFirst) {
  const test::CgroupTreeV2 tree("/app");
  tree.add("/app", "100000", "max", "10", "0");
  tree.write("/proc/pressure/memory", "");
  Awaiting without(tree.root());
  Awaiting off(tree.root());
  off.watch("/dev/null");
  Awaiting senseless(tree.root());
  senseless.watch(tree.root() + "/proc/pressure/memory", "no base 64");
  Awaiting relative(tree.root());
  relative.watch("memory.pressure");

  EXPECT_EQ(without.review(), 3U);  // two stalls of the machine, and counts
  EXPECT_EQ(off.review(), 0U);
  EXPECT_EQ(senseless.review(), 0U);
  EXPECT_EQ(relative.review(), 3U);
}

TEST(EventSources, StallsOfTheCgroupRatherThanOfTheMachine) {
  const test::CgroupTreeV2 tree("/app");
  tree.add("/app", "100000", "max", "10", "0");
  tree.write("/proc/pressure/memory", "machine");
  tree.write("/sys/fs/cgroup/app/memory.pressure", "cgroup");
  Awaiting awaiting(tree.root());

  EXPECT_EQ(awaiting.review(), 3U);
  std::ifstream machine(tree.root() + "/proc/pressure/memory");
  std::ifstream cgroup(tree.root() + "/sys/fs/cgroup/app/memory.pressure");
  std::string word;
  machine >> word;
  EXPECT_EQ(word, "machine");
  cgroup >> word;
  EXPECT_EQ(word, "full");
}

// The threshold of a cgroup is told by the number of an eventfd, of a file, and the bytes.
TEST(EventSources, ThresholdsFollowTheLimit) {
  const test::CgroupTreeV1 tree("/app");
  const std::string folder = "/sys/fs/cgroup/memory/app";
  tree.add("/app", "1000\n", "10\n");
  tree.write(folder + "/cgroup.event_control", "");
  tree.write(folder + "/memory.pressure_level", "");
  Awaiting awaiting(tree.root());
  const auto last_argument = [&] {
    std::ifstream control(tree.root() + folder + "/cgroup.event_control");
    std::string number;
    std::string file;
    std::string argument;
    control >> number >> file >> argument;
    tree.write(folder + "/cgroup.event_control", "");
    return argument;
  };

  EXPECT_EQ(awaiting.review(), 3U);
  EXPECT_EQ(last_argument(), "critical");
  EXPECT_EQ(awaiting.review(), 3U);
  EXPECT_EQ(last_argument(), "");
  tree.remove(folder + "/memory.pressure_level");
  tree.add("/app", "2000\n", "10\n");
  EXPECT_EQ(awaiting.review(), 1U);
  EXPECT_EQ(last_argument(), "1900");
}

TEST(EventSources, WhatTheProgramClosedIsOpenedAnew) {
  const test::FileTree tree;
  const Fifo fifo(tree);
  Awaiting awaiting(tree.root());
  awaiting.watch(fifo.path);
  ASSERT_EQ(awaiting.review(), 1U);
  fifo.tell();
  ASSERT_TRUE(awaiting.told().is_told);
  ASSERT_TRUE(fcntl(os::OwnFile::kLowestNumber, F_GETFD) >= 0);
  close_range(static_cast<unsigned>(os::OwnFile::kLowestNumber), ~0U, 0);

  EXPECT_FALSE(awaiting.told(1).is_told);  // though the next pipe has the number of the FIFO
  EXPECT_EQ(awaiting.sources.open_files(), 0U);
  EXPECT_EQ(awaiting.review(), 1U);
  fifo.tell();
  EXPECT_TRUE(awaiting.told().is_told);
}

// As a program that closed all and has files of its own there now.
TEST(EventSources, FilesOfOthersAreNotRead) {
  const test::FileTree tree;
  const Fifo fifo(tree);
  Awaiting awaiting(tree.root());
  awaiting.watch(fifo.path);
  ASSERT_EQ(awaiting.review(), 1U);
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  ASSERT_EQ(write(ends[1], "mine", 4), 4);
  constexpr int kNumber = os::OwnFile::kLowestNumber;
  ASSERT_EQ(dup2(ends[0], kNumber), kNumber);

  EXPECT_FALSE(awaiting.told().is_told);
  EXPECT_EQ(awaiting.sources.open_files(), 0U);
  std::array<char, 8> bytes{};
  EXPECT_EQ(read(kNumber, bytes.data(), bytes.size()), 4);
  for (const int number : {kNumber, ends[0], ends[1]}) EXPECT_EQ(close(number), 0);
}

TEST(EventSources, CloseLeavesNothing) {
  const test::CgroupTreeV2 tree("/app");
  tree.add("/app", "100000", "max", "10", "0");
  Awaiting awaiting(tree.root());
  ASSERT_EQ(awaiting.review(), 1U);
  EXPECT_FALSE(awaiting.told(1).is_told);
  awaiting.sources.close();
  awaiting.thread.forget_files();

  for (int number = os::OwnFile::kLowestNumber; number < os::OwnFile::kLowestNumber + 20; ++number)
    EXPECT_LT(fcntl(number, F_GETFD), 0);
}

}  // namespace
}  // namespace luna

// SPDX-License-Identifier: MIT
#include "os/snapshot.hpp"

#include "os/memory.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace luna::os {
namespace {

[[nodiscard]] int run(Snapshot::Work work, void* context, std::uint64_t limit_ms = 60'000) {
  Snapshot snapshot;
  {
    const SignalGuard signals;
    EXPECT_EQ(snapshot.take(work, context), 0);
  }
  return snapshot.wait(limit_ms);
}

int hang(void*) noexcept {
  for (;;) ::pause();
}

TEST(Snapshot, TellsWhatItsWorkReturned) {
  EXPECT_EQ(run([](void*) noexcept { return 0; }, nullptr), 0);
  EXPECT_EQ(run([](void*) noexcept { return ENOMEM; }, nullptr), ENOMEM);
}

TEST(Snapshot, HasTheMemoryOfItsMomentAndSharesWhatIsShared) {
  auto* shared = static_cast<int*>(map_shared(page_bytes()));
  ASSERT_NE(shared, nullptr);
  static int value = 7;
  const auto work = [](void* context) noexcept {
    *static_cast<int*>(context) = value;
    value = 8;
    return 0;
  };
  EXPECT_EQ(run(work, shared), 0);
  EXPECT_EQ(*shared, 7);
  EXPECT_EQ(value, 7);
  release(shared, page_bytes());
}

TEST(Snapshot, IsKilledWhenItsTimeIsOver) {
  EXPECT_EQ(run(hang, nullptr, 20), ETIMEDOUT);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Snapshot, MayCrash) {
  const auto crash = [](void*) noexcept {
    ::raise(SIGKILL);
    return 0;
  };
  EXPECT_EQ(run(crash, nullptr), EIO);
}

int signals_seen;

TEST(Snapshot, TheProgramLearnsNothingOfIt) {
  const auto before = ::signal(SIGCHLD, [](int) { ++signals_seen; });
  Snapshot snapshot;
  {
    const SignalGuard signals;
    ASSERT_EQ(snapshot.take(hang, nullptr), 0);
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(snapshot.wait(1), ETIMEDOUT);
  EXPECT_EQ(signals_seen, 0);
  ::signal(SIGCHLD, before);
}

TEST(Snapshot, HasNoFileOpen) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Snapshot snapshot;
  {
    const SignalGuard signals;
    ASSERT_EQ(snapshot.take(hang, nullptr), 0);
  }
  ::close(ends[1]);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0);  // it would wait for ever
  ::close(ends[0]);
  EXPECT_EQ(snapshot.wait(1), ETIMEDOUT);
}

TEST(Snapshot, SignalsWaitForTheEndOfAGuard) {
  signals_seen = 0;
  const auto before = ::signal(SIGUSR1, [](int) { ++signals_seen; });
  {
    const SignalGuard signals;
    ::raise(SIGUSR1);
    EXPECT_EQ(signals_seen, 0);
  }
  EXPECT_EQ(signals_seen, 1);
  ::signal(SIGUSR1, before);
}

}  // namespace
}  // namespace luna::os

// SPDX-License-Identifier: MIT
// With page faults, which the kernel counts without hardware; what needs some may not be there.
#include "os/perf_counter.hpp"

#include "os/memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace luna {
namespace {

constexpr std::size_t kPages = 500;

void take_faults() {
  auto* memory = static_cast<std::byte*>(os::map(kPages * os::page_bytes()));
  ASSERT_NE(memory, nullptr);
  std::memset(memory, 1, kPages * os::page_bytes());
  os::release(memory, kPages * os::page_bytes());
}

struct PageFaultCounter : testing::Test {
  void SetUp() override {
    const int error = counter.open(os::PerfEvent::kPageFaults);
    if (error != 0) GTEST_SKIP() << "perf events are not permitted: " << std::strerror(error);
  }
  void TearDown() override { counter.close(); }

  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t value = 0;
    EXPECT_TRUE(counter.read(value));
    return value;
  }
  os::PerfCounter counter;
};

TEST_F(PageFaultCounter, CountsThisThread) {
  const std::uint64_t before = count();
  take_faults();
  EXPECT_GE(count() - before, kPages);
}

TEST_F(PageFaultCounter, CountsThreadsThatBeginLater) {
  const std::uint64_t before = count();
  std::thread(take_faults).join();
  EXPECT_GE(count() - before, kPages);
}

TEST_F(PageFaultCounter, ReadsNothingFromAFileThatTookItsPlace) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "0123456789abcdefghijklmnopqrstuvwxyz", 36), 36);
  for (int file = 700; file < 710; ++file) ::dup2(ends[0], file);
  std::uint64_t value = 17;

  EXPECT_FALSE(counter.read(value));
  EXPECT_EQ(value, 17U);
  char text[64];
  EXPECT_EQ(::read(ends[0], text, sizeof text), 36);
  for (int file = 700; file < 710; ++file) ::close(file);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(PerfCounter, HasNothingUnlessItIsOpen) {
  os::PerfCounter counter;
  std::uint64_t value = 17;
  EXPECT_FALSE(counter.read(value));
  EXPECT_EQ(value, 17U);
}

TEST(PerfCounters, CountOrSayWhyNot) {
  os::PerfCounters counters;
  EXPECT_FALSE(counters.began());
  counters.begin();
  EXPECT_TRUE(counters.began());
  std::uint64_t value = 0;

  const bool read = counters.read(os::PerfEvent::kCacheReferences, value);
  if (counters.error() != 0) {
    EXPECT_FALSE(read);
  } else if (read) {
    EXPECT_GT(value, 0U);
  }
}

}  // namespace
}  // namespace luna

// SPDX-License-Identifier: MIT
// What is recorded when, of an allocator that is known.
#include "blackbox/black_box.hpp"

#include "blackbox_reader.hpp"
#include "os/clock.hpp"
#include "support/file_tree.hpp"
#include "support/profiled.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace luna {
namespace {

constexpr std::size_t kBytes = BoxFile::kLeastKib << 10;

struct Boxed : test::Profiled {
  Boxed() { EXPECT_EQ(box.begin(path, kBytes, {"host", "program", "version"}), 0); }
  ~Boxed() { box.resume_child(false); }

  void tick() { box.tick(now_ms, allocator, profiler); }
  [[nodiscard]] tool::BlackBox read() const { return tool::read_black_box(path); }

  test::FileTree tree;
  std::string path = tree.root() + "/box";
  std::uint64_t now_ms = os::coarse_milliseconds() + 100'000;
  BlackBox box;
};

// Long enough for whatever a record has cost.
constexpr std::uint64_t kLong = 1'000'000'000;

TEST(BlackBox, RecordsStatisticsAtMostOnceInASecond) {
  Boxed fixture;
  for (int i = 0; i < 10; ++i, fixture.now_ms += 99) fixture.tick();
  EXPECT_EQ(fixture.read().statistics.size(), 1U);
  fixture.now_ms += kLong;
  fixture.tick();
  EXPECT_EQ(fixture.read().statistics.size(), 2U);
}

TEST(BlackBox, StatisticsAreThoseOfTheAllocator) {
  Boxed fixture;
  const std::vector<void*> blocks = fixture.allocate_many(10, 100'000);
  fixture.tick();
  for (void* block : blocks) fixture.thread.deallocate(block);
  fixture.now_ms += kLong;
  fixture.tick();
  const tool::BlackBox found = fixture.read();
  ASSERT_EQ(found.statistics.size(), 2U);
  const luna_blackbox_statistics& full = found.statistics[0].numbers;
  const luna_blackbox_statistics& empty = found.statistics[1].numbers;
  EXPECT_GE(full.live_bytes, 1'000'000U);
  EXPECT_EQ(full.large_bytes, full.live_bytes);
  EXPECT_EQ(full.live_blocks, 10U);
  EXPECT_LT(empty.live_bytes, full.live_bytes);
  EXPECT_EQ(empty.peak_live_bytes, full.live_bytes);
  for (const luna_blackbox_statistics& row : {full, empty}) {
    EXPECT_EQ(row.live_bytes + row.thread_cache_bytes + row.spare_slab_bytes + row.slab_free_bytes +
                  row.slab_uncut_bytes + row.kept_bytes + row.dirty_bytes + row.retained_bytes,
              row.committed_bytes);
    EXPECT_LE(row.resident_bytes, row.peak_resident_bytes);
    EXPECT_NE(row.resident_bytes, 0U);
    EXPECT_EQ(row.attached_threads, 1U);
    EXPECT_NE(row.cost_ns, 0U);
  }
}

TEST(BlackBox, SitesAreRecordedMoreSeldom) {
  Boxed fixture;
  const std::vector<void*> blocks = fixture.allocate_many(3, 5000);
  for (int i = 0; i < 3; ++i, fixture.now_ms += 3000) fixture.tick();
  fixture.now_ms += kLong;
  fixture.tick();
  const tool::BlackBox found = fixture.read();
  ASSERT_EQ(found.sites.size(), 2U);
  EXPECT_EQ(found.sites[0].head.all_live_bytes, 15'000U);
  ASSERT_FALSE(found.sites[0].sites.empty());
  ASSERT_FALSE(found.sites[0].modules.empty());
  const std::uint64_t frame = found.sites[0].sites[0].frames.at(0);
  ASSERT_NE(found.sites[0].module_of(frame), nullptr);
  for (void* block : blocks) fixture.thread.deallocate(block);
}

TEST(BlackBox, TellsOfEvents) {
  Boxed fixture;
  fixture.box.note({.kind = LUNA_BLACKBOX_PRESSURE,
                    .level = LUNA_BLACKBOX_MODERATE,
                    .source = "memory.pressure, and what more it says",
                    .used_bytes = 70,
                    .limit_bytes = 100,
                    .text = std::string(1000, 't')});
  fixture.box.note({});
  const tool::BlackBox found = fixture.read();
  ASSERT_EQ(found.events.size(), 2U);
  const tool::Event& event = found.events[0];
  EXPECT_EQ(event.head.kind, static_cast<std::uint32_t>(LUNA_BLACKBOX_PRESSURE));
  EXPECT_EQ(event.head.level, static_cast<std::uint32_t>(LUNA_BLACKBOX_MODERATE));
  EXPECT_EQ(event.head.used_bytes, 70U);
  EXPECT_EQ(event.head.limit_bytes, 100U);
  EXPECT_EQ(event.source, "memory.pressure, and what m");
  EXPECT_EQ(event.text, std::string(BlackBox::kMostText, 't'));
  EXPECT_EQ(found.events[1].text, "");
  EXPECT_EQ(found.events[1].head.used_bytes, LUNA_BLACKBOX_UNKNOWN);
}

TEST(BlackBox, RefusalsAreCountedAndNotedNotTooOften) {
  Boxed fixture;
  for (int i = 0; i < 1000; ++i) fixture.box.note_refused();
  fixture.tick();
  const tool::BlackBox found = fixture.read();
  EXPECT_EQ(found.statistics.at(0).numbers.refused_allocations, 1000U);
  EXPECT_GE(found.events.size(), 1U);
  EXPECT_LT(found.events.size(), 1000U);
}

TEST(BlackBox, TheEndIsTold) {
  Boxed fixture;
  EXPECT_FALSE(fixture.read().has_exit());
  fixture.box.end(fixture.allocator, fixture.profiler);
  EXPECT_TRUE(fixture.read().has_exit());
  EXPECT_EQ(fixture.read().statistics.size(), 1U);
}

TEST(BlackBox, ThreadsMayTickAndNoteAtOnce) {
  Boxed fixture;
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 3; ++i)
    threads.emplace_back([&fixture, i] {
      for (std::uint64_t round = 1; round <= 10; ++round) {
        const std::uint64_t now_ms = fixture.now_ms + (round * 3 + i) * kLong;
        fixture.box.tick(now_ms, fixture.allocator, fixture.profiler);
        fixture.box.note({.text = "a note"});
      }
    });
  for (std::thread& thread : threads) thread.join();
  const tool::BlackBox found = fixture.read();
  EXPECT_EQ(found.torn, 0U);
  EXPECT_EQ(found.events.size(), 30U);
  EXPECT_GE(found.statistics.size(), 1U);
  for (std::size_t i = 1; i < found.statistics.size(); ++i)
    EXPECT_GE(found.statistics[i].moment.monotonic_ns, found.statistics[i - 1].moment.monotonic_ns);
}

// Also where no handler of a fork was called.
TEST(BlackBox, ACopyOfTheProcessWritesNothing) {
  Boxed fixture;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    fixture.tick();
    fixture.box.note({.text = "from the child"});
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const tool::BlackBox found = fixture.read();
  EXPECT_TRUE(found.events.empty() && found.statistics.empty());
}

TEST(BlackBox, AChildBeginsItsOwnAfterAWhileOrNever) {
  Boxed fixture;
  const std::uint64_t before_ms = os::coarse_milliseconds();
  fixture.box.resume_child(true);
  EXPECT_TRUE(fixture.box.on());
  EXPECT_FALSE(fixture.box.is_due(before_ms));
  EXPECT_TRUE(fixture.box.is_due(os::coarse_milliseconds() + 2000));
  fixture.box.note({.text = "nowhere"});
  EXPECT_TRUE(fixture.box.take_wish());
  EXPECT_FALSE(fixture.box.take_wish());
  ASSERT_EQ(fixture.box.begin(fixture.path + ".child", kBytes, {}), 0);
  fixture.tick();
  EXPECT_EQ(tool::read_black_box(fixture.path + ".child").statistics.size(), 1U);
  EXPECT_TRUE(fixture.read().events.empty());
  fixture.box.resume_child(false);
  EXPECT_FALSE(fixture.box.on());
  EXPECT_FALSE(fixture.box.take_wish());
}

TEST(BlackBox, AFileThatIsCutShortEndsTheRecord) {
  Boxed fixture;
  ASSERT_EQ(::truncate(fixture.path.c_str(), 0), 0);
  testing::internal::CaptureStderr();
  fixture.tick();
  fixture.box.note({.text = "nowhere"});
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("was cut short"), std::string::npos);
  EXPECT_EQ(said.find('\n'), said.size() - 1);
  EXPECT_FALSE(fixture.box.on());
}

TEST(BlackBox, ANameThatCannotBeIsAnError) {
  BlackBox box;
  EXPECT_EQ(box.begin("/nowhere/box", kBytes, {}), ENOENT);
  EXPECT_FALSE(box.on());
  box.note({.text = "nowhere"});
}

}  // namespace
}  // namespace luna

// SPDX-License-Identifier: MIT
// The map as text, held against the statistics of the same heap. What it looks like to a reader of
// JSON is tested in tests/preload/map.
#include "control/page_map.hpp"

#include "control/statistics_snapshot.hpp"
#include "os/memory.hpp"
#include "os/pagemap.hpp"
#include "support/huge_memory.hpp"
#include "support/profiled.hpp"
#include "support/written.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

namespace luna {
namespace {

struct Mapped : test::OneThread {
  [[nodiscard]] std::string map() {
    auto page_map = std::make_unique<PageMap>(allocator, profiler);
    return test::written([&](Output& out) { page_map->write(out); });
  }
  [[nodiscard]] luna_stats_detail statistics() {
    auto snapshot = std::make_unique<StatisticsSnapshot>();
    EXPECT_TRUE(snapshot->take(allocator, profiler, LUNA_STATS_RESIDENT));
    return snapshot->detail();
  }

  Profiler profiler{allocator};
};

[[nodiscard]] std::string total(const char* use, std::uint64_t bytes, std::uint64_t resident) {
  return std::string("\"") + use + "\":{\"pages\":" + std::to_string(bytes / kPageBytes) +
         ",\"resident_pages\":" + std::to_string(resident / kPageBytes) + "}";
}

TEST(PageMap, HasNoRegionsOfAHeapThatWasNeverUsed) {
  Mapped fixture;
  const std::string text = fixture.map();
  EXPECT_EQ(text.find(R"({"format":"lunalloc map","version":1,"page_bytes":4096,"region_bytes":)"),
            0U);
  EXPECT_NE(text.find("\"regions\":[],"), std::string::npos);
  EXPECT_NE(text.find(R"("bytes":0,"resident_bytes":0,)"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\"complete\":true}\n"));
}

TEST(PageMap, AgreesWithTheStatistics) {
  Mapped fixture;
  for (std::size_t bytes = 16; bytes < 5'000'000; bytes += bytes / 5 + 1) {
    void* kept = fixture.thread.allocate(bytes);
    void* freed = fixture.thread.allocate(bytes);
    std::memset(kept, 1, bytes / 2);
    std::memset(freed, 1, bytes / 3);
    fixture.thread.deallocate(freed);
  }
  PageHeap& pages = fixture.allocator.pages();
  void* dirty = pages.take(50, 1, false);
  pages.set_aside(pages.take(100, 1, false), 100);
  pages.put(dirty);
  const luna_stats_detail detail = fixture.statistics();
  const std::string text = fixture.map();

  const auto holds = [&](const std::string& part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(holds(total("slab", detail.slab_bytes, detail.resident_slab_bytes))) << text;
  EXPECT_TRUE(holds(total("spare", detail.spare_slab_bytes, detail.resident_spare_bytes)));
  EXPECT_TRUE(holds(total("kept", detail.kept_bytes, detail.resident_kept_bytes)));
  EXPECT_TRUE(holds(total("dirty", detail.dirty_bytes, detail.resident_dirty_bytes)));
  EXPECT_TRUE(holds(total("retained", detail.retained_bytes, detail.resident_retained_bytes)));
  EXPECT_TRUE(holds(",\"bytes\":" + std::to_string(detail.committed_bytes) + ","));
  EXPECT_GT(detail.kept_bytes, 0U);
  EXPECT_GT(detail.dirty_bytes, 0U);
}

TEST(PageMap, TellsWhichRegionsHugePagesBack) {
  Mapped fixture;
  void* block = fixture.thread.allocate(4 * kRegionBytes);
  std::memset(block, 1, 4 * kRegionBytes);
  auto* const second = static_cast<std::byte*>(block) + kRegionBytes;
  const bool gathered = os::collapse_to_huge_page(second, kRegionBytes);  // since Linux 6.1
  ASSERT_EQ(gathered, test::kernel_collapses());
  std::size_t huge = 0;
  os::HugePageScan scan;
  const bool told = scan.count(address_of(block), 4 * kRegionBytes, huge);

  const std::string text = fixture.map();
  EXPECT_EQ(huge, told && gathered ? kRegionBytes : 0);
  const std::string bytes = told ? std::to_string(huge) : "null";
  EXPECT_NE(text.find(R"("huge":"plain","huge_bytes":)" + bytes + R"(,"resident_bytes":8388608)"),
            std::string::npos)
      << text;
}

TEST(PageMap, EndsWhereNothingMoreIsTaken) {
  Mapped fixture;
  static_cast<void>(fixture.allocate_many(1000, 10'000));
  std::size_t calls = 0;
  Output out([](void* context,
                std::string_view) noexcept { return ++*static_cast<std::size_t*>(context) < 20; },
             &calls);
  std::make_unique<PageMap>(fixture.allocator, fixture.profiler)->write(out);
  EXPECT_EQ(calls, 20U);
}

}  // namespace
}  // namespace luna

// SPDX-License-Identifier: MIT
#include "control/statistics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace luna {
namespace {

[[nodiscard]] HeapUsage example() {
  HeapUsage usage;
  usage.pages.reserved = std::size_t{64} << 20;
  usage.pages.committed = std::size_t{8} << 20;
  usage.pages.dirty = 12 * 1024;
  usage.pages.large_blocks = 3;
  usage.pages.large_bytes = 2048 * 1024;
  usage.small_blocks = 17;
  usage.small_bytes = 1024 * 1024;
  usage.slab_free_bytes = 5 * 1024;
  usage.thread_heaps = 2;
  return usage;
}

template <typename Write>
[[nodiscard]] std::string written(Write write, std::size_t capacity = 4096) {
  std::string buffer(capacity, '?');
  Text text(buffer.data(), buffer.size());
  write(example(), text);
  return std::string(text.view());
}

TEST(Summary, HasARowForEachNumber) {
  const std::string text = written(write_summary);

  EXPECT_NE(text.find("  live        3.0 MiB in use by the program\n"), std::string::npos);
  EXPECT_NE(text.find("    small     1.0 MiB"), std::string::npos);
  EXPECT_NE(text.find("    large     2.0 MiB"), std::string::npos);
  EXPECT_NE(text.find("  slab free   5.0 KiB"), std::string::npos);
  EXPECT_NE(text.find("  dirty       12.0 KiB"), std::string::npos);
  EXPECT_NE(text.find("  committed   8.0 MiB"), std::string::npos);
  EXPECT_NE(text.find("  reserved    64.0 MiB"), std::string::npos);
  EXPECT_NE(text.find("17 small, 3 large\n"), std::string::npos);
  EXPECT_NE(text.find("2 of threads\n"), std::string::npos);
}

TEST(Summary, FitsTheBufferItIsPrintedFrom) {
  const auto write_all = [](const HeapUsage& usage, Text& text) {
    write_summary(usage, text);
    write_profiler_summary({SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX}, text);
  };
  EXPECT_EQ(written(write_all, 1280), written(write_all));
}

TEST(Summary, HasWhatTheProfilerTakes) {
  const auto write = [](const HeapUsage&, Text& text) {
    write_profiler_summary({1024 * 1024, std::size_t{16} << 20, 12, 3, 7}, text);
  };
  EXPECT_EQ(written(write),
            "  profiler    1.0 MiB of tables, of 16.0 MiB reserved\n"
            "  samples     12 live of 3 sites, 7 dropped\n");
}

TEST(Summary, SaysNothingOfAProfilerThatNeverBegan) {
  const auto write = [](const HeapUsage&, Text& text) { write_profiler_summary({}, text); };
  EXPECT_EQ(written(write), "");
}

TEST(MallocInfo, IsBalancedXml) {
  const std::string text = written(write_malloc_info);

  EXPECT_TRUE(text.starts_with("<malloc version=\"1\">\n"));
  EXPECT_TRUE(text.ends_with("</malloc>\n"));
  EXPECT_NE(text.find("<heap nr=\"0\">"), std::string::npos);
  EXPECT_NE(text.find("</heap>"), std::string::npos);
}

TEST(MallocInfo, NamesWhatIsFreeAndWhatIsLarge) {
  const std::string text = written(write_malloc_info);

  EXPECT_NE(text.find("<total type=\"rest\" count=\"0\" size=\"17408\"/>"), std::string::npos);
  EXPECT_NE(text.find("<total type=\"mmap\" count=\"3\" size=\"2097152\"/>"), std::string::npos);
  EXPECT_NE(text.find("<system type=\"current\" size=\"8388608\"/>"), std::string::npos);
}

}  // namespace
}  // namespace luna

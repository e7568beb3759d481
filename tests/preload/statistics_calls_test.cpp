// SPDX-License-Identifier: MIT
// The calls that report and tune: mallinfo, mallinfo2, malloc_stats, malloc_info (well-formed
// XML), mallopt and malloc_trim behave as programs expect, also while other threads allocate.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kLive = 64 * blocks::kMiB;

// Enough of XML for a report: elements, attributes, text; no comments, no entities.
bool well_formed(std::string_view text) {
  std::vector<std::string> open;
  std::size_t elements = 0;
  while (!text.empty()) {
    const std::size_t start = text.find('<');
    if (start == std::string_view::npos) break;
    const std::size_t end = text.find('>', start);
    if (end == std::string_view::npos || (open.empty() && elements > 0)) return false;
    const std::string_view tag = text.substr(start + 1, end - start - 1);
    text.remove_prefix(end + 1);
    if (tag.empty() || tag.find('<') != std::string_view::npos) return false;
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return false;
    if (tag.front() == '?') continue;
    if (tag.front() == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
      continue;
    }
    ++elements;
    if (tag.back() != '/') open.emplace_back(tag.substr(0, tag.find_first_of(" \n\t")));
  }
  return open.empty() && elements > 0;
}

void malloc_info_is_xml() {
  char* text = nullptr;
  std::size_t size = 0;
  FILE* const stream = open_memstream(&text, &size);
  EXPECT(stream != nullptr);
  EXPECT(malloc_info(0, stream) == 0);
  EXPECT(fclose(stream) == 0);
  EXPECT(std::string_view(text, size).starts_with("<malloc version=\""));
  EXPECT(well_formed({text, size}));
  EXPECT(malloc_info(1, stdout) == EINVAL);
  free(text);
}

void mallinfo_counts() {
  const struct mallinfo2 before = mallinfo2();
  std::vector<void*> small(kLive / 1000);
  for (void*& block : small) block = malloc(1000);
  void* const large = malloc(kLive);
  const struct mallinfo2 full = mallinfo2();
  EXPECT(full.uordblks + full.hblkhd >= before.uordblks + before.hblkhd + 2 * kLive / 10 * 9);
  free(large);
  for (void* block : small) free(block);
  const struct mallinfo2 after = mallinfo2();
  EXPECT(after.uordblks + after.hblkhd < full.uordblks + full.hblkhd - kLive);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const struct mallinfo old = mallinfo();
#pragma GCC diagnostic pop
  EXPECT(old.uordblks >= 0);
}

void tuning_is_accepted() {
  EXPECT(mallopt(M_MMAP_THRESHOLD, 128 * 1024) == 1);
  EXPECT(mallopt(M_TRIM_THRESHOLD, 128 * 1024) == 1);
  EXPECT(mallopt(M_ARENA_MAX, 2) == 1);
  EXPECT(mallopt(M_MXFAST, 64) == 1);
  for (const std::size_t keep : {std::size_t{0}, blocks::kMiB, kLive}) {
    const int result = malloc_trim(keep);
    EXPECT(result == 0 || result == 1);
  }
}

}  // namespace

int main() {
  expect::on_lunalloc();
  std::atomic<bool> stop{false};
  malloc_info_is_xml();
  mallinfo_counts();
  tuning_is_accepted();
  malloc_stats();

  std::thread other([&stop] {
    blocks::Random random(1);
    while (!stop) free(malloc(random.size()));
  });
  for (int i = 0; i < 200; ++i) {
    malloc_info_is_xml();
    EXPECT(mallinfo2().arena + 1 > 0);
    malloc_trim(0);
  }
  stop = true;
  other.join();
  return 0;
}

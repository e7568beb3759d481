// SPDX-License-Identifier: MIT
// Keeps, drops, and holds for a while what functions with known names allocate, and writes
// profiles of each kind.
//
// Usage: kinds_guest FOLDER
#include "expect.hpp"
#include "profile_api.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

namespace {

using Blocks = std::vector<void*>;

void release(Blocks& blocks, std::size_t count) {
  for (; count > 0; --count) {
    free(blocks.back());
    blocks.pop_back();
  }
}

void dump_all(const Api& api, const std::string& folder) {
  static const char* const kinds[] = {"heap", "peak", "growth", "lifetimes", "temporary"};
  static const char* const endings[] = {".pb.gz",           ".folded", ".heap",
                                        ".gperftools.heap", ".json",   ".txt"};
  for (std::size_t kind = 0; kind < std::size(kinds); ++kind) {
    for (std::size_t format = 0; format < std::size(endings); ++format) {
      const std::string path = folder + "/" + kinds[kind] + endings[format];
      const bool is_text_of_others =
          format == LUNA_PROFILE_HEAP_V2 || format == LUNA_PROFILE_GPERFTOOLS;
      const int expected = is_text_of_others && kind > LUNA_PROFILE_PEAK ? EINVAL : 0;
      EXPECT_FOR(kind * 10 + format,
                 api.dump(path.c_str(), static_cast<luna_profile_kind>(kind),
                          static_cast<luna_profile_format>(format)) == expected);
    }
  }
}

}  // namespace

// Of external linkage, so that their names are found.
[[gnu::noinline]] void keep_long(Blocks& blocks, int count) {
  for (int i = 0; i < count; ++i) blocks.push_back(expect::opaque(malloc(1000)));
}

[[gnu::noinline]] void keep_more(Blocks& blocks, int count) {
  for (int i = 0; i < count; ++i) blocks.push_back(expect::opaque(malloc(500)));
}

[[gnu::noinline]] void make_temporary(int count) {
  for (int i = 0; i < count; ++i) free(expect::opaque(malloc(200)));
}

[[gnu::noinline]] void hold_briefly(Blocks& blocks, int count) {
  for (int i = 0; i < count; ++i) blocks.push_back(expect::opaque(malloc(10'000)));
}

int main(int count, char** arguments) {
  EXPECT(count == 2);
  expect::on_lunalloc();
  const Api api;
  Blocks kept;
  Blocks held;
  Blocks more;
  for (Blocks* blocks : {&kept, &held, &more}) blocks->reserve(1000);

  EXPECT(api.interval() != 0 || api.mark() == ENOENT);
  EXPECT(api.start(1) == 0);
  keep_long(kept, 100);
  make_temporary(300);
  hold_briefly(held, 50);  // the peak
  usleep(20'000);
  release(held, 50);
  EXPECT(api.mark() == 0);
  release(kept, 40);
  keep_more(more, 30);
  api.stop();

  dump_all(api, arguments[1]);
  EXPECT(api.dump(nullptr, static_cast<luna_profile_kind>(5), LUNA_PROFILE_TEXT) == EINVAL);
  std::puts("done");
  return 0;
}

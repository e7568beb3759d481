// SPDX-License-Identifier: MIT
// Allocates from functions with known names, and writes profiles of it when told to.
//
// Usage: profile_guest PART FOLDER [INTERVAL]
#include "expect.hpp"
#include "profile_api.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string folder;

void dump_all(const Api& api, const std::string& name) {
  static const char* const endings[] = {".pb.gz",           ".folded", ".heap",
                                        ".gperftools.heap", ".json",   ".txt"};
  for (std::size_t i = 0; i < std::size(endings); ++i) {
    const std::string path = folder + "/" + name + endings[i];
    EXPECT_FOR(i,
               api.dump(path.c_str(), LUNA_PROFILE_HEAP, static_cast<luna_profile_format>(i)) == 0);
    struct stat found {};
    EXPECT_FOR(i, stat(path.c_str(), &found) == 0);
    EXPECT_FOR(i, (found.st_mode & 0777) == 0600 && found.st_size > 0);
  }
}

using Blocks = std::vector<void*>;

}  // namespace

// Of external linkage, so that their names are found.
[[gnu::noinline]] void keep_some(Blocks& blocks, int count, std::size_t bytes) {
  for (int i = 0; i < count; ++i) blocks.push_back(expect::opaque(malloc(bytes)));
}

[[gnu::noinline]] void drop_some(int count, std::size_t bytes) {
  for (int i = 0; i < count; ++i) free(expect::opaque(malloc(bytes)));
}

[[gnu::noinline]] void grow_one(Blocks& blocks, std::size_t from, std::size_t to) {
  blocks.push_back(expect::opaque(realloc(malloc(from), to)));
}

[[gnu::noinline]] void keep_deep(Blocks& blocks, int depth) {
  if (depth == 0) {
    keep_some(blocks, 10, 500);
  } else {
    keep_deep(blocks, depth - 1);
  }
  static_cast<void>(expect::opaque(blocks.data()));  // no tail call
}

namespace {

void exact(const Api& api) {
  Blocks blocks;
  blocks.reserve(4096);
  EXPECT(api.start(1) == 0);
  EXPECT(api.interval() == 1);
  keep_some(blocks, 100, 1000);
  drop_some(300, 200);
  grow_one(blocks, 100, 5'000'000);
  keep_deep(blocks, 40);
  std::thread([&] { keep_some(blocks, 7, 70'000); }).join();
  api.stop();
  EXPECT(api.interval() == 0);
  drop_some(300, 200);  // nobody looks any more
  dump_all(api, "exact");
  for (void* block : blocks) free(block);
  dump_all(api, "freed");
}

void sampled(const Api& api) {
  Blocks blocks;
  blocks.reserve(200'000);
  EXPECT(api.start(64 * 1024) == 0);
  keep_some(blocks, 100'000, 300);
  drop_some(1'000'000, 64);
  dump_all(api, "sampled");
}

void forked(const Api& api) {
  Blocks blocks;
  blocks.reserve(4096);
  EXPECT(api.start(1) == 0);
  keep_some(blocks, 50, 1000);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    keep_some(blocks, 25, 1000);
    dump_all(api, "child");
    _exit(0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  dump_all(api, "parent");
}

void refused(const Api& api) {
  const std::string none = folder + "/none";
  EXPECT(api.dump(none.c_str(), LUNA_PROFILE_HEAP, LUNA_PROFILE_TEXT) == ENOENT);
  EXPECT(api.start((std::uint64_t{1} << 30) + 1) == EINVAL);
  EXPECT(api.start(0) == 0);
  EXPECT(api.interval() == 524288);
  EXPECT(api.dump(none.c_str(), LUNA_PROFILE_HEAP, static_cast<luna_profile_format>(6)) == EINVAL);
  EXPECT(api.dump((none + "/none").c_str(), LUNA_PROFILE_HEAP, LUNA_PROFILE_TEXT) == ENOENT);
  EXPECT(access(none.c_str(), F_OK) != 0);
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 3);
  expect::on_lunalloc();
  folder = arguments[2];
  const Api api;
  const std::string part = arguments[1];
  if (part == "exact")
    exact(api);
  else if (part == "sampled")
    sampled(api);
  else if (part == "forked")
    forked(api);
  else if (part == "refused")
    refused(api);
  else
    EXPECT(part == "nothing");
  std::puts("done");
  return 0;
}

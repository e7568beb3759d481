// SPDX-License-Identifier: MIT
// Allocates under labels that the test knows, in threads that come and go, and writes profiles.
//
// Usage: labels_guest FOLDER PART
#include "expect.hpp"
#include "profile_api.hpp"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

// Of external linkage, so that its name is found.
[[gnu::noinline]] void keep(std::size_t bytes, int count) {
  for (int i = 0; i < count; ++i) static_cast<void>(expect::opaque(malloc(bytes)));
}

namespace {

auto* const label = find<decltype(luna_profile_label)>("luna_profile_label");

void dump_all(const Api& api, const std::string& folder) {
  static const char* const endings[] = {"pb.gz",           "folded", "heap",
                                        "gperftools.heap", "json",   "txt"};
  for (int format = 0; format <= LUNA_PROFILE_TEXT; ++format) {
    const std::string path = folder + "/labels." + endings[format];
    EXPECT_FOR(format, api.dump(path.c_str(), LUNA_PROFILE_HEAP,
                                static_cast<luna_profile_format>(format)) == 0);
  }
}

void refuse() {
  const std::string key(31, 'k');
  const std::string value(63, 'v');
  EXPECT(label(nullptr, "v") == EINVAL);
  EXPECT(label("", "v") == EINVAL);
  EXPECT(label("a b", "v") == EINVAL);
  EXPECT(label((key + "k").c_str(), "v") == E2BIG);
  EXPECT(label("k", (value + "v").c_str()) == E2BIG);
  EXPECT(label(key.c_str(), value.c_str()) == 0);
  for (char name[] = "a"; *name < 'a' + 7; ++*name) EXPECT(label(name, "") == 0);
  EXPECT(label("ninth", "v") == ENOSPC);
  EXPECT(label("a", "other") == 0);
  EXPECT(label("nothing", nullptr) == 0);
  EXPECT(label("a", nullptr) == 0);
  EXPECT(label("ninth", "v") == 0);
  EXPECT(label(nullptr, nullptr) == 0);
}

// In the child of a fork, and in a thread of a thread with labels.
void inherit(const Api& api, const std::string& folder) {
  const pid_t child = fork();
  if (child == 0) {
    keep(300, 7);
    EXPECT(label("tenant", "child") == 0);
    keep(300, 8);
    dump_all(api, folder + "/child");
    _exit(0);
  }
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  std::thread([] { keep(200, 4); }).join();
}

void use_labels(const Api& api, const std::string& folder) {
  keep(100, 10);
  EXPECT(label("tenant", "blue") == 0);
  keep(100, 20);
  EXPECT(label("request", "odd; \n\"\xFF") == 0);
  keep(100, 30);
  inherit(api, folder);
  EXPECT(label("tenant", "red") == 0);
  EXPECT(label("request", nullptr) == 0);
  keep(100, 40);
  EXPECT(label("tenant", nullptr) == 0);
  keep(100, 50);
  std::thread([] {
    EXPECT(label("tenant", "thread") == 0);
    keep(200, 5);
  }).join();
  std::thread([] { keep(200, 6); }).join();
}

// More sets than there is room for.
void overflow() {
  int sets = 0;
  while (label("number", std::to_string(sets).c_str()) == 0) ++sets;
  EXPECT(sets > 100);
  keep(100, 3);
  EXPECT(label("number", "0") == 0);
  keep(100, 2);
  EXPECT(label("number", "new") == ENOMEM);
  keep(100, 1);
  EXPECT(label(nullptr, nullptr) == 0);
  keep(100, 5);
}

void name_threads() {
  std::thread([] {
    EXPECT(pthread_setname_np(pthread_self(), "worker 7") == 0);
    keep(100, 5);
    EXPECT(label("tenant", "blue") == 0);
    keep(100, 6);
    EXPECT(label("thread", "mine") == 0);
    keep(100, 7);
  }).join();
}

}  // namespace

int main(int, char** arguments) {
  expect::on_lunalloc();
  const Api api;
  const std::string part = arguments[2];
  EXPECT(label("tenant", "early") == 0);  // before the first start
  EXPECT(api.start(1) == 0);
  keep(400, 1);
  EXPECT(label("tenant", nullptr) == 0);
  if (part == "labels") use_labels(api, arguments[1]);
  if (part == "refused") refuse();
  if (part == "overflow") overflow();
  if (part == "threads") name_threads();
  api.stop();
  dump_all(api, arguments[1]);
  std::puts("done");
  return 0;
}

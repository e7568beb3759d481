// SPDX-License-Identifier: MIT
// process_start: what does an allocator add to a program that hardly allocates?
//
// Started 1000 times by the launcher. With --origin it prints which file its
// malloc comes from, by which compare.py knows that a preload took effect.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

int print_origin() {
  Dl_info info;
  void* address = dlsym(RTLD_DEFAULT, "malloc");
  if (address == nullptr || dladdr(address, &info) == 0) return 1;
  std::puts(info.dli_fname);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--origin") == 0) return print_origin();

  std::vector<std::string> words;
  for (int i = 0; i < 20; ++i) words.push_back("a word that is too long to stay inside the string");
  std::printf("{\"scenario\": \"process_start\", \"checksum\": %zu}\n", words.size());
  return 0;
}

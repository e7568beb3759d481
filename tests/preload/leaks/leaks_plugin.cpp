// SPDX-License-Identifier: MIT
// A library that leaks and is closed before anybody looks.
#include <cstddef>
#include <cstdlib>
#include <cstring>

extern "C" void plugin_work(std::size_t request) {
  void* block = std::malloc(request % 4 == 0 ? 120 : 40);
  std::memset(block, 1, 40);
  if (request % 4 != 0) std::free(block);
}

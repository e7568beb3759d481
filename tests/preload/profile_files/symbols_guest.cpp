// SPDX-License-Identifier: MIT
// Allocates by way of inlined functions. The test finds the lines by the words behind `line:`.
//
// Usage: symbols_guest [REPORT | wait]; with a report it allocates twice as much, and writes one
// of leaks there. To wait it says x, and ends when stdin does.
#include "expect.hpp"
#include "find_function.hpp"

#include <lunalloc/profile.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace guest {

void* volatile kept[100];

template <typename Item>
class Store {
 public:
  [[gnu::always_inline]] void add(std::size_t count) {
    reserve(count);  // line: add
  }

 private:
  [[gnu::always_inline]] void reserve(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      kept[used_++] = std::malloc(sizeof(Item));  // line: reserve
  }

  std::size_t used_ = 0;
};

struct Kilobyte {
  char bytes[1024];
};

namespace {

// Without a name that other files could link.
[[gnu::noinline]] void fill(Store<Kilobyte>& store, std::size_t count) {
  store.add(count);  // line: fill
  kept[99] = nullptr;
}

}  // namespace

[[gnu::noinline]] void fill_often(Store<Kilobyte>& store, std::size_t count) {
  fill(store, count);      // line: fill_often
  fill(store, count / 2);  // line: fill_often again
  kept[98] = nullptr;
}

}  // namespace guest

int main(int count, char** arguments) {
  const bool waits = count > 1 && std::string_view(arguments[1]) == "wait";
  guest::Store<guest::Kilobyte> store;
  guest::fill_often(store, count > 1 && !waits ? 40 : 20);  // line: main
  guest::kept[97] = nullptr;
  if (count == 1) return 0;
  if (waits) {
    char byte = 'x';
    return write(STDOUT_FILENO, &byte, 1) == 1 && read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 1;
  }
  const auto dump = find<decltype(luna_leaks_dump)>("luna_leaks_dump");
  return dump(arguments[1], LUNA_PROFILE_JSON);
}

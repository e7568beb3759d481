// SPDX-License-Identifier: MIT
// When memory is refused, operator new calls the new_handler until it succeeds, gives up or
// throws; without a handler it throws bad_alloc, and the nothrow forms return null.
#include "blocks.hpp"
#include "expect.hpp"

#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <new>
#include <vector>

namespace {

const std::size_t kAbsurd = expect::opaque(static_cast<std::size_t>(PTRDIFF_MAX) - 100);
constexpr std::align_val_t kAlignment{512};

int handler_calls = 0;
void* reserve = nullptr;

struct Stopped {};

void stops_after_three() {
  if (++handler_calls == 3) throw Stopped();
}

void gives_up_after_three() {
  if (++handler_calls == 3) std::set_new_handler(nullptr);
}

void frees_the_reserve() {
  ++handler_calls;
  EXPECT(reserve != nullptr);
  free(reserve);
  reserve = nullptr;
}

template <typename Exception, typename Call>
bool throws(Call call) {
  try {
    call();
  } catch (const Exception&) {
    return true;
  }
  return false;
}

void without_a_handler() {
  std::set_new_handler(nullptr);
  EXPECT(throws<std::bad_alloc>([] { free(::operator new(kAbsurd)); }));
  EXPECT(throws<std::bad_alloc>([] { free(::operator new[](kAbsurd)); }));
  EXPECT(throws<std::bad_alloc>([] { free(::operator new(kAbsurd, kAlignment)); }));
  EXPECT(throws<std::bad_alloc>([] { free(::operator new[](kAbsurd, kAlignment)); }));
  EXPECT(throws<std::bad_alloc>([] { std::vector<char>(kAbsurd / 2).clear(); }));
  EXPECT(throws<std::bad_array_new_length>([] { delete[] new long[kAbsurd]; }));
  EXPECT(::operator new(kAbsurd, std::nothrow) == nullptr);
  EXPECT(::operator new[](kAbsurd, std::nothrow) == nullptr);
  EXPECT(::operator new(kAbsurd, kAlignment, std::nothrow) == nullptr);
  EXPECT(::operator new[](kAbsurd, kAlignment, std::nothrow) == nullptr);
}

void handler_that_throws() {
  handler_calls = 0;
  std::set_new_handler(stops_after_three);
  EXPECT(throws<Stopped>([] { free(::operator new(kAbsurd)); }));
  EXPECT(handler_calls == 3);
}

void handler_that_gives_up() {
  for (int way = 0; way < 4; ++way) {
    handler_calls = 0;
    std::set_new_handler(gives_up_after_three);
    switch (way) {
      case 0:
        EXPECT(throws<std::bad_alloc>([] { free(::operator new(kAbsurd)); }));
        break;
      case 1:
        EXPECT(throws<std::bad_alloc>([] { free(::operator new[](kAbsurd, kAlignment)); }));
        break;
      case 2:
        EXPECT(::operator new(kAbsurd, std::nothrow) == nullptr);
        break;
      default:
        EXPECT(::operator new(kAbsurd, kAlignment, std::nothrow) == nullptr);
        break;
    }
    EXPECT_FOR(way, handler_calls == 3);
  }
}

// The reserve is all but the last memory that the limit allows.
void handler_that_helps() {
  const rlimit limit = {512 * blocks::kMiB, RLIM_INFINITY};
  EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
  reserve = malloc(200 * blocks::kMiB);
  EXPECT(reserve != nullptr);
  handler_calls = 0;
  std::set_new_handler(frees_the_reserve);

  std::vector<void*> given;
  given.reserve(1024);
  while (reserve != nullptr) given.push_back(::operator new(8 * blocks::kMiB));
  EXPECT(handler_calls == 1);
  for (void* block : given) ::operator delete(block);

  std::set_new_handler(nullptr);
  EXPECT(throws<std::bad_alloc>([] { free(::operator new(600 * blocks::kMiB)); }));
  ::operator delete(::operator new(100 * blocks::kMiB));
}

}  // namespace

int main() {
  expect::on_lunalloc();
  without_a_handler();
  handler_that_throws();
  handler_that_gives_up();
  handler_that_helps();
  return 0;
}

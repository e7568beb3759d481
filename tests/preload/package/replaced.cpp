// SPDX-License-Identifier: MIT
// A C++ program linked with the library: every operator new comes from lunalloc.
#include <lunalloc/lunalloc.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace {

#define EXPECT(condition) ((condition) ? static_cast<void>(0) : fail(__LINE__, #condition))

[[noreturn]] void fail(int line, const char* text) {
  std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, line, text);
  std::_Exit(1);
}

template <typename Value>
Value opaque(Value value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

struct alignas(512) Wide {
  char bytes[512];
};

bool handled = false;

void expect_ours() {
  char* const block = opaque(new char[100]);
  EXPECT(luna_malloc_usable_size(block) % 16 == 0);
  EXPECT(malloc_usable_size(block) % 16 == 0);
  delete[] block;
  auto wide = std::make_unique<Wide>();
  EXPECT(reinterpret_cast<std::uintptr_t>(wide.get()) % 512 == 0);
  EXPECT(luna_malloc_usable_size(wide.get()) >= 512);
  char* const silent = opaque(new (std::nothrow) char[20]);
  EXPECT(luna_malloc_usable_size(silent) == 32);
  ::operator delete[](silent, std::nothrow);
}

// Grown inside libstdc++, and freed here.
void expect_of_library() {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "some more text ";
  EXPECT(luna_malloc_usable_size(text.data()) > 15000);
  std::map<std::string, std::vector<int>> table;
  for (int i = 0; i < 1000; ++i) table[std::to_string(i)].resize(static_cast<std::size_t>(i));
  EXPECT(luna_malloc_usable_size(table["999"].data()) >= 999 * sizeof(int));
  std::thread([&table] { table.clear(); }).join();
}

void expect_exceptions() {
  std::set_new_handler([] {
    handled = true;
    std::set_new_handler(nullptr);
  });
  bool thrown = false;
  try {
    static_cast<void>(opaque(::operator new(opaque(PTRDIFF_MAX - 4096UL))));
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  EXPECT(handled && thrown);
}

}  // namespace

int main() {
  expect_ours();
  expect_of_library();
  expect_exceptions();
  std::cout << "operator new is lunalloc " << luna_version() << std::endl;
  return 0;
}

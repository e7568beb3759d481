// SPDX-License-Identifier: MIT
// Each form of operator new gives a block, each form of operator delete takes it back, and new
// expressions choose among them as the standard says.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

constexpr std::align_val_t kAlignment{256};
constexpr std::size_t kSizes[] = {0, 1, 16, 40, 1000, 5000, 70000, 3000000};

void usable(void* block, std::size_t size, std::size_t alignment) {
  EXPECT_FOR(size, block != nullptr);
  EXPECT_FOR(size, blocks::aligned(block, alignment));
  EXPECT_FOR(size, malloc_usable_size(block) >= size);
  blocks::fill(block, malloc_usable_size(block), size);
}

// The four ways to allocate without an alignment, the three to release.
void* plain_block(int way, std::size_t size) {
  switch (way % 4) {
    case 0:
      return ::operator new(size);
    case 1:
      return ::operator new[](size);
    case 2:
      return ::operator new(size, std::nothrow);
    default:
      return ::operator new[](size, std::nothrow);
  }
}

void release_plain(int way, void* block, std::size_t size) {
  switch (way % 6) {
    case 0:
      return ::operator delete(block);
    case 1:
      return ::operator delete[](block);
    case 2:
      return ::operator delete(block, size);
    case 3:
      return ::operator delete[](block, size);
    case 4:
      return ::operator delete(block, std::nothrow);
    default:
      return ::operator delete[](block, std::nothrow);
  }
}

void* aligned_block(int way, std::size_t size) {
  switch (way % 4) {
    case 0:
      return ::operator new(size, kAlignment);
    case 1:
      return ::operator new[](size, kAlignment);
    case 2:
      return ::operator new(size, kAlignment, std::nothrow);
    default:
      return ::operator new[](size, kAlignment, std::nothrow);
  }
}

void release_aligned(int way, void* block, std::size_t size) {
  switch (way % 6) {
    case 0:
      return ::operator delete(block, kAlignment);
    case 1:
      return ::operator delete[](block, kAlignment);
    case 2:
      return ::operator delete(block, size, kAlignment);
    case 3:
      return ::operator delete[](block, size, kAlignment);
    case 4:
      return ::operator delete(block, kAlignment, std::nothrow);
    default:
      return ::operator delete[](block, kAlignment, std::nothrow);
  }
}

void every_pair() {
  for (const std::size_t size : kSizes) {
    for (int way = 0; way < 24; ++way) {
      void* const plain = plain_block(way, size);
      usable(plain, size, 16);
      release_plain(way / 4, plain, size);

      void* const aligned = aligned_block(way, size);
      usable(aligned, size, 256);
      release_aligned(way / 4, aligned, size);
    }
  }
  for (int way = 0; way < 6; ++way) {
    release_plain(way, expect::opaque<void*>(nullptr), 0);
    release_aligned(way, expect::opaque<void*>(nullptr), 0);
  }
}

struct alignas(128) Wide {
  char bytes[300];
};

struct Base {
  virtual ~Base() = default;
  std::string name = "a name that is too long to be kept inside the object";
};

struct Derived : Base {
  std::vector<int> numbers = std::vector<int>(100, 7);
};

void new_expressions() {
  const auto wide = expect::opaque(std::make_unique<Wide>().release());
  EXPECT(blocks::aligned(wide, 128));
  delete wide;

  auto* const row = expect::opaque(new Wide[9]);
  EXPECT(blocks::aligned(row, 128));
  delete[] row;

  for (int i = 0; i < 1000; ++i) {
    const std::unique_ptr<Base> object = std::make_unique<Derived>();
    EXPECT(static_cast<Derived*>(object.get())->numbers[99] == 7);
  }
  Base* const array = expect::opaque(new Base[50]);
  EXPECT(array[49].name.size() > 20);
  delete[] array;
}

void empty_blocks_are_unique() {
  void* const one = ::operator new(expect::opaque<std::size_t>(0));
  void* const other = ::operator new(expect::opaque<std::size_t>(0));
  EXPECT(one != nullptr && other != nullptr && one != other);
  ::operator delete(one);
  ::operator delete(other);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  every_pair();
  new_expressions();
  empty_blocks_are_unique();
  return 0;
}

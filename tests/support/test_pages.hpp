// SPDX-License-Identifier: MIT
// A page heap of its own for a test, verified and released when the test is over.
#pragma once

#include "pages/page_heap.hpp"
#include "pages/window.hpp"
#include "support/release_window.hpp"

#include <cstddef>
#include <cstring>

namespace luna::test {

struct TestPages {
  TestPages() = default;
  ~TestPages() {
    heap.verify();
    release_window(window);
  }
  TestPages(const TestPages&) = delete;
  TestPages& operator=(const TestPages&) = delete;

  [[nodiscard]] std::byte* take(std::size_t pages, std::size_t alignment_pages = 1) {
    return static_cast<std::byte*>(heap.take(pages, alignment_pages, false));
  }

  [[nodiscard]] std::byte* take_zeroed(std::size_t pages) {
    return static_cast<std::byte*>(heap.take(pages, 1, true));
  }

  [[nodiscard]] std::byte* take_granule() { return static_cast<std::byte*>(heap.take_granule()); }

  Window window;
  PageHeap heap{window};
};

inline void make_dirty(std::byte* memory, std::size_t pages) {
  std::memset(memory, 0xd1, pages * kPageBytes);
}

}  // namespace luna::test

// SPDX-License-Identifier: MIT
// operator new and delete in all their forms. libstdc++ is not linked: its
// new_handler and bad_alloc are used when the program has brought it along.
#include "base/check.hpp"
#include "preload/entry.hpp"

#include <cstdlib>
#include <new>

#define LUNA_EXPORT [[gnu::visibility("default")]]

// libstdc++'s, or null in a program without it.
extern "C" [[gnu::weak, gnu::visibility("default")]] std::new_handler
luna_get_new_handler() __asm__("_ZSt15get_new_handlerv");
extern "C" [[noreturn, gnu::weak, gnu::visibility("default")]] void luna_throw_bad_alloc() __asm__(
    "_ZSt17__throw_bad_allocv");

namespace luna {

namespace {

[[nodiscard]] std::new_handler current_handler() noexcept {
  return luna_get_new_handler != nullptr ? luna_get_new_handler() : nullptr;
}

// What the standard asks for: the handler is called until there is memory, it
// throws, or there is none. `allocate` returns nullptr while there is none.
// Not noexcept: the handler may throw.
template <typename Allocate>
[[nodiscard]] void* allocate_with_handler(Allocate allocate) {
  while (true) {
    if (void* block = allocate(); block != nullptr) return block;
    const std::new_handler handler = current_handler();
    if (handler == nullptr) return nullptr;
    handler();
  }
}

[[noreturn]] void refuse() {
  if (luna_throw_bad_alloc != nullptr) luna_throw_bad_alloc();
  write_error("lunalloc: operator new has no memory, and the program no bad_alloc to throw\n");
  std::abort();
}

[[gnu::noinline, gnu::cold]] void* new_slow(std::size_t bytes) {
  void* block = allocate_with_handler([bytes]() noexcept { return entry::malloc(bytes); });
  if (block == nullptr) refuse();
  return block;
}

[[gnu::noinline, gnu::cold]] void* new_slow_nothrow(std::size_t bytes) noexcept {
  return allocate_with_handler([bytes]() noexcept { return entry::malloc(bytes); });
}

[[nodiscard]] void* new_aligned(std::size_t bytes, std::align_val_t alignment) {
  const auto value = static_cast<std::size_t>(alignment);
  return allocate_with_handler([=]() noexcept { return entry::memalign(value, bytes); });
}

[[nodiscard]] void* new_aligned_or_throw(std::size_t bytes, std::align_val_t alignment) {
  void* block = new_aligned(bytes, alignment);
  if (block == nullptr) refuse();
  return block;
}

[[nodiscard]] void* new_aligned_nothrow(std::size_t bytes, std::align_val_t alignment) noexcept {
  return new_aligned(bytes, alignment);
}

}  // namespace

}  // namespace luna

namespace entry = luna::entry;

LUNA_EXPORT void* operator new(std::size_t bytes) {
  return entry::allocate_or<luna::new_slow>(bytes);
}
LUNA_EXPORT void* operator new[](std::size_t bytes) {
  return entry::allocate_or<luna::new_slow>(bytes);
}
LUNA_EXPORT void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return entry::allocate_or<luna::new_slow_nothrow>(bytes);
}
LUNA_EXPORT void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return entry::allocate_or<luna::new_slow_nothrow>(bytes);
}
LUNA_EXPORT void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return luna::new_aligned_or_throw(bytes, alignment);
}
LUNA_EXPORT void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return luna::new_aligned_or_throw(bytes, alignment);
}
LUNA_EXPORT void* operator new(std::size_t bytes, std::align_val_t alignment,
                               const std::nothrow_t&) noexcept {
  return luna::new_aligned_nothrow(bytes, alignment);
}
LUNA_EXPORT void* operator new[](std::size_t bytes, std::align_val_t alignment,
                                 const std::nothrow_t&) noexcept {
  return luna::new_aligned_nothrow(bytes, alignment);
}

LUNA_EXPORT void operator delete(void* block) noexcept { entry::free(block); }
LUNA_EXPORT void operator delete[](void* block) noexcept { entry::free(block); }
LUNA_EXPORT void operator delete(void* block, const std::nothrow_t&) noexcept {
  entry::free(block);
}
LUNA_EXPORT void operator delete[](void* block, const std::nothrow_t&) noexcept {
  entry::free(block);
}
LUNA_EXPORT void operator delete(void* block, std::size_t bytes) noexcept {
  entry::delete_sized(block, bytes);
}
LUNA_EXPORT void operator delete[](void* block, std::size_t bytes) noexcept {
  entry::delete_sized(block, bytes);
}
LUNA_EXPORT void operator delete(void* block, std::align_val_t) noexcept { entry::free(block); }
LUNA_EXPORT void operator delete[](void* block, std::align_val_t) noexcept { entry::free(block); }
LUNA_EXPORT void operator delete(void* block, std::size_t bytes,
                                 std::align_val_t alignment) noexcept {
  entry::delete_sized(block, bytes, static_cast<std::size_t>(alignment));
}
LUNA_EXPORT void operator delete[](void* block, std::size_t bytes,
                                   std::align_val_t alignment) noexcept {
  entry::delete_sized(block, bytes, static_cast<std::size_t>(alignment));
}
LUNA_EXPORT void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  entry::free(block);
}
LUNA_EXPORT void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  entry::free(block);
}

// SPDX-License-Identifier: MIT
// Memory protection keys: pages that carry one can be touched by a thread as far as its own rights
// to the key go, which it changes without a system call.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna::os {

enum class KeyRights : std::uint8_t { kNone, kRead, kReadWrite };

// What is asked of the kernel, whose answers may be negated values of errno, and of the processor.
// A test has answers of its own.
struct KeyCalls {
  long (*allocate)() noexcept;  // a key to which the caller has all rights
  long (*free)(int key) noexcept;
  long (*tag)(void* memory, std::size_t bytes, int key) noexcept;
  std::uint32_t (*rights)() noexcept;  // two bits for each key: the PKRU register of x86-64
  void (*set_rights)(std::uint32_t rights) noexcept;
};

extern const KeyCalls kernel_keys;

// The keys of the process that are ours. Other threads than the one that takes a key, and signal
// handlers, have no rights to it; those that are made later have what their creator has.
//
// Threads: any.
class ProtectionKeys {
 public:
  static constexpr int kNoKey = 0;  // which all pages carry, and nobody has to take

  explicit constexpr ProtectionKeys(const KeyCalls& calls = kernel_keys) noexcept : calls_(calls) {}
  ProtectionKeys(const ProtectionKeys&) = delete;
  ProtectionKeys& operator=(const ProtectionKeys&) = delete;

  // kNoKey: the processor or the kernel has none, or none is left.
  [[nodiscard]] int take() noexcept;

  // Requires: no page carries it any more. What rights threads have to it they keep for the next
  // who takes it.
  void put(int key) noexcept;

  // Makes memory readable and writable for those who have the rights. It keeps the key until it is
  // mapped anew. False: the kernel refuses.
  [[nodiscard]] bool tag(void* memory, std::size_t bytes, int key) const noexcept;

  // Those of the calling thread. Requires: the key was taken.
  [[nodiscard]] KeyRights rights(int key) const noexcept;
  void set_rights(int key, KeyRights rights) const noexcept;

 private:
  friend class AllRights;

  const KeyCalls& calls_;
  std::atomic<std::uint32_t> taken_{0};  // the bits of all keys that are ours
};

// While it lives, the calling thread has all rights to our keys: for the allocator, which writes
// into free blocks. Costs a load where there are no keys.
class AllRights {
 public:
  explicit AllRights(const ProtectionKeys& keys) noexcept
      : keys_(keys), taken_(keys.taken_.load(std::memory_order_relaxed)) {
    if (taken_ != 0) [[unlikely]]
      open();
  }
  ~AllRights() {
    if (taken_ != 0) [[unlikely]]
      close();
  }

  AllRights(const AllRights&) = delete;
  AllRights& operator=(const AllRights&) = delete;

 private:
  [[gnu::cold, gnu::noinline]] void open() noexcept;
  [[gnu::cold, gnu::noinline]] void close() const noexcept;

  const ProtectionKeys& keys_;
  const std::uint32_t taken_;
  std::uint32_t before_ = 0;
};

}  // namespace luna::os

// SPDX-License-Identifier: MIT
#include "os/protection_keys.hpp"

#include "os/system_call.hpp"

#include <sys/mman.h>

#include <cerrno>

namespace luna::os {

namespace {

// Of two bits for each key: no access at all, and no writing.
constexpr std::uint32_t kNoAccess = 1;
constexpr std::uint32_t kNoWrite = 2;
constexpr std::uint32_t kAllBits = kNoAccess | kNoWrite;
constexpr int kKeys = 16;

[[nodiscard]] constexpr unsigned shift_of(int key) noexcept {
  return 2 * static_cast<unsigned>(key);
}

}  // namespace

int ProtectionKeys::take() noexcept {
  const long key = calls_.allocate();
  if (key <= kNoKey || key >= kKeys) return kNoKey;
  taken_.fetch_or(kAllBits << shift_of(static_cast<int>(key)), std::memory_order_relaxed);
  return static_cast<int>(key);
}

void ProtectionKeys::put(int key) noexcept {
  taken_.fetch_and(~(kAllBits << shift_of(key)), std::memory_order_relaxed);
  calls_.free(key);
}

bool ProtectionKeys::tag(void* memory, std::size_t bytes, int key) const noexcept {
  return calls_.tag(memory, bytes, key) == 0;
}

KeyRights ProtectionKeys::rights(int key) const noexcept {
  const std::uint32_t bits = calls_.rights() >> shift_of(key);
  if ((bits & kNoAccess) != 0) return KeyRights::kNone;
  return (bits & kNoWrite) != 0 ? KeyRights::kRead : KeyRights::kReadWrite;
}

void ProtectionKeys::set_rights(int key, KeyRights rights) const noexcept {
  std::uint32_t bits = 0;
  if (rights == KeyRights::kNone) bits = kAllBits;
  if (rights == KeyRights::kRead) bits = kNoWrite;
  calls_.set_rights((calls_.rights() & ~(kAllBits << shift_of(key))) | bits << shift_of(key));
}

void AllRights::open() noexcept {
  before_ = keys_.calls_.rights();
  keys_.calls_.set_rights(before_ & ~taken_);
}

void AllRights::close() const noexcept { keys_.calls_.set_rights(before_); }

#if defined(__x86_64__)

namespace {

// As bytes, for compilers know these instructions only where they may use them unasked.
[[nodiscard]] std::uint32_t read_register() noexcept {
  std::uint32_t low;
  std::uint32_t high;
  asm volatile(".byte 0x0f, 0x01, 0xee" : "=a"(low), "=d"(high) : "c"(0) : "memory");  // rdpkru
  return low;
}

void write_register(std::uint32_t rights) noexcept {
  asm volatile(".byte 0x0f, 0x01, 0xef" : : "a"(rights), "c"(0), "d"(0) : "memory");  // wrpkru
}

}  // namespace

constinit const KeyCalls kernel_keys = {
    []() noexcept { return system_call(SYS_pkey_alloc, 0, 0); },
    [](int key) noexcept { return system_call(SYS_pkey_free, key); },
    [](void* memory, std::size_t bytes, int key) noexcept {
      return system_call(SYS_pkey_mprotect, memory, bytes, PROT_READ | PROT_WRITE, key);
    },
    &read_register, &write_register};

#else

// Keys of other processors have other registers. Without one that was taken, nothing else is
// called.
constinit const KeyCalls kernel_keys = {[]() noexcept { return -static_cast<long>(ENOSYS); },
                                        nullptr, nullptr, nullptr, nullptr};

#endif

}  // namespace luna::os

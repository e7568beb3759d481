// SPDX-License-Identifier: MIT
// Protection keys of a processor that need not be there: they are counted and noted, and forbid
// nothing.
#pragma once

#include "base/align.hpp"
#include "os/protection_keys.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

namespace luna::test {

// The state of a FakeKeys.
struct FakeKeyState {
  struct Range {
    std::uintptr_t end;
    int key;
  };

  int taken = 0;
  int tags = 0;
  int no_key = 0;  // what refuses one
  int no_tag = 0;
  std::uint32_t rights = 0x5555'5554;  // as Linux gives a thread
  std::map<std::uintptr_t, Range> keys;
};

// One at a time.
class FakeKeys {
 public:
  static constexpr int kMost = 15;
  static constexpr std::uint32_t kOfOthers = 0x5555'5554;  // before one is ours

  FakeKeys() { now_ = FakeKeyState{}; }

  os::ProtectionKeys keys{kCalls};

  // From now on the kernel refuses with these; 0: no more.
  static void refuse_keys(int error) { now_.no_key = error; }
  static void refuse_tags(int error) { now_.no_tag = error; }

  static std::uint32_t& rights() { return now_.rights; }
  [[nodiscard]] static int taken() { return now_.taken; }
  [[nodiscard]] static int tags() { return now_.tags; }

  // What an address carries.
  [[nodiscard]] static int key_at(const void* pointer) {
    const auto next = now_.keys.upper_bound(address_of(pointer));
    if (next == now_.keys.begin()) return 0;
    const FakeKeyState::Range& range = std::prev(next)->second;
    return address_of(pointer) < range.end ? range.key : 0;
  }

 private:
  static long allocate() noexcept {
    if (now_.no_key != 0) return -now_.no_key;
    if (now_.taken == kMost) return -ENOSPC;
    now_.rights &= ~(3U << 2 * ++now_.taken);
    return now_.taken;
  }
  static long free(int) noexcept {
    --now_.taken;
    return 0;
  }
  static long tag(void* memory, std::size_t bytes, int key) noexcept {
    if (now_.no_tag != 0) return -now_.no_tag;
    ++now_.tags;
    const std::uintptr_t begin = address_of(memory);
    for (auto at = now_.keys.lower_bound(begin); at != now_.keys.end();)
      at = at->first < begin + bytes ? now_.keys.erase(at) : std::next(at);
    now_.keys[begin] = {begin + bytes, key};
    return 0;
  }
  static std::uint32_t read() noexcept { return now_.rights; }
  static void write(std::uint32_t rights) noexcept { now_.rights = rights; }

  static constexpr os::KeyCalls kCalls = {&allocate, &free, &tag, &read, &write};
  static inline FakeKeyState now_;
};

}  // namespace luna::test

// SPDX-License-Identifier: MIT
#include "os/growing_memory.hpp"

#include "os/memory.hpp"
#include "os/system_call.hpp"

#include <sys/mman.h>

#include <cstring>

namespace luna::os {

namespace {

constexpr std::size_t kLeastBytes = std::size_t{64} << 10;

}  // namespace

bool GrowingMemory::write(void* self, std::string_view bytes) noexcept {
  auto& memory = *static_cast<GrowingMemory*>(self);
  if (bytes.size() > memory.capacity_ - memory.length_ &&
      !memory.grow(memory.length_ + bytes.size()))
    return false;
  std::memcpy(memory.bytes_ + memory.length_, bytes.data(), bytes.size());
  memory.length_ += bytes.size();
  return true;
}

// Twice as many each time, which the kernel moves without copying.
bool GrowingMemory::grow(std::size_t least) noexcept {
  std::size_t capacity = capacity_ != 0 ? capacity_ : kLeastBytes;
  while (capacity < least) {
    if (capacity > SIZE_MAX / 2) return false;
    capacity *= 2;
  }
  if (bytes_ == nullptr) {
    bytes_ = static_cast<char*>(map(capacity));
    if (bytes_ == nullptr) return false;
    system_call(SYS_madvise, bytes_, capacity, MADV_DONTFORK);
  } else {
    const long moved = system_call(SYS_mremap, bytes_, capacity_, capacity, MREMAP_MAYMOVE);
    if (moved < 0 && moved > -4096) return false;
    bytes_ = reinterpret_cast<char*>(moved);
  }
  capacity_ = capacity;
  return true;
}

void GrowingMemory::release() noexcept {
  if (bytes_ != nullptr) luna::os::release(bytes_, capacity_);
  forget();
}

void GrowingMemory::forget() noexcept {
  bytes_ = nullptr;
  length_ = 0;
  capacity_ = 0;
}

}  // namespace luna::os

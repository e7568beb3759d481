// SPDX-License-Identifier: MIT
#include "telemetry/frame_callback.hpp"

#include "os/clock.hpp"

namespace luna {

bool FrameCallback::set(Function function, void* context) noexcept {
  os::ScopedLock guard(lock_);
  if (function_.load() != nullptr) return false;
  context_ = context;
  // pairs with the second load in call(), which then reads context_
  function_.store(function, std::memory_order_release);
  return true;
}

// Either the caller sees that there is no function, or he is counted when this looks: of two
// threads that each store and then load, in one order for all, one sees what the other stored.
void FrameCallback::clear() noexcept {
  os::ScopedLock guard(lock_);
  function_.store(nullptr, std::memory_order_seq_cst);
  while (callers_.load() != 0) os::sleep_nanoseconds(100'000);
}

std::size_t FrameCallback::call(std::uintptr_t* frames, std::size_t most, int* native) noexcept {
  *native = 1;
  if (function_.load() == nullptr) return 0;
  callers_.fetch_add(1);
  const Function function = function_.load(std::memory_order_seq_cst);
  const std::size_t count = function != nullptr ? function(frames, most, native, context_) : 0;
  callers_.fetch_sub(1);
  return count < most ? count : most;
}

void FrameCallback::resume_child() noexcept {
  lock_.reset_in_child();
  callers_.store(0, std::memory_order_relaxed);
}

}  // namespace luna

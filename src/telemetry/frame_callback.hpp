// SPDX-License-Identifier: MIT
// A function of the program that is asked for frames when a sample is taken, and that may be
// taken off while others are in it.
#pragma once

#include "base/function_pointer.hpp"
#include "os/lock.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

// Threads: any. call() takes no lock.
class FrameCallback {
 public:
  // As luna_frames_callback in lunalloc/profile.h.
  using Function = std::size_t (*)(std::uintptr_t* frames, std::size_t most, int* native,
                                   void* context);

  constexpr FrameCallback() noexcept = default;
  FrameCallback(const FrameCallback&) = delete;
  FrameCallback& operator=(const FrameCallback&) = delete;

  // False: there is another one; nothing has changed.
  [[nodiscard]] bool set(Function function, void* context) noexcept;

  // Returns when no thread is in the function, and none will be. Not from within it.
  void clear() noexcept;

  // How many frames the function has written, at most `most`; 0 if there is none. `native` is
  // 1 unless it made it 0.
  [[nodiscard]] std::size_t call(std::uintptr_t* frames, std::size_t most, int* native) noexcept;

  // In the child of a fork: threads that were in the function are not there.
  void resume_child() noexcept;

 private:
  os::Lock lock_;  // of set() and clear()
  FunctionPointer<Function> function_;
  void* context_ = nullptr;  // changes while there is no function and nobody is in one
  std::atomic<std::uint32_t> callers_{0};
};

}  // namespace luna

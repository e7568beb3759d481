// SPDX-License-Identifier: MIT
// A stack as libgcc's unwinder sees it, to compare a walk with.
#pragma once

#include "telemetry/stack_walker.hpp"

#include <unwind.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace luna::test {

constexpr std::size_t kMaxFrames = 400;

struct StackTrace {
  std::array<std::uintptr_t, kMaxFrames> frames;
  std::size_t depth = 0;
};

inline _Unwind_Reason_Code add_frame(_Unwind_Context* context, void* trace) {
  auto& stack = *static_cast<StackTrace*>(trace);
  int is_interrupted = 0;
  const std::uintptr_t ip = _Unwind_GetIPInfo(context, &is_interrupted);
  if (stack.depth == kMaxFrames || ip == 0) return _URC_END_OF_STACK;
  stack.frames[stack.depth++] = ip + (is_interrupted != 0 ? 1 : 0);
  return _URC_NO_REASON;
}

// Returns the depth, or 0 when the two stacks are not the same. No test macro, since it
// also runs where one cannot: in signal handlers and children.
[[gnu::noinline]] inline std::size_t depth_if_right(StackWalker& walker, StackTrace& walk,
                                                    StackTrace& expected) {
  walk.depth = walker.walk(walk.frames.data(), walk.frames.size());
  expected.depth = 0;
  _Unwind_Backtrace(add_frame, &expected);
  if (walk.depth != expected.depth) return 0;
  // The first is in this function, where each was called from elsewhere.
  for (std::size_t i = 1; i < walk.depth; ++i)
    if (walk.frames[i] != expected.frames[i]) return 0;
  return walk.depth;
}

// A walker, and the depth at which it was called rightly last.
struct Walks {
  Walks() {
    if (!walker.load()) std::abort();
  }

  [[gnu::noinline]] std::size_t here() {
    depth = depth_if_right(walker, walk, expected);
    if (depth == 0) wrong = true;
    return depth;
  }

  StackWalker walker;
  StackTrace walk;
  StackTrace expected;
  std::size_t depth = 0;
  bool wrong = false;
};

// Keeps a call from being the last thing in its function, and so from becoming a jump.
inline void after_call() { asm volatile("" : : : "memory"); }

[[gnu::noinline]] inline std::size_t recurse(Walks& walks, int times) {
  const std::size_t depth = times == 0 ? walks.here() : recurse(walks, times - 1);
  after_call();
  return depth;
}

}  // namespace luna::test

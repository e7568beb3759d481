// SPDX-License-Identifier: MIT
// From whom a function was called: the return addresses on the stack of a thread. By the
// tables that exceptions are thrown by, so that no program needs frame pointers.
#pragma once

#include "telemetry/rule_cache.hpp"
#include "telemetry/unwind_rule.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// From `begin` to before `end`.
struct CodeRange {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;

  [[nodiscard]] bool contains(std::uintptr_t code) const noexcept {
    return code - begin < end - begin;
  }
};

// A walk follows rules that a cache holds, and makes those that it lacks out of .eh_frame:
// some 20 ns for a frame of the first kind, some 500 ns for one of the second. It takes no
// lock, allocates nothing and calls nobody but the kernel and glibc's _dl_find_object(), so
// it may be called from within malloc, by signal handlers and after fork(). It uses less
// than 2 KiB of stack, and reads no memory of which it does not know that it can be read.
//
// Where code has no such table, as what is compiled at run time, or a table says things that
// compilers do not, it follows the frame pointer on x86-64 as long as that is seen to lead to
// frames; else it ends there, with what it has.
//
// Threads: any, at the same time.
class StackWalker {
 public:
  // To be called before the first walk, and where mapping memory is allowed. False: the
  // kernel gives no memory for the cache; walks have depth 0 then.
  [[nodiscard]] bool load() noexcept;

  // Fills `frames` with up to `depth` return addresses of the calling thread, those of the
  // innermost function first, and returns how many. The first ones are left out as long as
  // they lie in `skipped`. An address is behind the call that will return to it; for a
  // function that a signal interrupted, it is one more than the instruction's, so that one
  // less than the address is in the right line for all.
  [[nodiscard]] std::size_t walk(std::uintptr_t* frames, std::size_t depth,
                                 CodeRange skipped = {}) noexcept;

  // The same of the function that was at `start`, and not called from there but interrupted.
  [[nodiscard]] std::size_t walk_from(const Registers& start, std::uintptr_t* frames,
                                      std::size_t depth, CodeRange skipped = {}) noexcept;

  // To be called when code went that may have been walked through, as by dlclose(): other
  // code may come to lie there. If a rule outlives its code, walks may go astray there,
  // yet not crash.
  void forget() noexcept { cache_.clear(); }

  // The memory of what is remembered; nullptr: there is none yet.
  [[nodiscard]] const void* cache_memory() const noexcept { return cache_.memory(); }

 private:
  [[nodiscard]] UnwindRule rule_for(std::uintptr_t code) noexcept;
  [[nodiscard]] UnwindRule learn(std::uintptr_t code) noexcept;

  RuleCache cache_;
};

}  // namespace luna

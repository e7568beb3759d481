// SPDX-License-Identifier: MIT
#include "telemetry/stack_walker.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"
#include "os/unwind_table.hpp"
#include "telemetry/call_site.hpp"
#include "telemetry/frame_program.hpp"
#include "telemetry/frame_table.hpp"

#include <cstring>

namespace luna {

namespace {

// No frame is larger: what seems to be is no frame.
constexpr std::uintptr_t kMaxFrameBytes = std::uintptr_t{64} << 20;

// The largest frame that is believed where there is nothing but a frame pointer.
constexpr std::uintptr_t kMaxUnprovenBytes = std::uintptr_t{256} << 10;

// No code lies above; see also runtime_frame.hpp.
constexpr int kCodeBits = 56;

// So many frames may be left out, lest a walk go round in circles on a broken stack.
constexpr std::size_t kMaxSkipped = 64;

// Words of the stack. A rule may be wrong, so nothing is read before it is known that it
// can be: the kernel is asked once for each 4 KiB that a walk comes to.
class StackMemory {
 public:
  // A sanitizer would take the place of a saved register for a mistake of ours.
  [[nodiscard]] __attribute__((no_sanitize("address", "thread"))) bool read(
      std::uintptr_t address, std::uintptr_t& value) noexcept {
    if (address % sizeof value != 0) return false;
    if ((address < begin_ || address >= end_) && !reach(address)) return false;
    value = *reinterpret_cast<const volatile std::uintptr_t*>(address);
    return true;
  }

  // Whether all between two addresses can be read, so that there is no end of a stack between.
  [[nodiscard]] bool is_whole(std::uintptr_t begin, std::uintptr_t end) noexcept {
    std::uintptr_t word;
    if (!read(begin, word)) return false;
    while (end_ < end)
      if (!reach(end_)) return false;
    return true;
  }

 private:
  static constexpr std::uintptr_t kPiece = 4096;

  [[nodiscard]] bool reach(std::uintptr_t address) noexcept {
    if (!os::is_readable(address)) return false;
    const std::uintptr_t piece = round_down(address, kPiece);
    if (piece != end_) begin_ = piece;
    end_ = piece + kPiece;
    return true;
  }

  std::uintptr_t begin_ = 0;
  std::uintptr_t end_ = 0;
};

// With no call, since a call has a frame that is gone when it returns.
[[gnu::always_inline]] inline void capture(Registers& registers) noexcept {
#if defined(__x86_64__)
  asm volatile(
      "lea 0(%%rip), %%rax\n\t"
      "mov %%rax, 0(%0)\n\t"
      "mov %%rsp, 8(%0)\n\t"
      "mov %%rbp, 16(%0)\n\t"
      "mov %%rbx, 24(%0)"
      :
      : "r"(&registers)
      : "rax", "memory");
#else
  asm volatile(
      "adr x9, .\n\t"
      "mov x10, sp\n\t"
      "stp x9, x10, [%0]\n\t"
      "stp x29, x30, [%0, 16]"
      :
      : "r"(&registers)
      : "x9", "x10", "memory");
#endif
}

// Newer processors sign return addresses in bits that no address needs.
[[nodiscard, maybe_unused]] inline std::uintptr_t without_signature(
    std::uintptr_t address) noexcept {
#if defined(__aarch64__)
  register std::uintptr_t x30 asm("x30") = address;
  asm("hint #7" : "+r"(x30));  // xpaclri, which older processors take for a nop
  return x30;
#else
  return address;
#endif
}

[[nodiscard]] bool return_from_signal(Registers& registers, StackMemory& memory) noexcept {
  const std::uintptr_t saved = registers.sp;
  return memory.read(saved + Machine::kSignalIp, registers.ip) &&
         memory.read(saved + Machine::kSignalFp, registers.fp) &&
         memory.read(saved + Machine::kSignalExtra, registers.extra) &&
         memory.read(saved + Machine::kSignalSp, registers.sp);
}

[[nodiscard]] bool find_cfa(const Registers& registers, const UnwindRule& rule, StackMemory& memory,
                            std::uintptr_t& cfa) noexcept {
  const auto offset = static_cast<std::uintptr_t>(std::intptr_t{rule.cfa_offset});
  switch (rule.kind) {
    case RuleKind::kFromSp:
      cfa = registers.sp + offset;
      return true;
    case RuleKind::kFromFp:
      cfa = registers.fp + offset;
      return true;
    case RuleKind::kFromExtra:
      cfa = registers.extra + offset;
      return true;
    case RuleKind::kThroughFp:
      return memory.read(registers.fp + offset, cfa);
    default:
      return false;
  }
}

// Makes the registers of a frame those of its caller. False: there is none. A function that
// calls nobody may have no frame on aarch64; one that `was_called` by another is not so.
[[nodiscard]] bool step(Registers& registers, const UnwindRule& rule, bool was_called,
                        StackMemory& memory) noexcept {
  if (rule.kind == RuleKind::kSignal) return return_from_signal(registers, memory);
  std::uintptr_t cfa = 0;
  if (!find_cfa(registers, rule, memory, cfa)) return false;
  const bool may_be_empty = Machine::kReturnAddressIsExtra && !was_called;
  const std::uintptr_t bytes = cfa - registers.sp;
  if (bytes > kMaxFrameBytes || (bytes == 0 && !may_be_empty)) return false;

  const std::uintptr_t base = rule.kind == RuleKind::kThroughFp ? registers.fp : cfa;
  const auto restore = [&](SavedRegister saved, std::uintptr_t& value) noexcept {
    const auto offset = static_cast<std::uintptr_t>(std::intptr_t{saved.offset});
    return !saved.is_saved || memory.read(base + offset, value);
  };
  if (!restore(rule.extra, registers.extra) || !restore(rule.fp, registers.fp)) return false;
  if constexpr (Machine::kReturnAddressIsExtra) {
    registers.ip = without_signature(registers.extra);
  } else {
    if (!memory.read(cfa - sizeof cfa, registers.ip)) return false;
  }
  registers.sp = cfa;
  return true;
}

// Whether it is behind an instruction that calls; what cannot be read is not.
[[nodiscard]] bool is_return_address(std::uintptr_t address) noexcept {
  CodeBytes code;
  std::uintptr_t word = 0;
  static_assert(sizeof word == sizeof code);
  if (address < sizeof code || address >> kCodeBits != 0) return false;
  // It may be any address, that of a page which another thread is about to unmap too.
  if (!os::copy_word(address - sizeof code, word)) return false;
  std::memcpy(&code, &word, sizeof code);
  return ends_in_call(code);
}

// The same as step() for code without a table, by what most run-time compilers keep: at the frame
// pointer lie that of the caller and the return address. It is believed if the frame lies further
// up the same stack and the address is behind a call. On aarch64 this does not tell the caller's
// stack pointer, which the tables of what comes next may need.
[[nodiscard]] bool step_by_frame_pointer(Registers& registers, StackMemory& memory) noexcept {
  constexpr std::uintptr_t kFrameBytes = 2 * sizeof(std::uintptr_t);
  const std::uintptr_t frame = registers.fp;
  if (Machine::kReturnAddressIsExtra || frame % sizeof frame != 0) return false;
  if (frame < registers.sp || frame - registers.sp > kMaxUnprovenBytes) return false;
  if (!memory.is_whole(round_down(registers.sp, sizeof frame), frame + kFrameBytes)) return false;
  std::uintptr_t return_address = 0;
  if (!memory.read(frame + sizeof frame, return_address) || !is_return_address(return_address) ||
      !memory.read(frame, registers.fp))
    return false;
  registers.ip = return_address;
  registers.sp = frame + kFrameBytes;
  registers.extra = 0;  // it is not known
  return true;
}

// Linux has no table for the code that handlers return to on aarch64; its two instructions
// are "mov x8, #__NR_rt_sigreturn" and "svc #0".
[[nodiscard]] bool is_signal_return(std::uintptr_t code) noexcept {
  constexpr std::uint64_t kInstructions = 0xd4000001'd2801168;
  if (!Machine::kReturnAddressIsExtra || code % 4 != 0 || !os::is_readable(code)) return false;
  std::uint64_t found;
  std::memcpy(&found, reinterpret_cast<const void*>(code), sizeof found);
  return found == kInstructions;
}

}  // namespace

bool StackWalker::load() noexcept { return cache_.load(); }

// Not inlined, since what it captures is its own frame.
[[gnu::noinline]] std::size_t StackWalker::walk(std::uintptr_t* frames, std::size_t depth,
                                                CodeRange skipped) noexcept {
  Registers registers;
  capture(registers);
  const std::size_t count = walk_from(registers, frames, depth, skipped);
  // Keeps the frame while the walk goes through it: no jump in place of the call.
  asm volatile("" : : "r"(&registers) : "memory");
  return count;
}

std::size_t StackWalker::walk_from(const Registers& start, std::uintptr_t* frames,
                                   std::size_t depth, CodeRange skipped) noexcept {
  if (!cache_.is_loaded()) return 0;
  Registers registers = start;
  StackMemory memory;
  std::size_t count = 0;
  bool was_called = false;
  for (std::size_t left = depth + kMaxSkipped; count < depth && left != 0; --left) {
    // A call may be the last thing in a function, and what is behind it another one's.
    const UnwindRule rule = rule_for(registers.ip - (was_called ? 1 : 0));
    const bool stepped = rule.kind == RuleKind::kNone ? step_by_frame_pointer(registers, memory)
                                                      : step(registers, rule, was_called, memory);
    if (!stepped || registers.ip == 0 || registers.ip >> kCodeBits != 0) break;
    was_called = rule.kind != RuleKind::kSignal;
    const std::uintptr_t frame = registers.ip + (was_called ? 0 : 1);
    if (count != 0 || !skipped.contains(frame)) frames[count++] = frame;
  }
  return count;
}

UnwindRule StackWalker::rule_for(std::uintptr_t code) noexcept {
  const PackedRule known = cache_.find(code);
  return known != 0 ? unpack(known) : learn(code);
}

[[gnu::noinline]] UnwindRule StackWalker::learn(std::uintptr_t code) noexcept {
  const std::byte* table = os::find_unwind_table(code);
  FrameDescription frame;
  if (table == nullptr || !find_frame(table, code, frame)) {
    // What comes next is learnt again each time: other code may come to lie here.
    return {is_signal_return(code + 1) ? RuleKind::kSignal : RuleKind::kNone, 0, {}, {}};
  }
  const UnwindRule rule = FrameProgram(frame).rule_at(code);
  const PackedRule packed = rule.kind == RuleKind::kNone ? 0 : pack(rule);
  if (packed != 0) cache_.insert(code, packed);
  return rule;
}

}  // namespace luna

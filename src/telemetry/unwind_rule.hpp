// SPDX-License-Identifier: MIT
// How to come from a frame of the stack to its caller's, for one address of code: in full,
// and packed into few enough bits that it fits into a word together with the address.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna {

// What a walk knows of a frame: of all registers, those by which compilers address frames.
struct Registers {
  std::uintptr_t ip = 0;
  std::uintptr_t sp = 0;
  std::uintptr_t fp = 0;     // rbp, x29
  std::uintptr_t extra = 0;  // rbx, which the loader's trampolines use; x30, the return address
};

// The numbers of these registers in DWARF, and where the kernel saves them when it calls a
// signal handler, in bytes from the stack pointer with which the handler returns.
struct Machine {
#if defined(__x86_64__)
  static constexpr std::uint64_t kSp = 7;
  static constexpr std::uint64_t kFp = 6;
  static constexpr std::uint64_t kExtra = 3;
  static constexpr std::uint64_t kReturnAddress = 16;  // at CFA - 8
  static constexpr std::size_t kSignalIp = 168;
  static constexpr std::size_t kSignalSp = 160;
  static constexpr std::size_t kSignalFp = 120;
  static constexpr std::size_t kSignalExtra = 128;
#else
  static constexpr std::uint64_t kSp = 31;
  static constexpr std::uint64_t kFp = 29;
  static constexpr std::uint64_t kExtra = 30;
  static constexpr std::uint64_t kReturnAddress = 30;
  static constexpr std::size_t kSignalIp = 568;
  static constexpr std::size_t kSignalSp = 560;
  static constexpr std::size_t kSignalFp = 544;
  static constexpr std::size_t kSignalExtra = 552;
#endif
  static constexpr bool kReturnAddressIsExtra = kReturnAddress == kExtra;
};

// The CFA, "canonical frame address" in DWARF, is the stack pointer of the caller.
enum class RuleKind : std::uint8_t {
  kNone,       // nothing is known, or nothing that can be said here
  kEnd,        // there is no caller
  kSignal,     // the caller was interrupted by a signal, and the kernel saved its registers
  kFromSp,     // CFA = sp + cfa_offset
  kFromFp,     // CFA = fp + cfa_offset
  kFromExtra,  // CFA = extra + cfa_offset
  kThroughFp,  // CFA = what lies at fp + cfa_offset: gcc, where it aligns the stack
};

// Where the caller's register lies.
struct SavedRegister {
  bool is_saved = false;    // else it still holds the value
  std::int32_t offset = 0;  // from the CFA; from fp where the CFA is found through fp

  friend bool operator==(const SavedRegister&, const SavedRegister&) = default;
};

struct UnwindRule {
  RuleKind kind = RuleKind::kNone;
  std::int32_t cfa_offset = 0;
  SavedRegister fp;
  SavedRegister extra;

  friend bool operator==(const UnwindRule&, const UnwindRule&) = default;
};

// A rule in 28 bits: kind 3, offset of the CFA 13, saved registers 12. Zero is no rule.
using PackedRule = std::uint32_t;
constexpr unsigned kPackedRuleBits = 28;

// Returns zero for what does not fit: frames above 32 KiB, or registers saved far away.
[[nodiscard]] PackedRule pack(const UnwindRule& rule) noexcept;

[[nodiscard]] UnwindRule unpack(PackedRule packed) noexcept;

}  // namespace luna

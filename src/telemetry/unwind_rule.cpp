// SPDX-License-Identifier: MIT
// On x86-64 a function pushes what it saves right below the CFA; on aarch64 x29 and x30 lie
// next to each other, as far below the CFA as the frame is large.
#include "telemetry/unwind_rule.hpp"

namespace luna {

namespace {

constexpr std::int32_t kWord = 8;
constexpr unsigned kKindBits = 3;
constexpr unsigned kSavedBits = 12;
constexpr std::int32_t kMaxCfaWords = (1 << 12) - 1;
constexpr PackedRule kDoesNotFit = ~PackedRule{0};

// A saved register as a number below 2^bits; 0: it is not saved.
[[nodiscard]] PackedRule pack_saved(SavedRegister saved, bool through_fp, unsigned bits) noexcept {
  if (!saved.is_saved) return 0;
  const std::int32_t words = -saved.offset / kWord + (through_fp ? 1 : 0);
  if (saved.offset % kWord != 0 || words <= 0 || words >= 1 << bits) return kDoesNotFit;
  return static_cast<PackedRule>(words);
}

[[nodiscard]] inline SavedRegister unpack_saved(PackedRule packed, bool through_fp) noexcept {
  if (packed == 0) return {};
  return {true, ((through_fp ? 1 : 0) - static_cast<std::int32_t>(packed)) * kWord};
}

[[nodiscard]] PackedRule pack_registers(const UnwindRule& rule, bool through_fp) noexcept {
  if constexpr (Machine::kReturnAddressIsExtra) {
    const PackedRule extra = pack_saved(rule.extra, through_fp, kSavedBits - 1);
    if (extra == kDoesNotFit) return kDoesNotFit;
    if (!rule.fp.is_saved) return extra << 1;
    const bool is_pair = rule.extra.is_saved && rule.fp.offset == rule.extra.offset - kWord;
    return is_pair ? extra << 1 | 1 : kDoesNotFit;
  } else {
    const PackedRule fp = pack_saved(rule.fp, through_fp, kSavedBits / 2);
    const PackedRule extra = pack_saved(rule.extra, through_fp, kSavedBits / 2);
    if (fp == kDoesNotFit || extra == kDoesNotFit) return kDoesNotFit;
    return fp << (kSavedBits / 2) | extra;
  }
}

}  // namespace

PackedRule pack(const UnwindRule& rule) noexcept {
  const std::int32_t words = rule.cfa_offset / kWord;
  if (rule.cfa_offset % kWord != 0 || words > kMaxCfaWords || words < -kMaxCfaWords) return 0;
  const PackedRule registers = pack_registers(rule, rule.kind == RuleKind::kThroughFp);
  if (registers == kDoesNotFit) return 0;
  constexpr PackedRule kCfaMask = 2 * kMaxCfaWords + 1;
  const PackedRule cfa = static_cast<PackedRule>(words) & kCfaMask;
  return (cfa << kSavedBits | registers) << kKindBits | static_cast<PackedRule>(rule.kind);
}

UnwindRule unpack(PackedRule packed) noexcept {
  UnwindRule rule;
  rule.kind = static_cast<RuleKind>(packed & ((1U << kKindBits) - 1));
  const bool through_fp = rule.kind == RuleKind::kThroughFp;
  const PackedRule registers = packed >> kKindBits & ((1U << kSavedBits) - 1);
  // To the top of the word and back, so that the sign comes along.
  constexpr unsigned kAbove = 32 - kPackedRuleBits;
  rule.cfa_offset =
      (static_cast<std::int32_t>(packed << kAbove) >> (kAbove + kKindBits + kSavedBits)) * kWord;
  if constexpr (Machine::kReturnAddressIsExtra) {
    rule.extra = unpack_saved(registers >> 1, through_fp);
    if ((registers & 1) != 0) rule.fp = {true, rule.extra.offset - kWord};
  } else {
    rule.fp = unpack_saved(registers >> (kSavedBits / 2), through_fp);
    rule.extra = unpack_saved(registers & ((1U << (kSavedBits / 2)) - 1), through_fp);
  }
  return rule;
}

}  // namespace luna

// SPDX-License-Identifier: MIT
// Of the registers only those of `Registers` are followed; of expressions only those that
// compilers and linkers write.
#include "telemetry/frame_program.hpp"

namespace luna {

namespace {

// DWARF 5, 7.24, and what GNU added; the names are those of the standard without DW_CFA_.
enum Instruction : std::uint8_t {
  kNop = 0x00,
  kSetLoc = 0x01,
  kAdvanceLoc1 = 0x02,
  kAdvanceLoc2 = 0x03,
  kAdvanceLoc4 = 0x04,
  kOffsetExtended = 0x05,
  kRestoreExtended = 0x06,
  kUndefined = 0x07,
  kSameValue = 0x08,
  kRegister = 0x09,
  kRememberState = 0x0a,
  kRestoreState = 0x0b,
  kDefCfa = 0x0c,
  kDefCfaRegister = 0x0d,
  kDefCfaOffset = 0x0e,
  kDefCfaExpression = 0x0f,
  kExpression = 0x10,
  kOffsetExtendedSf = 0x11,
  kDefCfaSf = 0x12,
  kDefCfaOffsetSf = 0x13,
  kValOffset = 0x14,
  kValOffsetSf = 0x15,
  kValExpression = 0x16,
  kAarch64NegateRaState = 0x2d,
  kGnuArgsSize = 0x2e,
  kGnuNegativeOffsetExtended = 0x2f,
  kAdvanceLoc = 0x40,  // these three hold an operand in their lower six bits
  kOffset = 0x80,
  kRestore = 0xc0,
};
constexpr std::uint8_t kOperandMask = 0x3f;

constexpr std::int64_t kMaxOffset = std::int64_t{1} << 30;

// An expression of the form: register + offset, or what lies there.
struct Address {
  std::uint64_t number = 0;
  std::int64_t offset = 0;
  bool is_through = false;
  bool is_understood = false;
};

[[nodiscard]] Address read_address(DwarfReader expression) noexcept {
  constexpr std::uint8_t kRegisterPlus = 0x70;  // and the register's number
  constexpr std::uint8_t kDereference = 0x06;
  constexpr std::uint8_t kRegisters = 32;
  Address address;
  const std::uint8_t first = expression.byte();
  if (first < kRegisterPlus || first >= kRegisterPlus + kRegisters) return address;
  address.number = first - kRegisterPlus;
  address.offset = expression.signed_number();
  if (!expression.at_end() && expression.byte() == kDereference) address.is_through = true;
  address.is_understood = expression.at_end() && !expression.has_failed();
  return address;
}

// An offset of the stack; one that no number holds is too large for any rule.
[[nodiscard]] std::int64_t scaled(std::int64_t units, std::int64_t unit) noexcept {
  std::int64_t offset = 0;
  return __builtin_mul_overflow(units, unit, &offset) ? INT64_MAX : offset;
}

// How linkers describe the procedure linkage table on x86-64, whose entries of 16 bytes push
// something at their end: sp + 8 + ((ip & 15) >= N) << 3. Returns N, or 0: it is not so.
[[nodiscard]] std::uint8_t read_plt_push(DwarfReader expression) noexcept {
  constexpr std::array<std::uint8_t, 11> kForm = {0x77, 8,    0x80, 0,    0x3f, 0x1a,
                                                  0x30, 0x2a, 0x33, 0x24, 0x22};
  constexpr std::size_t kPlaceOfLiteral = 6;
  constexpr std::uint8_t kLiteral0 = 0x30;
  constexpr std::uint8_t kLiterals = 16;
  std::uint8_t push = 0;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const std::uint8_t next = expression.byte();
    if (i != kPlaceOfLiteral && next != kForm[i]) return 0;
    if (i == kPlaceOfLiteral) push = static_cast<std::uint8_t>(next - kLiteral0);
  }
  return expression.at_end() && push < kLiterals ? push : std::uint8_t{0};
}

}  // namespace

UnwindRule FrameProgram::rule_at(std::uintptr_t code) noexcept {
  location_ = frame_.begin;
  run(frame_.common_program, code);
  initial_ = row_;
  run(frame_.program, code);
  return failed_ ? UnwindRule{} : as_rule(code);
}

void FrameProgram::run(DwarfReader program, std::uintptr_t code) noexcept {
  while (!program.at_end() && !failed_ && location_ <= code) {
    const std::uint8_t instruction = program.byte();
    const bool is_known =
        execute_packed(instruction, program) || execute_cfa(instruction, program) ||
        execute_register(instruction, program) || execute_advance(instruction, program) ||
        execute_state(instruction, program);
    if (!is_known || program.has_failed()) failed_ = true;
  }
}

void FrameProgram::advance(std::uint64_t units) noexcept { location_ += units * frame_.code_unit; }

bool FrameProgram::execute_packed(std::uint8_t instruction, DwarfReader& program) noexcept {
  const std::uint8_t operand = instruction & kOperandMask;
  switch (instruction & ~kOperandMask) {
    case kAdvanceLoc:
      advance(operand);
      return true;
    case kOffset: {
      const auto units = static_cast<std::int64_t>(program.unsigned_number());
      set(operand, Place::kFromCfa, scaled(units, frame_.data_unit));
      return true;
    }
    case kRestore:
      restore(operand);
      return true;
    default:
      return false;
  }
}

bool FrameProgram::execute_advance(std::uint8_t instruction, DwarfReader& program) noexcept {
  switch (instruction) {
    case kSetLoc:
      location_ = program.pointer(frame_.pointer_encoding);
      return true;
    case kAdvanceLoc1:
      advance(program.fixed<std::uint8_t>());
      return true;
    case kAdvanceLoc2:
      advance(program.fixed<std::uint16_t>());
      return true;
    case kAdvanceLoc4:
      advance(program.fixed<std::uint32_t>());
      return true;
    default:
      return false;
  }
}

bool FrameProgram::execute_cfa(std::uint8_t instruction, DwarfReader& program) noexcept {
  switch (instruction) {
    case kDefCfa: {
      const std::uint64_t number = program.unsigned_number();
      define_cfa(number, static_cast<std::int64_t>(program.unsigned_number()));
      return true;
    }
    case kDefCfaSf: {
      const std::uint64_t number = program.unsigned_number();
      define_cfa(number, scaled(program.signed_number(), frame_.data_unit));
      return true;
    }
    case kDefCfaRegister:
      define_cfa(program.unsigned_number(), row_.cfa_offset);
      return true;
    case kDefCfaOffset:
      define_cfa(row_.cfa_register, static_cast<std::int64_t>(program.unsigned_number()));
      return true;
    case kDefCfaOffsetSf:
      define_cfa(row_.cfa_register, scaled(program.signed_number(), frame_.data_unit));
      return true;
    case kDefCfaExpression:
      define_cfa(program.block(program.unsigned_number()));
      return true;
    default:
      return false;
  }
}

bool FrameProgram::execute_register(std::uint8_t instruction, DwarfReader& program) noexcept {
  if (instruction < kOffsetExtended || instruction == kRememberState ||
      instruction == kRestoreState || instruction == kGnuArgsSize ||
      instruction == kAarch64NegateRaState)
    return false;
  const std::uint64_t number = program.unsigned_number();
  switch (instruction) {
    case kOffsetExtended:
    case kGnuNegativeOffsetExtended: {
      const std::uint64_t units = program.unsigned_number();
      const bool is_negative = instruction == kGnuNegativeOffsetExtended;
      const auto signed_units = static_cast<std::int64_t>(is_negative ? 0 - units : units);
      set(number, Place::kFromCfa, scaled(signed_units, frame_.data_unit));
      return true;
    }
    case kOffsetExtendedSf:
      set(number, Place::kFromCfa, scaled(program.signed_number(), frame_.data_unit));
      return true;
    case kRestoreExtended:
      restore(number);
      return true;
    case kUndefined:
      set(number, Place::kUndefined);
      return true;
    case kSameValue:
      set(number, Place::kUnchanged);
      return true;
    case kRegister:
    case kValOffset:
    case kValOffsetSf:
      static_cast<void>(program.unsigned_number());
      set(number, Place::kElsewhere);
      return true;
    case kExpression:
      set(number, program.block(program.unsigned_number()));
      return true;
    case kValExpression:
      program.skip(program.unsigned_number());
      set(number, Place::kElsewhere);
      return true;
    default:
      return false;
  }
}

bool FrameProgram::execute_state(std::uint8_t instruction, DwarfReader& program) noexcept {
  switch (instruction) {
    case kNop:
    case kAarch64NegateRaState:  // the signature is taken off every return address
      return true;
    case kGnuArgsSize:
      static_cast<void>(program.unsigned_number());
      return true;
    case kRememberState:
      if (remembered_count_ == kMaxRemembered) return false;
      remembered_[remembered_count_++] = row_;
      return true;
    case kRestoreState:
      if (remembered_count_ == 0) return false;
      row_ = remembered_[--remembered_count_];
      return true;
    default:
      return false;
  }
}

void FrameProgram::define_cfa(std::uint64_t number, std::int64_t offset) noexcept {
  const bool fits = number <= UINT8_MAX && offset < kMaxOffset && offset > -kMaxOffset;
  row_.cfa_kind = fits ? CfaKind::kFromRegister : CfaKind::kElsewhere;
  row_.cfa_register = fits ? static_cast<std::uint8_t>(number) : std::uint8_t{0};
  row_.cfa_offset = fits ? static_cast<std::int32_t>(offset) : 0;
}

void FrameProgram::define_cfa(DwarfReader expression) noexcept {
  const std::uint8_t plt_push = read_plt_push(expression);
  const Address address = read_address(expression);
  define_cfa(address.number, plt_push != 0 ? plt_push : address.offset);
  if (plt_push != 0)
    row_.cfa_kind = CfaKind::kAfterPlt;
  else if (!address.is_understood)
    row_.cfa_kind = CfaKind::kElsewhere;
  else if (address.is_through)
    row_.cfa_kind = CfaKind::kThroughRegister;
}

void FrameProgram::set(std::uint64_t number, Place place, std::int64_t offset) noexcept {
  const bool fits = offset < kMaxOffset && offset > -kMaxOffset;
  const Column column = {fits ? place : Place::kElsewhere,
                         fits ? static_cast<std::int32_t>(offset) : 0};
  if (number == Machine::kFp) row_.fp = column;
  if (number == Machine::kExtra) row_.extra = column;
  if (number == frame_.return_address_register) row_.return_address = column;
}

void FrameProgram::set(std::uint64_t number, DwarfReader expression) noexcept {
  const Address address = read_address(expression);
  const bool is_from_fp =
      address.is_understood && !address.is_through && address.number == Machine::kFp;
  set(number, is_from_fp ? Place::kFromFp : Place::kElsewhere, address.offset);
}

void FrameProgram::restore(std::uint64_t number) noexcept {
  if (number == Machine::kFp) row_.fp = initial_.fp;
  if (number == Machine::kExtra) row_.extra = initial_.extra;
  if (number == frame_.return_address_register) row_.return_address = initial_.return_address;
}

UnwindRule FrameProgram::as_rule(std::uintptr_t code) const noexcept {
  if (frame_.is_signal_frame) return {RuleKind::kSignal, 0, {}, {}};
  if (row_.return_address.place == Place::kUndefined) return {RuleKind::kEnd, 0, {}, {}};
  if (frame_.return_address_register != Machine::kReturnAddress) return {};
  constexpr std::int32_t kRightBelowCfa = -8;
  if (!Machine::kReturnAddressIsExtra && (row_.return_address.place != Place::kFromCfa ||
                                          row_.return_address.offset != kRightBelowCfa))
    return {};

  UnwindRule rule = cfa_rule(code);
  const Place saved = rule.kind == RuleKind::kThroughFp ? Place::kFromFp : Place::kFromCfa;
  for (const Column& column : {row_.fp, row_.extra})
    if (column.place != saved && column.place != Place::kUnchanged) return {};
  rule.fp = {row_.fp.place == saved, row_.fp.offset};
  rule.extra = {row_.extra.place == saved, row_.extra.offset};
  return rule.kind == RuleKind::kNone ? UnwindRule{} : rule;
}

// A rule that says the CFA alone.
UnwindRule FrameProgram::cfa_rule(std::uintptr_t code) const noexcept {
  constexpr std::uintptr_t kPltEntryBytes = 16;
  const auto push = static_cast<std::uintptr_t>(row_.cfa_offset);
  const bool is_from_fp = row_.cfa_register == Machine::kFp;
  switch (row_.cfa_kind) {
    case CfaKind::kAfterPlt:
      return {RuleKind::kFromSp, code % kPltEntryBytes >= push ? 16 : 8, {}, {}};
    case CfaKind::kThroughRegister:
      return {is_from_fp ? RuleKind::kThroughFp : RuleKind::kNone, row_.cfa_offset, {}, {}};
    case CfaKind::kFromRegister:
      if (is_from_fp) return {RuleKind::kFromFp, row_.cfa_offset, {}, {}};
      if (row_.cfa_register == Machine::kSp) return {RuleKind::kFromSp, row_.cfa_offset, {}, {}};
      if (row_.cfa_register == Machine::kExtra)
        return {RuleKind::kFromExtra, row_.cfa_offset, {}, {}};
      return {};
    default:
      return {};
  }
}

}  // namespace luna

// SPDX-License-Identifier: MIT
// Runs the program of a function's entry in .eh_frame (frame_table.hpp) up to one address,
// which makes the unwind rule that holds there.
#pragma once

#include "telemetry/frame_table.hpp"
#include "telemetry/unwind_rule.hpp"

#include <array>
#include <cstdint>

namespace luna {

// On the stack of the one who makes it: some 500 bytes.
class FrameProgram {
 public:
  explicit FrameProgram(const FrameDescription& frame) noexcept : frame_(frame) {}

  // Of kind kNone where the rule cannot be said as an UnwindRule.
  [[nodiscard]] UnwindRule rule_at(std::uintptr_t code) noexcept;

 private:
  enum class Place : std::uint8_t { kUnchanged, kFromCfa, kFromFp, kUndefined, kElsewhere };
  enum class CfaKind : std::uint8_t { kFromRegister, kThroughRegister, kAfterPlt, kElsewhere };

  struct Column {
    Place place = Place::kUnchanged;
    std::int32_t offset = 0;
  };

  // A row of the table that the program describes.
  struct Row {
    CfaKind cfa_kind = CfaKind::kElsewhere;
    std::uint8_t cfa_register = 0;
    std::int32_t cfa_offset = 0;
    Column fp;
    Column extra;
    Column return_address;
  };

  void run(DwarfReader program, std::uintptr_t code) noexcept;
  void advance(std::uint64_t units) noexcept;
  [[nodiscard]] bool execute_packed(std::uint8_t instruction, DwarfReader& program) noexcept;
  [[nodiscard]] bool execute_advance(std::uint8_t instruction, DwarfReader& program) noexcept;
  [[nodiscard]] bool execute_cfa(std::uint8_t instruction, DwarfReader& program) noexcept;
  [[nodiscard]] bool execute_register(std::uint8_t instruction, DwarfReader& program) noexcept;
  [[nodiscard]] bool execute_state(std::uint8_t instruction, DwarfReader& program) noexcept;
  void define_cfa(std::uint64_t number, std::int64_t offset) noexcept;
  void define_cfa(DwarfReader expression) noexcept;
  void set(std::uint64_t number, Place place, std::int64_t offset = 0) noexcept;
  void set(std::uint64_t number, DwarfReader expression) noexcept;
  void restore(std::uint64_t number) noexcept;
  [[nodiscard]] UnwindRule as_rule(std::uintptr_t code) const noexcept;
  [[nodiscard]] UnwindRule cfa_rule(std::uintptr_t code) const noexcept;

  static constexpr std::size_t kMaxRemembered = 8;

  const FrameDescription& frame_;
  std::uintptr_t location_ = 0;
  Row row_;
  Row initial_;
  std::array<Row, kMaxRemembered> remembered_;
  std::size_t remembered_count_ = 0;
  bool failed_ = false;
};

}  // namespace luna

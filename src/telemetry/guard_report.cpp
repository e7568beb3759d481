// SPDX-License-Identifier: MIT
#include "telemetry/guard_report.hpp"

#include "base/align.hpp"
#include "telemetry/stack_report.hpp"

namespace luna {

std::string_view name_of(MistakeKind kind) noexcept {
  switch (kind) {
    case MistakeKind::kBeyond:
    case MistakeKind::kWrittenBeyond:
      return "overflow";
    case MistakeKind::kBefore:
    case MistakeKind::kWrittenBefore:
      return "underflow";
    case MistakeKind::kUseAfterFree:
      return "use after free";
    case MistakeKind::kDoubleFree:
      return "double free of";
    case MistakeKind::kInteriorFree:
      return "free of interior pointer";
    case MistakeKind::kResizeOfFreed:
      return "realloc of a freed block";
    case MistakeKind::kInteriorResize:
      return "realloc of interior pointer";
  }
  return "mistake";
}

namespace {

[[nodiscard]] bool is_access(MistakeKind kind) noexcept {
  return kind == MistakeKind::kBeyond || kind == MistakeKind::kBefore ||
         kind == MistakeKind::kUseAfterFree;
}

[[nodiscard]] bool is_found_by_free(MistakeKind kind) noexcept {
  return kind == MistakeKind::kWrittenBeyond || kind == MistakeKind::kWrittenBefore;
}

void add_count(Output& out, std::uint64_t bytes) noexcept {
  out.add_decimal(bytes).add(bytes == 1 ? " byte " : " bytes ");
}

// The first byte behind a block is 1 byte behind its end, as the last before it is 1 before.
void add_place(Output& out, const GuardedBlock& block, std::uintptr_t address) noexcept {
  const std::uintptr_t begin = address_of(block.memory);
  const std::uintptr_t end = begin + block.bytes;
  if (address < begin) {
    add_count(out, begin - address);
    out.add("before the start of");
  } else if (address >= end) {
    add_count(out, address - end + 1);
    out.add("beyond the end of");
  } else if (address > begin) {
    add_count(out, address - begin);
    out.add("behind the start of");
  } else {
    out.add("the start of");
  }
}

void add_headline(Output& out, const GuardMistake& mistake, std::string_view access) noexcept {
  const GuardedBlock& block = *mistake.block;
  const bool was_written = is_found_by_free(mistake.kind);
  out.add("lunalloc: ").add(name_of(mistake.kind));
  if (is_access(mistake.kind)) out.add(": ").add(access).add(" at");
  if (was_written) out.add(": found when it was freed, a write at");
  out.add(" ").add_hex(mistake.address).add(", ");
  add_place(out, block, mistake.address);
  out.add(block.is_freed() && !was_written ? " a freed block of " : " a block of ");
  add_count(out, block.bytes);
  out.add("at ").add_hex(address_of(block.memory));
  if (block.heap_name[0] != '\0') out.add(" of heap \"").add(block.heap_name.data()).add("\"");
  out.add("\n");
}

}  // namespace

void write_guard_report(const GuardMistake& mistake, const GuardMoment& now, Modules modules,
                        Output& out) noexcept {
  const GuardedBlock& block = *mistake.block;
  const auto stack_of = [](const GuardStack& stack) noexcept -> Stack {
    return {stack.frames.data(), stack.depth};
  };
  add_headline(out, mistake, now.access);
  write_stack(out, "allocated by", block.allocated.thread, stack_of(block.allocated), modules);
  if (block.is_freed())
    write_stack(out, "freed by", block.freed.thread, stack_of(block.freed), modules);
  // Else it is the stack of the free, which is now.
  if (!is_found_by_free(mistake.kind)) write_stack(out, "now in", now.thread, now.stack, modules);
}

}  // namespace luna

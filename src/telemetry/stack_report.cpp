// SPDX-License-Identifier: MIT
#include "telemetry/stack_report.hpp"

#include "telemetry/frames.hpp"

namespace luna {

namespace {

void add_age(Output& out, std::uint64_t nanoseconds) noexcept {
  constexpr std::uint64_t kUs = 1'000;
  constexpr std::uint64_t kMs = 1'000'000;
  constexpr std::uint64_t kS = 1'000'000'000;
  if (nanoseconds < 10 * kMs) {
    out.add_decimal(nanoseconds / kUs).add(" us");
  } else if (nanoseconds < 10 * kS) {
    out.add_decimal(nanoseconds / kMs).add(" ms");
  } else {
    out.add_decimal(nanoseconds / kS).add(" s");
  }
}

}  // namespace

void write_stack(Output& out, std::string_view what, std::uint64_t thread, Stack stack,
                 Modules modules) noexcept {
  out.add("  ").add(what).add(" thread ").add_decimal(thread).add(":\n");
  for (std::size_t i = 0; i < stack.depth; ++i) {
    out.add("    ");
    add_frame(out, modules, stack.frames[i]);
    out.add("\n");
  }
  if (stack.depth == 0) out.add("    (no stack)\n");
}

void write_block_story(Output& out, const BlockStory& story, Modules modules) noexcept {
  out.add("  the block: ").add_decimal(story.bytes).add(story.bytes == 1 ? " byte" : " bytes");
  out.add(" at ").add_hex(story.address);
  if (story.is_freed) {
    out.add(", freed ");
    add_age(out, story.freed_ago_ns);
    out.add(" ago");
  }
  out.add("\n");
  write_stack(out, "allocated by", story.allocated_thread, story.allocated, modules);
  if (story.is_freed)
    write_stack(out, "freed by", story.freed_thread, {story.freed.frames.data(), story.freed.depth},
                modules);
}

}  // namespace luna

// SPDX-License-Identifier: MIT
// What follows the line of a mistake, once samples were taken: the stack of the call that noticed
// it, and of a block that is or was a sample, who allocated and who freed it.
#include "preload/mistakes.hpp"

#include "os/environment.hpp"
#include "os/lock.hpp"
#include "preload/error_output.hpp"
#include "preload/process.hpp"
#include "telemetry/stack_report.hpp"

#include <array>

namespace luna {

namespace {

constexpr std::size_t kMaxDepth = 32;

// Apart from the stack, which may be a signal handler's and small. Nobody waits for the lock: who
// does not get it is a second thread with a mistake, or died while it wrote a report.
struct Reporter {
  os::Lock lock;
  std::array<std::uintptr_t, kMaxDepth> frames{};
  BlockStory story;
  ErrorOutput output;
};

constinit Reporter reporter;

// Requires: the reporter's lock is held.
void write_stacks(const void* pointer) noexcept {
  ModuleTable modules;
  static_cast<void>(modules.load());  // else frames are plain addresses
  Profiler& profiler = process.profiler();
  const std::size_t depth = profiler.walk(reporter.frames.data(), reporter.frames.size());
  Output out(&ErrorOutput::write, &reporter.output);
  switch (profiler.find_block(pointer, reporter.story)) {
    case Known::kYes:
      write_block_story(out, reporter.story, modules.modules());
      break;
    case Known::kBusy:
      out.add("  (stacks unavailable: the table of samples is in use)\n");
      break;
    case Known::kNo:
      out.add("  (no sample: who allocated or freed it is not known)\n");
      break;
  }
  write_stack(out, "now in", os::thread_id(), {reporter.frames.data(), depth}, modules.modules());
  reporter.output.flush();
}

}  // namespace

void write_mistake_stacks(const void* pointer) noexcept {
  if (!process.profiler().begun()) return;
  if (!reporter.lock.try_lock())
    return write_error("  (stacks unavailable: another report is being written)\n");
  write_stacks(pointer);
  reporter.lock.unlock();
}

}  // namespace luna

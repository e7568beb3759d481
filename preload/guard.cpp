// SPDX-License-Identifier: MIT
#include "preload/guard.hpp"

#include "base/check.hpp"
#include "os/environment.hpp"
#include "os/fault.hpp"
#include "os/lock.hpp"
#include "preload/black_box.hpp"
#include "preload/error_output.hpp"
#include "preload/slow_path.hpp"
#include "telemetry/guard_report.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>

namespace luna {

namespace {

// What reports need, apart from the stack, which may be a signal handler's and small. The lock
// is held while one is written, and nobody makes a mistake meanwhile.
struct Reporter {
  os::Lock lock;
  std::array<std::uintptr_t, GuardStack::kMaxDepth> frames{};
  ErrorOutput output;
};

constinit os::FaultHandler fault_handler;
constinit Reporter reporter;

[[nodiscard]] bool dies() noexcept { return process.options().guard_action == GuardAction::kDie; }

[[nodiscard]] std::string_view name_of(os::Access access) noexcept {
  if (access == os::Access::kRead) return "read";
  return access == os::Access::kWrite ? "write" : "access";
}

// Requires: the lock is held, and the frames are those of now.
void write_report(const GuardMistake& mistake, std::string_view access,
                  std::size_t depth) noexcept {
  note_guard_report(name_of(mistake.kind));
  ModuleTable modules;
  static_cast<void>(modules.load());  // else frames are plain addresses
  Output out(&ErrorOutput::write, &reporter.output);
  const GuardMoment now = {access, {reporter.frames.data(), depth}, os::thread_id()};
  write_guard_report(mistake, now, modules.modules(), out);
  reporter.output.flush();
}

// A mistake that a call of ours has noticed.
void report_call(void*, const GuardMistake& mistake) noexcept {
  {
    os::ScopedLock guard(reporter.lock);
    const std::size_t depth =
        process.profiler().walk(reporter.frames.data(), reporter.frames.size());
    write_report(mistake, "access", depth);
  }
  if (dies()) std::abort();
}

void report_fault(const GuardMistake& mistake, const os::Fault& fault) noexcept {
  const SlowPath path;
  os::ScopedLock guard(reporter.lock);  // first, lest the process die while another writes
  if (mistake.block->reported.exchange(true, std::memory_order_relaxed)) return;
  const Registers start = {fault.ip, fault.sp, fault.fp, fault.extra};
  const std::size_t depth =
      process.profiler().walk_from(start, reporter.frames.data(), reporter.frames.size());
  write_report(mistake, name_of(fault.access), depth);
}

// The handler of SIGSEGV. Where the program shall die, it does so of the fault, which happens
// again when this returns: with the core, and the handler, that it would have had without us.
void on_fault(int signal, siginfo_t* info, void* context) noexcept {
  const int error = errno;
  const os::Fault fault = os::fault_of(info, context);
  GuardMistake mistake = {MistakeKind::kBeyond, nullptr, 0};
  if (fault.is_protection) mistake = process.allocator().guarded().explain(fault.address);
  if (mistake.block == nullptr) {
    fault_handler.forward(signal, info, context);
  } else {
    report_fault(mistake, fault);
    if (dies()) {
      fault_handler.restore();
    } else {
      process.allocator().guarded().open(fault.address);
    }
  }
  errno = error;
}

// False: the kernel refuses.
[[nodiscard]] bool begin_slots() noexcept {
  const GuardObserver observer = {nullptr,
                                  [](void*, std::uintptr_t* frames, std::size_t depth) noexcept {
                                    return process.profiler().walk(frames, depth);
                                  },
                                  &report_call};
  // The handler first: it looks at slots only once there are some.
  return fault_handler.install(&on_fault) &&
         process.allocator().guarded().begin(process.options().guard_slots, 0, observer);
}

}  // namespace

void begin_guard() noexcept {
  const Options& options = process.options();
  if (options.guard_samples == 0 || !options.enabled) return;
  if (!begin_slots() || !process.allocator().guarded().set_one_in(options.guard_samples))
    write_error("lunalloc: the kernel refuses memory or a signal handler; nothing is guarded\n");
}

// There may be no samples, by which stacks are walked else.
bool begin_heap_guards() noexcept {
  process.profiler().begin_walks();
  return begin_slots();
}

void resume_guard_in_child() noexcept { reporter.lock.reset_in_child(); }

}  // namespace luna

// SPDX-License-Identifier: MIT
// The heap profiler: what is sampled, from where it was allocated, and what of it lives.
#pragma once

#include "base/function_pointer.hpp"
#include "base/relaxed.hpp"
#include "heap/samples.hpp"
#include "os/lock.hpp"
#include "telemetry/cpu_share.hpp"
#include "telemetry/dump_triggers.hpp"
#include "telemetry/freed_blocks.hpp"
#include "telemetry/history.hpp"
#include "telemetry/label_table.hpp"
#include "telemetry/leak_profile.hpp"
#include "telemetry/live_sites.hpp"
#include "telemetry/live_table.hpp"
#include "telemetry/patterns.hpp"
#include "telemetry/peak.hpp"
#include "telemetry/profile.hpp"
#include "telemetry/runtime_frame_table.hpp"
#include "telemetry/site_table.hpp"
#include "telemetry/stack_walker.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

class Allocator;
class Reachability;

struct ProfilerLimits {
  std::size_t table_bytes = std::size_t{16} << 20;  // for sites and live samples together
  std::size_t depth = 64;                           // frames of a stack
  std::uint64_t temporary_ns = 100'000;             // what lives no longer is temporary
  std::uint64_t cpu_percent = 0;                    // that samples may take; 0: as they do
};

// What the tables of a profiler take.
struct ProfilerUsage {
  std::size_t touched_bytes = 0;  // that the kernel backs
  std::size_t reserved_bytes = 0;
  std::size_t live_samples = 0;
  std::size_t sites = 0;
  std::uint64_t dropped_samples = 0;
};

// What live samples stand for: bytes that were asked for, and those of their blocks.
struct LiveBytes {
  std::size_t samples = 0;
  double requested = 0;
  double blocks = 0;
};

// What is known of a block that is a sample, or was one and is free.
struct BlockStory {
  std::uintptr_t address = 0;
  std::uint64_t bytes = 0;             // that the program asked for
  Stack allocated;                     // good for ever
  std::uint64_t allocated_thread = 0;  // as the kernel knows it; 0: not known any more
  bool is_freed = false;
  FreedBlock freed;  // of these only if it is
  std::uint64_t freed_thread = 0;
  std::uint64_t freed_ago_ns = 0;
};

enum class Known : std::uint8_t { kNo, kYes, kBusy };

// Threads: any. One lock inside, under which nothing is allocated and no stack is walked.
class Profiler {
 public:
  static constexpr std::size_t kMaxDepth = 256;

  constexpr explicit Profiler(Allocator& allocator) noexcept : allocator_(allocator) {}
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  // Begins to take samples, one for so many bytes on the average (1: every block), or
  // changes how many. False: no memory; nothing has changed. Not for signal handlers.
  [[nodiscard]] bool start(std::uint64_t interval, const ProfilerLimits& limits) noexcept;

  // From now on, of these, all but the memory of tables, which is that of the first start.
  void change_limits(const ProfilerLimits& limits) noexcept;

  // Takes no more samples. Those that live are watched on until they are freed.
  void stop() noexcept;

  [[nodiscard]] std::uint64_t interval() const noexcept {
    return interval_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool running() const noexcept { return interval() != 0; }

  // Growth is measured from now on, instead of from the start. Slow: looks at all sites.
  void mark() noexcept;

  // Calls `use(const Profile&)` with a profile of this moment. False: no memory.
  template <typename Use>
  [[nodiscard]] bool with_profile(Use use, ProfileKind kind = ProfileKind::kHeap) noexcept {
    Profile profile;
    profile.kind = kind;
    const bool done = take_snapshot(profile);
    if (done) use(profile);
    drop_snapshot(profile);
    return done;
  }

  // The same with `use(const LeakProfile&)`: how it came to be so, and if prove() found it
  // before, what nothing points to.
  template <typename Use>
  [[nodiscard]] bool with_leaks(Use use, const Reachability* proof = nullptr) noexcept {
    LeakProfile profile;
    const bool done = take_leaks(profile, proof);
    if (done) use(profile);
    drop_leaks(profile);
    return done;
  }

  // Which sites most bytes live of. Maps no memory, as profiles do; looks at all sites.
  void find_live_sites(LiveSites& sites) noexcept;

  // Finds the samples that nothing points to. Returns 0 or an errno value: ENOENT if samples
  // were never taken, EBUSY while another thread is at it, else as Reachability::run().
  [[nodiscard]] int prove(Reachability& proof) noexcept;

  // Slow: asks the kernel.
  [[nodiscard]] ProfilerUsage usage() noexcept;

  // Calls visit(const void* table, std::size_t bytes) for each of its tables.
  template <typename Visit>
  void for_each_table(Visit visit) noexcept {
    if (labels_.memory() != nullptr) visit(labels_.memory(), labels_.bytes());
    if (!begun()) return;
    os::ScopedLock guard(lock_);
    visit(sites_.memory(), sites_.bytes());
    visit(live_.memory(), live_.bytes());
    visit(static_cast<const void*>(patterns_), sizeof(Patterns));
    visit(static_cast<const void*>(freed_), sizeof(FreedBlocks));
    if (walker_.cache_memory() != nullptr) visit(walker_.cache_memory(), RuleCache::kBytes);
  }

  // What is known of the block that has the byte at `pointer`. Waits for no lock: kBusy if that
  // of the profiler is held, maybe by the calling thread. Looks at all samples.
  [[nodiscard]] Known find_block(const void* pointer, BlockStory& story) noexcept;

  // What the program asked for, of the sample that starts at `pointer`. False: it is none, or the
  // lock is held, for which nobody waits.
  [[nodiscard]] bool find_requested_bytes(const void* pointer, std::uint64_t& bytes) noexcept;

  // Of the live samples, with what each stands for. Looks at all of them, under the lock.
  [[nodiscard]] LiveBytes live_bytes() noexcept;

  // Told of what lives.
  [[nodiscard]] DumpTriggers& triggers() noexcept { return triggers_; }

  // fork(): hold what must not change, let go, or start anew in the child.
  void prepare_fork() noexcept {
    lock_.lock();
    labels_.prepare_fork();
    runtime_frames_.prepare_fork();
  }
  void resume_parent() noexcept {
    runtime_frames_.resume_parent();
    labels_.resume_parent();
    lock_.unlock();
  }
  void resume_child() noexcept;

  // The calling thread ends: a new one may soon be taken for it.
  void end_thread() noexcept;

  // Frames of this code are left out where a stack begins. Before the first start().
  void set_own_code(CodeRange code) noexcept { own_code_ = code; }

  // Where the calling thread's set of labels is found, for each sample. Before the first start().
  using LabelSource = std::uint32_t (*)() noexcept;
  void set_label_source(LabelSource source) noexcept { label_source_ = source; }
  [[nodiscard]] LabelTable& labels() noexcept { return labels_; }

  // What a runtime says of the calling thread, for each sample: frames that it has named, at
  // most so many, the innermost first. No lock is held. Before the first start().
  struct RuntimeStack {
    std::size_t depth = 0;
    bool is_whole = false;  // addresses of code are not wanted behind them
  };
  using FrameSource = RuntimeStack (*)(std::uintptr_t* frames, std::size_t most) noexcept;
  void set_frame_source(FrameSource source) noexcept { frame_source_ = source; }
  [[nodiscard]] RuntimeFrameTable& runtime_frames() noexcept { return runtime_frames_; }

  // To be called when code went that may have been on a stack.
  void forget_code() noexcept { walker_.forget(); }

  // The stack of the calling thread, for others than samples. Requires: begun(), or
  // begin_walks(), without which there are none.
  void begin_walks() noexcept { static_cast<void>(walker_.load()); }
  [[nodiscard]] std::size_t walk(std::uintptr_t* frames, std::size_t depth) noexcept {
    return walker_.walk(frames, depth, own_code_);
  }

  // The same of a function that was interrupted, which comes first.
  [[nodiscard]] std::size_t walk_from(const Registers& start, std::uintptr_t* frames,
                                      std::size_t depth) noexcept;

  // Whether it was ever started.
  [[nodiscard]] bool begun() const noexcept {
    return begun_.load(std::memory_order_acquire);  // pairs with the release in begin()
  }

 private:
  [[nodiscard]] bool begin(const ProfilerLimits& limits) noexcept;
  [[nodiscard]] bool take_snapshot(Profile& profile) noexcept;
  [[nodiscard]] ProfileRow row_of(Site& site, std::uint64_t age_ms) const noexcept;
  void drop_snapshot(Profile& profile) noexcept;
  [[nodiscard]] bool take_leaks(LeakProfile& profile, const Reachability* proof) noexcept;
  void drop_leaks(LeakProfile& profile) noexcept;

  // profiler_cost.cpp
  void take_limits(const ProfilerLimits& limits) noexcept;
  void set_interval(std::uint64_t interval) noexcept;
  void apply_interval(std::uint64_t interval) noexcept;
  void review_interval() noexcept;
  [[nodiscard]] bool measure_allocated(const SampledBlock& block) noexcept;
  [[nodiscard]] bool measure_freed(void* memory) noexcept;
  [[nodiscard]] bool measure_resized(const SampledBlock& block) noexcept;

  // profiler_blocks.cpp
  [[nodiscard]] bool begin_freed() noexcept;
  void take_stack_of_free(FreedBlock& freed) noexcept;
  [[nodiscard]] std::uint64_t id_of_thread(std::uint32_t number) const noexcept;
  [[nodiscard]] const LiveSample* find_live(std::uintptr_t address) noexcept;

  [[nodiscard]] std::size_t take_stack(std::uintptr_t* frames) noexcept;
  [[nodiscard]] bool allocated(const SampledBlock& block) noexcept;
  [[nodiscard]] bool freed(void* memory) noexcept;
  [[nodiscard]] bool resized(const SampledBlock& block) noexcept;
  [[nodiscard]] bool stays_sampled(double weight, double new_weight) noexcept;
  void drop_live(LiveSample& sample) noexcept;
  void count_size(Site& site, LiveSample& sample, double old_weight) noexcept;
  void moved(void* from, void* to) noexcept;
  void note_allocated(Site& site, const LiveSample& sample) noexcept;
  void note_changed(Site& site, const Amount& before, const Amount& after) noexcept;
  void note_freed(Site& site, const LiveSample& sample, std::uint64_t now_ns) noexcept;
  [[nodiscard]] std::uint64_t age_ns(std::uint64_t now_ns) const noexcept;
  [[nodiscard]] SiteActivity activity_of(Site& site, std::uint64_t age_ms) const noexcept;
  [[nodiscard]] bool copy_patterns(Profile& profile) noexcept;
  [[nodiscard]] bool is_full() noexcept;
  [[nodiscard]] bool drop() noexcept;

  Allocator& allocator_;
  os::Lock lock_;
  std::atomic<bool> begun_{false};
  std::atomic<bool> proving_{false};
  Relaxed<std::size_t> depth_ = 0;
  CodeRange own_code_;
  std::atomic<std::uint64_t> interval_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> unlabelled_{0};
  std::atomic<std::uint64_t> last_interval_{0};  // that was not 0
  std::uint64_t began_ns_ = 0;
  std::uint64_t started_ns_ = 0;  // by the clock that never goes back
  std::uint64_t marked_ns_ = 0;   // by the same
  std::uint64_t temporary_ns_ = 0;
  std::uint64_t cpu_percent_ = 0;
  CpuShare share_;
  DumpTriggers triggers_;
  Peak peak_;
  RoundingNoise noise_;
  WorkClock clock_;  // of the sites' histories
  FunctionPointer<LabelSource> label_source_;
  LabelTable labels_;
  FunctionPointer<FrameSource> frame_source_;
  RuntimeFrameTable runtime_frames_;
  SiteTable sites_;
  LiveTable live_;
  Patterns* patterns_ = nullptr;  // mapped by begin()
  FreedBlocks* freed_ = nullptr;  // the same
  StackWalker walker_;
};

}  // namespace luna

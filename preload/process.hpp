// SPDX-License-Identifier: MIT
// The one allocator of the process, and what ties it to threads, forks and exit.
#pragma once

#include "blackbox/black_box.hpp"
#include "control/option_changes.hpp"
#include "control/options.hpp"
#include "heap/allocator.hpp"
#include "heap/pool_list.hpp"
#include "heap/signal_reserve.hpp"
#include "heap/thread_parts.hpp"
#include "os/file_thread.hpp"
#include "os/perf_counter.hpp"
#include "os/worker_thread.hpp"
#include "pressure/event_sources.hpp"
#include "pressure/pressure.hpp"
#include "server/server.hpp"
#include "telemetry/file_quota.hpp"
#include "telemetry/frame_callback.hpp"
#include "telemetry/limit_watch.hpp"
#include "telemetry/profiler.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

struct luna_frame_stack;

namespace luna {

struct DeferredFree;
class SlowPath;

// What a thread has of ours in its static TLS.
struct ThreadState {
  // Requires: the thread is in a slow path.
  [[nodiscard]] ThreadHeap* heap() const noexcept { return heap_of(aside); }

  ThreadCache* cache = &no_cache;  // that of the fast paths
  ThreadCache* aside = nullptr;    // the thread's, while it is in a SlowPath; nullptr: it is not
  std::atomic<DeferredFree*> deferred{nullptr};  // what handlers freed meanwhile
  std::uint8_t frees_without_heap = 0;
  std::uint8_t exit_rounds = 0;    // how often the exit hook has run
  bool ended = false;              // it ran for the last time
  bool awaits = false;             // it waits for subscribers, since it was refused memory
  std::uint32_t labels = 0;        // a set of the profiler's LabelTable
  NamedHeap* entered = nullptr;    // where it allocates
  NamedHeap* at = nullptr;         // of which it takes a block just now
  ThreadParts* parts = &no_parts;  // of named heaps; never nullptr
  // The frames that a runtime keeps for the thread, in memory of its own.
  const luna_frame_stack* frames = nullptr;
};

// Of those who ask from outside: preload/attach.cpp. Not among what they write to.
struct Hearing {
  std::atomic<std::uint64_t> process{0};  // who hears, by its number; 0: nobody
  std::atomic<bool> asked_once{false};
};

// What is written to only where an option or a call asks for it. Apart from the process, which
// would reach into one more page for it.
struct Seldom {
  os::PerfCounters hardware;
  EventSources event_sources;
  PoolList pools;
  LimitWatch limit_watch;
  BlackBox black_box;
  FrameCallback frame_callback;
};

extern constinit Seldom seldom;

class Process {
 public:
  constexpr Process() noexcept = default;

  // Behind the fast paths. nullptr: no memory; errno is the caller's to set.
  [[nodiscard]] void* allocate(std::size_t bytes) noexcept;
  [[nodiscard]] void* allocate_zeroed(std::size_t bytes) noexcept;
  [[nodiscard]] void* allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept;
  [[nodiscard]] void* reallocate(void* pointer, std::size_t bytes) noexcept;
  void deallocate(void* pointer) noexcept;  // after ThreadCache::try_deallocate() said no
  void deallocate_sized(void* pointer, std::size_t bytes) noexcept;  // the same
  [[nodiscard]] std::size_t usable_bytes(const void* pointer) noexcept {
    const std::size_t bytes = allocator_.usable_bytes_of_small(pointer);
    return bytes != 0 ? bytes : usable_bytes_of_other(pointer);
  }
  std::size_t trim(std::size_t keep_bytes) noexcept;

  // False: a signal handler asks, and has interrupted the allocator; nothing is read.
  bool read_usage(HeapUsage& heap, ProfilerUsage* profiler = nullptr) noexcept;

  // False when the `enabled` option hands everything to the C library.
  [[nodiscard]] bool enabled() const noexcept { return options_.enabled; }
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] OptionChanges& option_changes() noexcept { return option_changes_; }

  // A copy of a text, which is one of the options and may be about to change.
  [[nodiscard]] Words words(const Words& text) const noexcept {
    return option_changes_.words(text);
  }
  [[nodiscard]] constexpr Allocator& allocator() noexcept { return allocator_; }
  [[nodiscard]] PoolList& pools() noexcept { return seldom.pools; }
  [[nodiscard]] Profiler& profiler() noexcept { return profiler_; }

  // Begun if the option stats_hardware says so.
  [[nodiscard]] const os::PerfCounters& hardware() const noexcept { return seldom.hardware; }

  // Of the files that are named by the option profile_file.
  [[nodiscard]] FileQuota& profile_quota() noexcept { return profile_quota_; }

  // Looks out for limits of the process's memory.
  [[nodiscard]] LimitWatch& limit_watch() noexcept { return seldom.limit_watch; }

  // Kept if the option blackbox says so.
  [[nodiscard]] BlackBox& black_box() noexcept { return seldom.black_box; }

  // What a runtime wants to be asked.
  [[nodiscard]] FrameCallback& frame_callback() noexcept { return seldom.frame_callback; }

  [[nodiscard]] Pressure& pressure() noexcept { return pressure_; }
  [[nodiscard]] os::WorkerThread& worker() noexcept { return worker_; }
  // Reads files for it.
  [[nodiscard]] os::FileThread& file_thread() noexcept { return file_thread_; }
  [[nodiscard]] Hearing& hearing() noexcept { return hearing_; }

  // Of the option socket, on a thread of its own.
  [[nodiscard]] Server& server() noexcept { return server_; }
  [[nodiscard]] os::WorkerThread& server_thread() noexcept { return server_thread_; }

  // By which the worker is told of pressure.
  [[nodiscard]] EventSources& event_sources() noexcept { return seldom.event_sources; }

  // The number of the next profile that is written.
  [[nodiscard]] std::uint64_t next_profile() noexcept {
    return profiles_.fetch_add(1, std::memory_order_relaxed);
  }

  // For SlowPath: frees what was deferred.
  void free_all(DeferredFree* first) noexcept;

  // Gives the calling thread a heap, if it can have one. Requires: it is in a SlowPath.
  void ensure_heap() noexcept;

  // Called by the dynamic linker before main, and at exit.
  void start() noexcept;
  void exit() noexcept;

 private:
  // Runs `allocate` with a heap of the thread; nullptr if it can have none.
  template <typename Allocate>
  [[nodiscard]] void* with_heap(const SlowPath& path, std::size_t bytes,
                                Allocate allocate) noexcept;
  [[nodiscard]] ThreadHeap* attach_thread() noexcept;
  [[nodiscard]] ThreadHeap* heap_for_frees() noexcept;
  void park_thread() noexcept;
  void prepare_once() noexcept;
  [[nodiscard]] static Options read_options(OptionSources& sources) noexcept;
  void check_size(const void* pointer, std::size_t bytes) noexcept;
  [[nodiscard]] bool deallocate_own(void* pointer) noexcept;
  [[nodiscard]] bool deallocate_in_window(ThreadHeap* heap, void* pointer) noexcept;
  void deallocate_other(void* pointer) noexcept;
  [[nodiscard]] std::size_t usable_bytes_of_other(const void* pointer) noexcept;

  void tell_of_exit_in_handler() const noexcept;

  // handler_calls.cpp
  [[nodiscard]] void* reallocate_in_handler(void* pointer, std::size_t bytes) noexcept;
  void deallocate_in_handler(void* pointer) noexcept;
  [[nodiscard]] DeferredFree* entry_for(void* pointer) noexcept;

  static void thread_exits(void* process) noexcept;
  static void before_fork() noexcept;
  static void after_fork_in_parent() noexcept;
  static void after_fork_in_child() noexcept;
  void resume_child(ThreadHeap* heap) noexcept;
  void end_own_threads() noexcept;

  Allocator allocator_;
  SignalReserve reserve_;
  Profiler profiler_{allocator_};
  std::atomic<std::uint64_t> profiles_{0};
  FileQuota profile_quota_;
  Pressure pressure_{allocator_};
  os::WorkerThread worker_;
  os::FileThread file_thread_;
  Hearing hearing_;
  Server server_;
  os::WorkerThread server_thread_;
  Options options_;
  OptionChanges option_changes_{options_};
  os::Lock lock_;
  std::atomic<bool> prepared_{false};
  std::atomic<std::uint32_t> wrong_sizes_{0};  // that operator delete was told
  bool has_exit_key_ = false;
  const ThreadState* main_thread_ = nullptr;
  unsigned exit_key_ = 0;
};

extern constinit Process process;
extern constinit thread_local ThreadState thread_state;

}  // namespace luna

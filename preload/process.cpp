// SPDX-License-Identifier: MIT
#include "preload/process.hpp"

#include "base/check.hpp"
#include "base/report.hpp"
#include "control/statistics.hpp"
#include "os/environment.hpp"
#include "preload/attach.hpp"
#include "preload/black_box.hpp"
#include "preload/control.hpp"
#include "preload/entry.hpp"
#include "preload/foreign.hpp"
#include "preload/guard.hpp"
#include "preload/heaps.hpp"
#include "preload/labels.hpp"
#include "preload/leaks.hpp"
#include "preload/mistakes.hpp"
#include "preload/own_code.hpp"
#include "preload/page_map.hpp"
#include "preload/pressure.hpp"
#include "preload/profile.hpp"
#include "preload/profile_dumps.hpp"
#include "preload/refusal.hpp"
#include "preload/runtime_frames.hpp"
#include "preload/server.hpp"
#include "preload/slow_path.hpp"
#include "preload/statistics.hpp"

#include <pthread.h>

#include <array>
#include <climits>
#include <cstring>

// A program may define it; its text is read before the file and the environment.
extern "C" [[gnu::weak]] const char* lunalloc_conf;

namespace luna {

constinit Process process;
constinit Seldom seldom;
constinit thread_local ThreadState thread_state;

namespace {

// So many times a program is told that it deletes objects by another size.
constexpr std::uint32_t kMaxWrongSizesTold = 10;

constexpr const char* kOptionsFile = "/etc/lunalloc.conf";

// A function of its own, for what it keeps on the stack nobody needs who has no such file.
[[gnu::noinline]] void read_options_file(Options& options, OptionSources& sources) noexcept {
  std::array<char, 8192> text;
  const std::string_view file = os::read_file(kOptionsFile, text.data(), text.size());
  if (file.empty()) return;
  std::array<char, PATH_MAX> path;
  const std::string_view program = os::program_name(path.data(), path.size());
  parse_options_file(file, kOptionsFile, program, options, &sources);
}

[[gnu::constructor(101)]] void on_load() noexcept { process.start(); }
[[gnu::destructor(101)]] void on_exit() noexcept { process.exit(); }

}  // namespace

void Process::start() noexcept {
  prepare_once();
  OptionSources sources;
  Options options = read_options(sources);
  ignore_out_of_range(options, sources);
  allocator_.config().decay_ms = options.decay_ms;
  allocator_.config().thread_cache_bytes = thread_cache_bytes(options);
  allocator_.pages().set_placement(options.placement);
  allocator_.pages().set_huge_threshold(options.huge_pages_above);
  allocator_.pages().set_hugetlb(options.hugetlb);
  // Looking the C library's functions up allocates, which is ours to serve yet.
  if (!options.enabled && !foreign::resolve()) {
    write_error("lunalloc: a static program has no other malloc: enabled:false is ignored\n");
    options.enabled = true;
  }
  options_ = options;
  main_thread_ = &thread_state;
  judge_options(sources);
  profiler_.set_own_code(own_code());
  begin_labels();
  begin_runtime_frames();
  begin_profile();
  begin_black_box();
  if (options.stats_hardware) seldom.hardware.begin();
  begin_pressure();
  begin_attach();
  begin_server();
  if (options.enabled) return;
  const SlowPath path;
  // What ld.so allocated before this stays ours; free() knows it by its address.
  park_thread();
}

void Process::exit() noexcept {
  pressure_.end();
  end_attach();
  const SlowPath path;
  if (!path.entered()) {
    seldom.black_box.end_without_statistics("exit() in a signal handler that interrupted malloc");
    return tell_of_exit_in_handler();
  }
  server_.end();
  report_leaks_at_exit();
  end_profile();
  write_statistics_at_exit();
  if (options_.map_at_exit) write_map_at_exit();
  seldom.black_box.end(allocator_, profiler_);
  if (!options_.stats_print) return;
  std::array<char, 1280> buffer;
  Text text(buffer.data(), buffer.size());
  write_summary(whole_usage(allocator_), text);
  write_profiler_summary(profiler_.usage(), text);
  write_error(text.view());
}

// A handler has interrupted us, and any lock of ours may be held by its thread.
void Process::tell_of_exit_in_handler() const noexcept {
  if (options_.stats_print || options_.profile_at_exit || options_.leak_report_at_exit ||
      options_.map_at_exit)
    write_error("lunalloc: exit() in a signal handler that interrupted malloc: nothing is told\n");
}

// The last source wins: the program's own text, the file, the environment. A program that runs
// with more rights than its caller heeds nothing but the administrator's off switch.
Options Process::read_options(OptionSources& sources) noexcept {
  Options options;
  const bool trusted = !os::runs_with_privileges();
  if (trusted && &lunalloc_conf != nullptr && lunalloc_conf != nullptr)
    parse_options(lunalloc_conf, "lunalloc_conf", options, &sources);
  read_options_file(options, sources);
  if (trusted) {
    parse_options(os::environment_value("LUNALLOC_CONF"), "LUNALLOC_CONF", options, &sources);
    return options;
  }
  Options only_switch;
  only_switch.enabled = options.enabled;
  return only_switch;
}

// Runs at the first allocation, which ld.so makes before any constructor: our
// fork handlers are then the first that are registered, so that in a fork they
// run last before it and first after it.
void Process::prepare_once() noexcept {
  // pairs with the release below
  if (prepared_.load(std::memory_order_acquire)) return;
  os::ScopedLock guard(lock_);
  if (prepared_.load(std::memory_order_relaxed)) return;
  entry::begin();
  pthread_key_t key;
  has_exit_key_ = pthread_key_create(&key, &Process::thread_exits) == 0;
  exit_key_ = key;
  // pairs with the acquire above; set before pthread_atfork, which may allocate
  prepared_.store(true, std::memory_order_release);
  const OutOfSlowPath out;
  pthread_atfork(&Process::before_fork, &Process::after_fork_in_parent,
                 &Process::after_fork_in_child);
}

ThreadHeap* Process::attach_thread() noexcept {
  prepare_once();
  // What was called there may have allocated.
  if (ThreadHeap* attached = thread_state.heap(); attached != nullptr) return attached;
  ThreadHeap* heap = allocator_.attach();
  if (heap == nullptr) return nullptr;
  thread_state.aside = heap;
  if (thread_state.entered != nullptr) heap->send_elsewhere(true);
  if (!has_exit_key_ || thread_state.ended) return heap;
  const OutOfSlowPath out;
  pthread_setspecific(exit_key_, this);
  return heap;
}

void Process::ensure_heap() noexcept {
  if (thread_state.heap() == nullptr && !thread_state.ended) static_cast<void>(attach_thread());
}

// A thread that only frees gathers its frees in a heap too, once it is at it.
ThreadHeap* Process::heap_for_frees() noexcept {
  constexpr std::uint8_t kFreesWorthAHeap = 16;
  if (thread_state.ended || !options_.enabled) return nullptr;
  return ++thread_state.frees_without_heap < kFreesWorthAHeap ? nullptr : attach_thread();
}

void Process::park_thread() noexcept {
  ThreadHeap* heap = thread_state.heap();
  if (heap == nullptr) return;
  thread_state.aside = &no_cache;
  allocator_.park(*heap);
}

// The C library runs the destructors of thread-specific data in rounds while
// there is any; the others' may allocate and free, so ours waits for the last.
void Process::thread_exits(void* process_pointer) noexcept {
  auto* self = static_cast<Process*>(process_pointer);
  if (++thread_state.exit_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(self->exit_key_, process_pointer);
    return;
  }
  const SlowPath path;
  if (!path.entered()) return;  // the thread was ended inside of malloc: its heap is lost
  thread_state.ended = true;
  self->profiler_.end_thread();
  leave_named_heaps();
  entry::end_thread();
  self->park_thread();
  if (&thread_state == self->main_thread_) self->end_own_threads();
}

// The C library ends the process with its last thread, on the stack of that, and counts ours among
// them: they end with main(), and a moment before it.
void Process::end_own_threads() noexcept {
  constexpr std::uint64_t kPatienceMs = 2000;  // with a callback of the program, or an answer
  worker_.stop(kPatienceMs);
  server_thread_.stop(kPatienceMs);
}

template <typename Allocate>
void* Process::with_heap(const SlowPath& path, std::size_t bytes, Allocate allocate) noexcept {
  ThreadHeap* heap = path.heap();
  if (heap == nullptr) heap = attach_thread();
  void* block = heap != nullptr ? allocate(*heap) : nullptr;
  if (block == nullptr) [[unlikely]] {
    Refusal refusal(bytes);
    while (block == nullptr && refusal.eases(heap)) {
      if (heap == nullptr) heap = attach_thread();
      if (heap != nullptr) block = allocate(*heap);
    }
    if (heap == nullptr) return nullptr;
  }
  if (pressure_.has_grown()) [[unlikely]]
    watch_growth(heap);
  if (seldom.limit_watch.on()) [[unlikely]]
    watch_memory_limit();
  if (profiler_.triggers().is_due()) [[unlikely]]
    write_due_profile();
  if (is_asked()) [[unlikely]]
    attend_asked();
  if (seldom.black_box.on()) [[unlikely]]
    watch_black_box(block);
  // What the C library allocates after our exit hook must not hold a heap.
  if (thread_state.ended) park_thread();
  return block;
}

namespace {

// Whether the thread has entered a named heap, and no handler has interrupted us.
[[nodiscard]] bool is_elsewhere() noexcept {
  return thread_state.entered != nullptr && thread_state.aside == nullptr;
}

}  // namespace

void* Process::allocate(std::size_t bytes) noexcept {
  if (!options_.enabled) return foreign::allocate(bytes);
  if (is_elsewhere()) [[unlikely]]
    return allocate_entered(bytes);
  const SlowPath path;
  if (!path.entered()) [[unlikely]]
    return reserve_.allocate(bytes);
  return with_heap(path, bytes,
                   [&](ThreadHeap& heap) noexcept { return allocator_.allocate(heap, bytes); });
}

void* Process::allocate_zeroed(std::size_t bytes) noexcept {
  if (!options_.enabled) return foreign::allocate_zeroed(bytes);
  if (is_elsewhere()) [[unlikely]]
    return allocate_zeroed_entered(bytes);
  const SlowPath path;
  if (!path.entered()) [[unlikely]] {
    void* block = reserve_.allocate(bytes);
    return block != nullptr ? std::memset(block, 0, bytes) : nullptr;
  }
  return with_heap(path, bytes, [&](ThreadHeap& heap) noexcept {
    return allocator_.allocate_zeroed(heap, bytes);
  });
}

void* Process::allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept {
  if (!options_.enabled) return foreign::allocate_aligned(alignment, bytes);
  if (is_elsewhere()) [[unlikely]]
    return allocate_aligned_entered(alignment, bytes);
  const SlowPath path;
  if (!path.entered()) [[unlikely]]
    return reserve_.allocate(bytes, alignment);
  return with_heap(path, bytes, [&](ThreadHeap& heap) noexcept {
    return allocator_.allocate_aligned(heap, alignment, bytes);
  });
}

void Process::deallocate(void* pointer) noexcept {
  if (pointer == nullptr) return;
  if (!deallocate_own(pointer)) [[unlikely]]
    deallocate_other(pointer);
}

// Also in a handler that has interrupted the slow path: nobody waits for a lock. A program with
// such a mistake runs everywhere else, so it is told of, and not stopped.
void Process::check_size(const void* pointer, std::size_t bytes) noexcept {
  SizeRange sizes = allocator_.sizes_of(pointer);
  if (allocator_.is_sample(pointer)) [[unlikely]] {
    std::uint64_t requested = 0;
    if (profiler_.find_requested_bytes(pointer, requested)) sizes = {requested, requested};
  }
  if (bytes >= sizes.least && bytes <= sizes.most) [[likely]]
    return;
  if (wrong_sizes_.fetch_add(1, std::memory_order_relaxed) < kMaxWrongSizesTold)
    report::delete_of_other_size(pointer, bytes, sizes.most);
}

void Process::deallocate_sized(void* pointer, std::size_t bytes) noexcept {
  if (pointer == nullptr) return;
  check_size(pointer, bytes);
  deallocate(pointer);
}

// False: it is not of the heap.
bool Process::deallocate_own(void* pointer) noexcept {
  const SlowPath path;
  if (!path.entered()) [[unlikely]] {
    deallocate_in_handler(pointer);
    return true;
  }
  ThreadHeap* heap = path.heap();
  if (heap == nullptr) heap = heap_for_frees();
  return deallocate_in_window(heap, pointer);
}

// False: it is in no region of ours.
bool Process::deallocate_in_window(ThreadHeap* heap, void* pointer) noexcept {
  const Verdict verdict = allocator_.deallocate(heap, pointer);
  if (verdict == Verdict::kOther) deallocate_named(pointer);
  return verdict != Verdict::kForeign;
}

void Process::deallocate_other(void* pointer) noexcept {
  if (!reserve_.deallocate(pointer)) foreign::deallocate(pointer);
}

std::size_t Process::usable_bytes_of_other(const void* pointer) noexcept {
  if (pointer == nullptr) return 0;
  std::size_t bytes = allocator_.usable_bytes(pointer);
  if (bytes == 0) bytes = reserve_.usable_bytes(pointer);
  return bytes != 0 ? bytes : foreign::usable_bytes(pointer);
}

void* Process::reallocate(void* pointer, std::size_t bytes) noexcept {
  if (NamedHeap* named = named_heaps.of(pointer); named != nullptr) [[unlikely]] {
    if (thread_state.aside == nullptr) return reallocate_named(*named, pointer, bytes);
    if (named->is_open_here()) return reallocate_in_handler(pointer, bytes);
    return bytes <= usable_bytes(pointer) ? pointer : nullptr;
  }
  {
    const SlowPath path;
    if (!path.entered()) [[unlikely]]
      return reallocate_in_handler(pointer, bytes);
    void* block = allocator_.resize(path.heap(), pointer, bytes);
    if (pressure_.has_grown()) [[unlikely]]
      watch_growth(path.heap());
    if (block != nullptr) return block;
  }
  std::size_t old_bytes = allocator_.usable_bytes(pointer);
  if (old_bytes == 0) old_bytes = reserve_.usable_bytes(pointer);
  if (old_bytes == 0) return foreign::reallocate(pointer, bytes);
  void* block = allocate(bytes);
  if (block == nullptr) return nullptr;
  std::memcpy(block, pointer, bytes < old_bytes ? bytes : old_bytes);
  if (!thread_state.cache->try_deallocate(pointer)) deallocate(pointer);
  return block;
}

std::size_t Process::trim(std::size_t keep_bytes) noexcept {
  const SlowPath path;
  if (!path.entered()) return 0;
  return allocator_.trim(path.heap(), keep_bytes) + trim_named_heaps();
}

bool Process::read_usage(HeapUsage& heap, ProfilerUsage* profiler) noexcept {
  const SlowPath path;
  if (!path.entered()) return false;
  heap = whole_usage(allocator_);
  if (profiler != nullptr) *profiler = profiler_.usage();
  return true;
}

// Instead of that in base/report.cpp, which does nothing. It stands in a file that each program
// with the library has: of an archive, a linker takes none for what is weakly defined already.
void report::tell_more(const void* block) noexcept { write_mistake_stacks(block); }

}  // namespace luna

// SPDX-License-Identifier: MIT
// fork(): every lock is held meanwhile, and the child begins anew where only its parent can go on.
#include "preload/attach.hpp"
#include "preload/black_box.hpp"
#include "preload/entry.hpp"
#include "preload/guard.hpp"
#include "preload/heaps.hpp"
#include "preload/pressure.hpp"
#include "preload/server.hpp"
#include "preload/slow_path.hpp"

namespace luna {

// A handler that has interrupted a slow path, and forks: its locks stay as they are, in the
// child too, where what other threads were at stays half done. There it can go on as far as
// POSIX lets a handler go, and malloc and free besides.
void Process::before_fork() noexcept {
  const SlowPath path;
  if (!path.entered()) return;
  named_heaps.hold_ends();
  process.option_changes_.prepare_fork();
  process.server_.prepare_fork();
  process.profiler_.prepare_fork();
  process.pressure_.prepare_fork();
  seldom.pools.prepare_fork();
  named_heaps.prepare_fork();
  os::Lock::begin_fork();
}

void Process::after_fork_in_parent() noexcept {
  const SlowPath path;
  if (!path.entered()) return;
  os::Lock::end_fork();
  named_heaps.resume_parent();
  seldom.pools.resume_parent();
  process.pressure_.resume_parent();
  process.profiler_.resume_parent();
  process.server_.resume_parent();
  process.option_changes_.resume_parent();
  named_heaps.let_ends_go();
}

void Process::after_fork_in_child() noexcept {
  {
    const SlowPath path;
    if (!path.entered()) return;
    process.resume_child(path.heap());
  }
  // Threads are made like those of the program, by which the C library allocates for good.
  resume_worker_in_child();
  resume_server_in_child();
}

void Process::resume_child(ThreadHeap* heap) noexcept {
  main_thread_ = &thread_state;
  named_heaps.resume_child(*thread_state.parts);
  allocator_.resume_child(heap);
  entry::resume_child();
  seldom.pools.resume_child();
  profiler_.resume_child();
  option_changes_.resume_child();
  profile_quota_.resume_child();
  seldom.limit_watch.resume_child();
  seldom.frame_callback.resume_child();
  seldom.hardware.resume_child();
  pressure_.resume_child();
  resume_black_box_in_child();
  resume_guard_in_child();
  resume_attach_in_child();
}

}  // namespace luna

// SPDX-License-Identifier: MIT
#include "preload/heap_threads.hpp"

#include "preload/heaps.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/heap.h>

#include <cerrno>

namespace luna {

namespace {

// The parts of a thread that is to come. In them it counts as being in the heap already, so that
// the heap cannot end before it has begun. nullptr: no memory.
[[nodiscard]] ThreadParts* prepare(NamedHeap& heap, void (*start)(), void* argument) noexcept {
  const SlowPath path;
  ThreadParts* parts = path.entered() ? named_heaps.attach(nullptr) : nullptr;
  if (parts == nullptr) return nullptr;
  parts->errand = {&heap, start, argument};
  parts->set_times_entered(heap.number(), 1);
  return parts;
}

void give_up(ThreadParts& parts) noexcept {
  const SlowPath path;
  named_heaps.detach(parts);
}

// On the new thread.
[[nodiscard]] ThreadParts::Errand begin(void* argument) noexcept {
  auto& parts = *static_cast<ThreadParts*>(argument);
  const ThreadParts::Errand errand = parts.errand;
  {
    const SlowPath path;
    process.ensure_heap();  // whose end is the end of the parts
    if (thread_state.heap() != nullptr) NamedHeaps::give_own_heap(parts, *thread_state.heap());
    thread_state.parts = &parts;
  }
  luna_heap_enter(reinterpret_cast<luna_heap*>(errand.heap));
  const std::size_t number = errand.heap->number();
  parts.set_times_entered(number, parts.times_entered(number) - 1);  // it was counted before
  return errand;
}

// Not noexcept: who ends a thread by pthread_exit() unwinds it, where the call is no tail call.
template <typename Result>
Result run(void* argument) {
  const ThreadParts::Errand errand = begin(argument);
  return reinterpret_cast<Result (*)(void*)>(errand.start.load())(errand.argument);
}

// Whether what the thread allocates comes from a heap.
[[nodiscard]] bool is_in_heap() noexcept {
  return thread_state.entered != nullptr && thread_state.aside == nullptr;
}

// `create` takes what to start and its argument; 0: there is a thread.
template <typename Result, typename Create>
[[nodiscard]] int create_with(Create create, Result (*start)(void*), void* argument,
                              int no_memory) noexcept {
  NamedHeap& heap = *thread_state.entered;
  ThreadParts* parts = nullptr;
  if ((heap.options().flags & LUNA_HEAP_INHERITED) != 0) {
    parts = prepare(heap, reinterpret_cast<void (*)()>(start), argument);
    if (parts == nullptr) return no_memory;
  }
  const OutOfHeaps out;
  const int result = parts != nullptr ? create(&run<Result>, parts) : create(start, argument);
  if (result != 0 && parts != nullptr) give_up(*parts);
  return result;
}

}  // namespace

OutOfHeaps::OutOfHeaps() noexcept : entered_(is_in_heap() ? luna_heap_enter(nullptr) : nullptr) {}

OutOfHeaps::~OutOfHeaps() {
  if (entered_ != nullptr) luna_heap_leave(entered_);
}

int create_thread(foreign::CreateThread create, pthread_t* thread, const pthread_attr_t* attributes,
                  void* (*start)(void*), void* argument) noexcept {
  if (!is_in_heap()) [[likely]]
    return create(thread, attributes, start, argument);
  const auto create_it = [=](void* (*begins)(void*), void* with) noexcept {
    return create(thread, attributes, begins, with);
  };
  return create_with<void*>(create_it, start, argument, EAGAIN);
}

int create_c_thread(foreign::CreateCThread create, thrd_t* thread, thrd_start_t start,
                    void* argument) noexcept {
  if (!is_in_heap()) [[likely]]
    return create(thread, start, argument);
  const auto create_it = [=](int (*begins)(void*), void* with) noexcept {
    return create(thread, begins, with);
  };
  return create_with<int>(create_it, start, argument, thrd_nomem);
}

}  // namespace luna

// SPDX-License-Identifier: MIT
// luna_heap_protect(), and who is told when somebody touches what he must not.
#include "base/check.hpp"
#include "os/environment.hpp"
#include "os/fault.hpp"
#include "preload/heaps.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/heap.h>

#include <array>
#include <cerrno>

namespace luna {

namespace {

constinit os::FaultHandler fault_handler;

[[nodiscard]] std::string_view name_of(os::Access access) noexcept {
  switch (access) {
    case os::Access::kRead:
      return "a read";
    case os::Access::kWrite:
      return "a write";
    case os::Access::kUnknown:
      break;
  }
  return "an access";
}

// In a signal handler, so without a lock.
void tell(const NamedHeap& heap, const os::Fault& fault) noexcept {
  std::array<char, 320> buffer;
  std::array<char, 16> thread;
  Text text(buffer.data(), buffer.size());
  text.add("lunalloc: heap \"").add(heap.name()).add("\" is protected: ");
  text.add(name_of(fault.access)).add(" at ").add_hex(fault.address);
  text.add(" by thread \"").add(os::thread_name(thread.data(), thread.size())).add("\" (");
  text.add_decimal(os::thread_id()).add(") from ").add_hex(fault.ip).add("\n");
  write_error(text.view());
}

void on_fault(int signal, siginfo_t* info, void* context) noexcept {
  const int error = errno;
  const os::Fault fault = os::fault_of(info, context);
  const NamedHeap* heap =
      fault.is_protection ? named_heaps.of(reinterpret_cast<const void*>(fault.address)) : nullptr;
  if (heap != nullptr && heap->is_alive() && !heap->is_open()) tell(*heap, fault);
  fault_handler.forward(signal, info, context);
  errno = error;
}

}  // namespace

}  // namespace luna

extern "C" [[gnu::visibility("default")]] int luna_heap_protect(luna_heap* heap,
                                                                luna_heap_access access) {
  if (access != LUNA_HEAP_NO_ACCESS && access != LUNA_HEAP_READ && access != LUNA_HEAP_READ_WRITE)
    return EINVAL;
  const luna::SlowPath path;
  if (!path.entered()) return EBUSY;
  if (!luna::fault_handler.install(&luna::on_fault)) return ENOMEM;
  return reinterpret_cast<luna::NamedHeap*>(heap)->protect(access);
}

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
  text.add("lunalloc: heap \"").add(heap.name());
  text.add(fault.is_of_key ? "\" is closed to this thread: " : "\" is protected: ");
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
  const bool is_closed =
      heap != nullptr && heap->is_alive() && (fault.is_of_key || !heap->is_open());
  if (is_closed) tell(*heap, fault);
  fault_handler.forward(signal, info, context);
  errno = error;
}

// As the program says it; false: it is none.
[[nodiscard]] bool is_access(luna_heap_access access) noexcept {
  return access == LUNA_HEAP_NO_ACCESS || access == LUNA_HEAP_READ ||
         access == LUNA_HEAP_READ_WRITE;
}

[[nodiscard]] os::KeyRights rights_for(luna_heap_access access) noexcept {
  if (access == LUNA_HEAP_NO_ACCESS) return os::KeyRights::kNone;
  return access == LUNA_HEAP_READ ? os::KeyRights::kRead : os::KeyRights::kReadWrite;
}

}  // namespace

bool watch_heaps() noexcept { return fault_handler.install(&on_fault); }

// Who creates a heap with a key has all rights to it: those that it had behind the fast path are
// gone.
void begin_key(const NamedHeap& heap) noexcept {
  if (heap.key() == os::ProtectionKeys::kNoKey) return;
  protection_keys.set_rights(heap.key(), os::KeyRights::kReadWrite);
  static_cast<void>(watch_heaps());  // else it is the kernel alone that tells
}

}  // namespace luna

extern "C" [[gnu::visibility("default")]] int luna_heap_protect(luna_heap* heap,
                                                                luna_heap_access access) {
  if (!luna::is_access(access)) return EINVAL;
  const luna::SlowPath path;
  if (!path.entered()) return EBUSY;
  if (!luna::watch_heaps()) return ENOMEM;
  return reinterpret_cast<luna::NamedHeap*>(heap)->protect(access);
}

// In no slow path, whose end gives back the rights that were.
extern "C" [[gnu::visibility("default")]] int luna_heap_protect_thread(luna_heap* heap,
                                                                       luna_heap_access access) {
  if (!luna::is_access(access)) return EINVAL;
  const int key = reinterpret_cast<luna::NamedHeap*>(heap)->key();
  if (key == luna::os::ProtectionKeys::kNoKey) return ENOTSUP;
  luna::protection_keys.set_rights(key, luna::rights_for(access));
  return 0;
}

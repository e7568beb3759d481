// SPDX-License-Identifier: MIT
#include "hardened/quarantine.hpp"

#include "os/memory.hpp"

#include <new>

namespace luna::hardened {

Quarantine* Quarantines::attach() noexcept {
  os::ScopedLock guard(lock_);
  if (parked_ != nullptr) {
    Quarantine* parked = parked_;
    parked_ = parked->next_parked;
    return parked;
  }
  void* memory = os::map(round_up(sizeof(Quarantine), os::page_bytes()));
  if (memory == nullptr) return nullptr;
  auto* quarantine = ::new (memory) Quarantine(fold(address_of(memory), secret.link[1]));
  quarantine->next = all_;
  all_ = quarantine;
  return quarantine;
}

void Quarantines::park(Quarantine& quarantine) noexcept {
  os::ScopedLock guard(lock_);
  quarantine.next_parked = parked_;
  parked_ = &quarantine;
}

void Quarantines::resume_child(const Quarantine* own) noexcept {
  lock_.reset_in_child();
  parked_ = nullptr;
  for (Quarantine* at = all_; at != nullptr; at = at->next) {
    if (at == own) continue;
    at->next_parked = parked_;
    parked_ = at;
  }
}

}  // namespace luna::hardened

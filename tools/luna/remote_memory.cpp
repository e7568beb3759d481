// SPDX-License-Identifier: MIT
#include "remote_memory.hpp"

#include <sys/uio.h>

#include <cerrno>

namespace luna::tool {

namespace {

[[nodiscard]] int outcome(ssize_t moved, std::size_t bytes) noexcept {
  if (moved < 0) return errno;
  return static_cast<std::size_t>(moved) == bytes ? 0 : EFAULT;
}

}  // namespace

bool RemoteMemory::read(std::uint64_t address, void* to, std::size_t bytes) const noexcept {
  const iovec here = {to, bytes};
  const iovec there = {reinterpret_cast<void*>(address), bytes};
  error_ = outcome(process_vm_readv(process_, &here, 1, &there, 1, 0), bytes);
  return error_ == 0;
}

bool RemoteMemory::write(std::uint64_t address, const void* from,
                         std::size_t bytes) const noexcept {
  const iovec here = {const_cast<void*>(from), bytes};
  const iovec there = {reinterpret_cast<void*>(address), bytes};
  error_ = outcome(process_vm_writev(process_, &here, 1, &there, 1, 0), bytes);
  return error_ == 0;
}

}  // namespace luna::tool

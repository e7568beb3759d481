// SPDX-License-Identifier: MIT
// physical.h - where memory of the process lies in the machine, and memory of devices in the
// process. docs/cache.md says which descriptors give which caching.
//
// Every function may be called from any thread. None allocates from the heap. Each returns 0, or a
// positive errno value; then its outputs are untouched. Slow: system calls.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Sets `*physical` to the physical address of a byte. EINVAL: nothing is mapped there; ENXIO: no
// memory is behind the page now, for it was never touched, or is swapped out or only in its
// file; EPERM: the kernel tells it only to those with CAP_SYS_ADMIN; ENOTSUP: there is no
// /proc/self/pagemap. Or what open(2) says.
//
// The address holds for the moment of the call: the kernel moves pages as it likes. mlock(2) keeps
// a page in memory, but lets it be moved (unless vm.compact_unevictable_allowed is 0), and after a
// fork a write may move it too. A device must not be given such an address but for pages that a
// driver has pinned, as VFIO does; there the device's own addresses count.
int luna_physical_address(const void* address, uint64_t* physical);

// How the processor treats a mapping. It is the descriptor that decides; the caller says what it
// needs, and gets no mapping of another kind.
typedef enum luna_io_attribute {
  LUNA_IO_BY_DRIVER,       // whatever the descriptor gives
  LUNA_IO_CACHED,          // like ordinary memory
  LUNA_IO_UNCACHED,        // each load and store goes to the device, in order
  LUNA_IO_WRITE_COMBINING  // stores are gathered, loads are not cached
} luna_io_attribute;

// Maps `bytes` from `offset` of a file on, shared, to read, and to write if the descriptor is open
// for both; sets `*address` to where that is. The offset may be any: whole pages around the range
// are mapped, and `*address` lies as far in its page as the offset does. The descriptor may be
// closed then; luna_io_unmap() ends the mapping.
//
// For /dev/mem, PCI's resourceN and resourceN_wc in sysfs, UIO, VFIO, dma-buf, and plain files.
// Known are: resourceN gives uncached memory, resourceN_wc write-combining, a plain file cached;
// /dev/mem uncached if it was opened with O_SYNC, else cached, as far as the address allows.
//
// EINVAL: `bytes` is 0, the range wraps around, the attribute is unknown, or the descriptor is
// known to give another one. ENOTSUP: write-combining from anything but resourceN_wc; or cached or
// uncached where the kernel does not say what the driver does: ask for LUNA_IO_BY_DRIVER there.
// ENXIO: a plain file ends before the range does. Or what fstat(2) and mmap(2) say: EACCES if the
// descriptor is open for writing alone, EPERM or EINVAL if the kernel lets nobody map the range.
int luna_io_map(int file, uint64_t offset, size_t bytes, luna_io_attribute attribute,
                void** address);

// Unmaps what luna_io_map() gave; address and size are those of that call. Returns 0 or EINVAL.
int luna_io_unmap(void* address, size_t bytes);

#ifdef __cplusplus
}
#endif

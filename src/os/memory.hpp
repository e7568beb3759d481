// SPDX-License-Identifier: MIT
// Address space and memory from the kernel. Nothing here touches errno.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna::os {

// Size of a kernel page in bytes: 4, 16 or 64 KiB.
[[nodiscard]] std::size_t page_bytes() noexcept;

// The limit on address space (ulimit -v) in bytes; SIZE_MAX when there is none.
[[nodiscard]] std::size_t address_space_limit() noexcept;

// Physical memory of the machine in bytes.
[[nodiscard]] std::size_t physical_memory() noexcept;

// Reserves address space without access, anywhere. nullptr: the kernel refuses.
// Committing it is subject to the machine's overcommit policy.
[[nodiscard]] void* reserve(std::size_t bytes) noexcept;

// Reserves address space exactly at `address`.
enum class ReserveResult : std::uint8_t { kDone, kOccupied, kRefused };
[[nodiscard]] ReserveResult reserve_at(void* address, std::size_t bytes) noexcept;

// Maps zeroed memory for metadata, to read and write; never backed by huge pages.
[[nodiscard]] void* map(std::size_t bytes) noexcept;

// Maps zeroed memory that a copy of the process shares with it.
[[nodiscard]] void* map_shared(std::size_t bytes) noexcept;

// As map(), exactly at `address`. False: something else lies there, or the
// kernel refuses.
[[nodiscard]] bool map_at(void* address, std::size_t bytes) noexcept;

// Makes reserved memory readable and writable. False: the kernel refuses.
[[nodiscard]] bool commit(void* address, std::size_t bytes) noexcept;

// Takes access to committed memory away; what is in it stays. False: the kernel refuses.
[[nodiscard]] bool protect(void* address, std::size_t bytes) noexcept;

// Lets committed memory be read, and written to, or not. 0 or an errno value.
[[nodiscard]] int set_access(void* address, std::size_t bytes, bool read, bool write) noexcept;

// As commit(), with pages of the kernel's pool of huge pages, of 2 MiB or 1 GiB, of which
// `bytes` and the address are multiples. False: the pool has not as many, and the
// range is as it was.
[[nodiscard]] bool commit_from_pool(void* address, std::size_t bytes,
                                    std::size_t huge_page_bytes) noexcept;

// Gives the memory back; the range stays committed and reads as zero. False:
// the kernel refuses, and the contents are as they were.
[[nodiscard]] bool purge(void* address, std::size_t bytes) noexcept;

// Sets resident[i] to 0 for each kernel page that nothing backs. False: the
// kernel does not say.
[[nodiscard]] bool find_resident(const void* address, std::size_t bytes,
                                 unsigned char* resident) noexcept;

// Bytes of the kernel's pages in a range that it backs; where it does not say, none.
[[nodiscard]] std::size_t resident_bytes(const void* memory, std::size_t bytes) noexcept;

// Whether the eight bytes at an address can be read.
[[nodiscard]] bool is_readable(std::uintptr_t address) noexcept;

// Copies a word from memory that may not be there, or cease to be while it is read. False: it
// cannot be read, or the kernel does not read for us.
[[nodiscard]] bool copy_word(std::uintptr_t from, std::uintptr_t& word) noexcept;

// Gives the address space back.
void release(void* address, std::size_t bytes) noexcept;

// Backs `bytes`, which are one huge page and as yet untouched, with a huge page.
// False: the kernel gives none, and the first page alone is backed.
[[nodiscard]] bool back_with_huge_page(void* address, std::size_t bytes) noexcept;

// Gathers `bytes`, which are one huge page, in use or not, into a huge page: what was
// not backed is, by zeros. The contents stay. False: the kernel does not, and nothing
// has changed.
[[nodiscard]] bool collapse_to_huge_page(void* address, std::size_t bytes) noexcept;

// Keeps the range from being backed by huge pages; a refusal is harmless.
void forbid_huge_pages(void* address, std::size_t bytes) noexcept;

// Whole pages that will not be used soon: the kernel may take them first, or takes them now, to
// swap space. The contents stay. 0; kInvalid: not all of it is mapped; kNotSupported: the kernel
// does not do it, at all or to locked or huge pages.
[[nodiscard]] int advise_cold(const void* address, std::size_t bytes, bool now) noexcept;

// Moves the pages of `from` to the committed range `to` without copying, whatever
// mappings of the kernel's they are. Both ranges stay committed; `from` reads as zero.
// False: nothing has changed.
[[nodiscard]] bool move_pages(void* from, void* to, std::size_t bytes) noexcept;

// The same for ranges that are one mapping each, whose pages change places: what `from` holds then
// is undefined. False: it is as it was, and what `to` holds is undefined.
[[nodiscard]] bool exchange_pages(void* from, void* to, std::size_t bytes) noexcept;

// Replaces a committed range by fresh zeroed memory, so that the kernel can
// merge it with its neighbours again. False: nothing has changed.
[[nodiscard]] bool renew(void* address, std::size_t bytes) noexcept;

}  // namespace luna::os

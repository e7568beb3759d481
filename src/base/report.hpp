// SPDX-License-Identifier: MIT
// Mistakes of the program, one function each: a line on stderr that names what
// was done, the pointer, and what would be right; then abort.
// docs/debugging.md explains each text; tests/misuse has a program for each.
#pragma once

#include <cstddef>

namespace luna::report {

// The block had been freed before.
[[noreturn, gnu::cold]] void double_free(const void* pointer) noexcept;

// The pointer is not a multiple of 16, so it cannot have come from malloc.
[[noreturn, gnu::cold]] void misaligned_pointer(const void* pointer) noexcept;

// The pointer lies inside one of our blocks, `offset` bytes behind its start.
[[noreturn, gnu::cold]] void interior_pointer(const void* pointer, std::size_t offset) noexcept;

// The pointer is neither ours nor libc's.
[[noreturn, gnu::cold]] void unknown_pointer(const void* pointer) noexcept;

// realloc or malloc_usable_size was called with a block that had been freed.
[[noreturn, gnu::cold]] void realloc_of_freed(const void* pointer) noexcept;

// A free list of the slab at `slab` does not hold what it should: a block was
// freed twice, or written to after it was freed. `holder` is the block whose link said
// `pointer`, nullptr: none did, or it is not known.
[[noreturn, gnu::cold]] void corrupt_free_list(const void* slab, const void* pointer,
                                               const void* holder = nullptr) noexcept;

// operator delete, or free_sized(), was told that a block has `told` bytes, which would have got
// another. The process goes on: nothing of the heap depends on that size.
[[gnu::cold]] void delete_of_other_size(const void* pointer, std::size_t told,
                                        std::size_t room) noexcept;

// Told of the block that a mistake was made with, between the line and the abort. Waits for no
// lock and allocates nothing. What base/ has is weak and does nothing; preload/ has one that
// writes stacks.
[[gnu::cold]] void tell_more(const void* block) noexcept;

// Somebody wrote behind a block. Told by the hardened library.
[[noreturn, gnu::cold]] void overflow(const void* pointer) noexcept;

// A block was written to after it was freed; likewise.
[[noreturn, gnu::cold]] void write_after_free(const void* pointer) noexcept;

// The same as delete_of_other_size(), of what was asked for to the byte; likewise.
[[noreturn, gnu::cold]] void delete_of_exact_size(const void* pointer, std::size_t told,
                                                  std::size_t asked) noexcept;

}  // namespace luna::report

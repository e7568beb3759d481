// SPDX-License-Identifier: MIT
#include "preload/foreign.hpp"

#include "base/align.hpp"
#include "base/report.hpp"
#include "os/environment.hpp"
#include "os/lock.hpp"
#include "os/mappings.hpp"
#include "preload/process.hpp"

#include <dlfcn.h>

#include <atomic>

namespace luna::foreign {

namespace {

struct Functions {
  void* (*malloc)(std::size_t) = nullptr;
  void* (*calloc)(std::size_t, std::size_t) = nullptr;
  void* (*memalign)(std::size_t, std::size_t) = nullptr;
  void* (*realloc)(void*, std::size_t) = nullptr;
  void (*free)(void*) = nullptr;
  std::size_t (*usable_size)(const void*) = nullptr;
};

template <typename Function>
void find(void* library, const char* name, Function& function) noexcept {
  function = reinterpret_cast<Function>(::dlsym(library, name));
}

// The next function of that name after ours.
template <typename Function>
[[nodiscard]] Function find_next(const char* name, std::atomic<Function>& found) noexcept {
  Function function = found.load(std::memory_order_relaxed);  // alone: whoever finds it finds this
  if (function == nullptr) {
    find(RTLD_NEXT, name, function);
    found.store(function, std::memory_order_relaxed);
  }
  return function;
}

[[nodiscard]] Functions find_functions() noexcept {
  Functions found;
  if (os::is_static_program()) return found;  // there is no other malloc
  void* libc = ::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  if (libc == nullptr) return found;
  find(libc, "malloc", found.malloc);
  find(libc, "calloc", found.calloc);
  find(libc, "memalign", found.memalign);
  find(libc, "realloc", found.realloc);
  find(libc, "malloc_usable_size", found.usable_size);
  find(libc, "free", found.free);
  return found;
}

constinit Functions found_functions;
constinit std::atomic<bool> is_found{false};

// Looked up when first needed: most processes never meet a foreign pointer, and
// the dynamic linker's tables cost each a hundred KiB to read. No lock of ours
// is held here, and the linker's own is recursive. Two threads may both look, or a signal
// handler and whom it interrupts, and find the same; the first to end keeps it.
[[nodiscard]] Functions functions() noexcept {
  // pairs with the release below
  if (is_found.load(std::memory_order_acquire)) return found_functions;
  static constinit os::Lock lock;
  const Functions found = find_functions();
  if (!lock.try_lock()) return found;  // for good, so that nobody ever waits
  found_functions = found;
  // pairs with the acquire above
  is_found.store(true, std::memory_order_release);
  return found;
}

// Layout of a chunk of glibc's malloc, as far as it tells whose a pointer is.
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kChunkMapped = 2;
constexpr std::size_t kChunkOfThread = 4;
constexpr std::size_t kThreadHeapBytes = std::size_t{64} << 20;

// True if the pointer lies in memory that only the C library's malloc can have
// handed out: the brk heap, the heap of a thread arena, or a mapped chunk.
[[nodiscard]] bool is_libc_block(const void* pointer) noexcept {
  if (functions().free == nullptr || address_of(pointer) % 16 != 0) return false;
  const os::Mapping mapping = os::find_mapping(pointer);
  if (mapping.is_brk_heap) return true;
  const std::uintptr_t chunk = address_of(pointer) - kHeaderBytes;
  if (!mapping.is_private_memory || chunk < mapping.begin) return false;
  const auto* header = reinterpret_cast<const std::size_t*>(chunk);
  const std::size_t bytes = header[1] & ~std::size_t{7};
  if ((header[1] & kChunkMapped) != 0) {
    const std::uintptr_t start = chunk - header[0];
    return start % 4096 == 0 && start >= mapping.begin && (header[0] + bytes) % 4096 == 0 &&
           start + header[0] + bytes <= mapping.end;
  }
  const bool of_thread = (header[1] & kChunkOfThread) != 0;
  return of_thread && mapping.begin % kThreadHeapBytes == 0 && chunk + bytes <= mapping.end;
}

void require_libc_block(const void* pointer) noexcept {
  if (is_libc_block(pointer)) return;
  if (address_of(pointer) % 16 != 0) report::misaligned_pointer(pointer);
  report::unknown_pointer(pointer);
}

}  // namespace

bool resolve() noexcept { return functions().malloc != nullptr; }

void* allocate(std::size_t bytes) noexcept { return functions().malloc(bytes); }
void* allocate_zeroed(std::size_t bytes) noexcept { return functions().calloc(1, bytes); }
void* allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept {
  return functions().memalign(alignment, bytes);
}

void deallocate(void* pointer) noexcept {
  if (process.enabled()) require_libc_block(pointer);
  functions().free(pointer);
}

void* reallocate(void* pointer, std::size_t bytes) noexcept {
  if (process.enabled()) require_libc_block(pointer);
  return functions().realloc(pointer, bytes);
}

std::size_t usable_bytes(const void* pointer) noexcept {
  if (process.enabled()) require_libc_block(pointer);
  return functions().usable_size(pointer);
}

OpenLibrary open_library() noexcept {
  static constinit std::atomic<OpenLibrary> found{nullptr};
  return find_next("dlopen", found);
}

CloseLibrary close_library() noexcept {
  static constinit std::atomic<CloseLibrary> found{nullptr};
  return find_next("dlclose", found);
}

CreateThread create_thread() noexcept {
  static constinit std::atomic<CreateThread> found{nullptr};
  return find_next("pthread_create", found);
}

CreateCThread create_c_thread() noexcept {
  static constinit std::atomic<CreateCThread> found{nullptr};
  return find_next("thrd_create", found);
}

}  // namespace luna::foreign

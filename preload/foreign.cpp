// SPDX-License-Identifier: MIT
#include "preload/foreign.hpp"

#include "base/align.hpp"
#include "base/function_pointer.hpp"
#include "base/report.hpp"
#include "os/environment.hpp"
#include "os/mappings.hpp"
#include "preload/process.hpp"

#include <dlfcn.h>

#include <atomic>

namespace luna::foreign {

namespace {

// Each is what every thread finds that looks for it.
struct Functions {
  FunctionPointer<void* (*)(std::size_t)> malloc;
  FunctionPointer<void* (*)(std::size_t, std::size_t)> calloc;
  FunctionPointer<void* (*)(std::size_t, std::size_t)> memalign;
  FunctionPointer<void* (*)(void*, std::size_t)> realloc;
  FunctionPointer<void (*)(void*)> free;
  FunctionPointer<std::size_t (*)(const void*)> usable_size;
};

template <typename Function>
void find(void* library, const char* name, FunctionPointer<Function>& function) noexcept {
  function.store(reinterpret_cast<Function>(::dlsym(library, name)));
}

// The next function of that name after ours.
template <typename Function>
[[nodiscard]] Function find_next(const char* name, FunctionPointer<Function>& found) noexcept {
  if (found == nullptr) find(RTLD_NEXT, name, found);
  return found;
}

void find_all(Functions& functions) noexcept {
  if (os::is_static_program()) return;  // there is no other malloc
  void* libc = ::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  if (libc == nullptr) return;
  find(libc, "malloc", functions.malloc);
  find(libc, "calloc", functions.calloc);
  find(libc, "memalign", functions.memalign);
  find(libc, "realloc", functions.realloc);
  find(libc, "malloc_usable_size", functions.usable_size);
  find(libc, "free", functions.free);
}

// Looked up when first needed: most processes never meet a foreign pointer, and
// the dynamic linker's tables cost each a hundred KiB to read. No lock of ours
// is held here, and the linker's own is recursive. Two threads may both look, or a signal
// handler and whom it interrupts: nobody waits, and all store the same.
[[nodiscard]] const Functions& functions() noexcept {
  static constinit Functions functions;
  static constinit std::atomic<bool> is_found{false};
  // pairs with the release below
  if (is_found.load(std::memory_order_acquire)) return functions;
  find_all(functions);
  // pairs with the acquire above
  is_found.store(true, std::memory_order_release);
  return functions;
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
  static constinit FunctionPointer<OpenLibrary> found;
  return find_next("dlopen", found);
}

CloseLibrary close_library() noexcept {
  static constinit FunctionPointer<CloseLibrary> found;
  return find_next("dlclose", found);
}

CreateThread create_thread() noexcept {
  static constinit FunctionPointer<CreateThread> found;
  return find_next("pthread_create", found);
}

CreateCThread create_c_thread() noexcept {
  static constinit FunctionPointer<CreateCThread> found;
  return find_next("thrd_create", found);
}

}  // namespace luna::foreign

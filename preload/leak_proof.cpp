// SPDX-License-Identifier: MIT
// Of include/lunalloc/profile.h: which samples nothing points to.
#include "preload/slow_path.hpp"
#include "telemetry/reachability.hpp"

#include <errno.h>
#include <lunalloc/profile.h>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace luna {

namespace {

[[gnu::noinline]] void tell(const Reachability& proof, luna_leak_callback* each, void* context) {
  for (const Leak& found : proof.leaks()) {
    const luna_leak leak = {
        reinterpret_cast<const void*>(found.address),
        found.bytes,
        found.weight,
        found.stack.frames,
        found.stack.depth,
        found.grade == LeakGrade::kDefinite ? LUNA_LEAK_DEFINITE : LUNA_LEAK_POSSIBLE,
        found.indirect ? 1 : 0};
    each(&leak, context);
  }
}

[[nodiscard]] int prove(Reachability& proof) noexcept {
  const SlowPath path;
  return path.entered() ? process.profiler().prove(proof) : EBUSY;
}

[[gnu::noinline]] int prove_and_tell(luna_leak_callback* each, void* context) {
  Reachability proof;
  const int error = prove(proof);
  if (error == 0) tell(proof, each, context);
  return error;
}

}  // namespace

}  // namespace luna

LUNA_EXPORT int luna_leaks_prove(luna_leak_callback* each, void* context) {
  luna::wipe_stack();
  return luna::prove_and_tell(each, context);
}

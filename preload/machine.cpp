// SPDX-License-Identifier: MIT
// include/lunalloc/machine.h.
#include "os/machine.hpp"

#include <errno.h>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

LUNA_EXPORT int luna_machine_read(luna_machine* machine) {
  if (machine->struct_size != sizeof(luna_machine)) return EINVAL;
  luna::os::read_machine({}, *machine);
  return 0;
}

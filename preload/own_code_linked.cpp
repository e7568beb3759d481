// SPDX-License-Identifier: MIT
// In a program or library that liblunalloc.a is linked into.
#include "preload/own_code.hpp"

luna::CodeRange luna::own_code() noexcept { return {}; }

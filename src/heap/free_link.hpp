// SPDX-License-Identifier: MIT
// How a free block names the next one of its list. The hardened library has a header of this name
// in front of this one.
#pragma once

namespace luna {

struct Block;

using FreeLink = Block*;

}  // namespace luna

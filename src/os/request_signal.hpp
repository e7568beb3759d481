// SPDX-License-Identifier: MIT
// A signal by which somebody asks the process for something.
#pragma once

#include <cstdint>

namespace luna::os {

enum class RequestSignal : std::uint8_t {
  kDone,
  kUnfit,  // no signal has this number, or it has a meaning of its own, as those of faults have
  kTaken   // the program has a handler for it
};

// Has `function` called when the signal comes, unless the program puts a handler of its own in
// its place. System calls that it interrupts begin again.
[[nodiscard]] RequestSignal handle_request(std::uint64_t signal,
                                           void (*function)(int signal)) noexcept;

}  // namespace luna::os

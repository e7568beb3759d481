// SPDX-License-Identifier: MIT
// Values of errno that others than os/ return, by words.
#pragma once

#include <cerrno>

namespace luna::os {

inline constexpr int kNoMemory = ENOMEM;
inline constexpr int kNoSpace = ENOSPC;
inline constexpr int kNotSupported = ENOTSUP;
inline constexpr int kNothingThere = ENOENT;
inline constexpr int kTryAgain = EAGAIN;
inline constexpr int kBusy = EBUSY;
inline constexpr int kInvalid = EINVAL;
inline constexpr int kNotPermitted = EPERM;
inline constexpr int kInputOutput = EIO;

}  // namespace luna::os

// SPDX-License-Identifier: MIT
#pragma once

// Opens and closes a library, and runs a thread. False: something was refused.
[[nodiscard]] bool call_them();

// The same, as it went before main().
[[nodiscard]] bool early_calls_went_well();

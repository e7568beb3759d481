// SPDX-License-Identifier: MIT
// What nearly every unit test includes, for the precompiled header. Tests include what they use
// all the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// SPDX-License-Identifier: MIT
#include "telemetry/profile_kind.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(ProfileKind, IsFoundByItsName) {
  for (const std::string_view name : kProfileKinds) {
    ProfileKind kind = ProfileKind::kHeap;
    EXPECT_TRUE(find_kind(name, kind)) << name;
    EXPECT_EQ(name_of(kind), name);
  }
}

TEST(ProfileKind, UnknownNameChangesNothing) {
  ProfileKind kind = ProfileKind::kPeak;

  EXPECT_FALSE(find_kind("peaks", kind));
  EXPECT_FALSE(find_kind("", kind));
  EXPECT_EQ(kind, ProfileKind::kPeak);
}

TEST(ProfileKind, TextsOfOthersKnowTwoKinds) {
  for (std::size_t i = 0; i < kProfileKinds.size(); ++i) {
    const auto kind = static_cast<ProfileKind>(i);
    const bool is_known = i <= 1;
    EXPECT_EQ(can_say(ProfileFormat::kHeapV2, kind), is_known);
    EXPECT_EQ(can_say(ProfileFormat::kGperftools, kind), is_known);
    EXPECT_TRUE(can_say(ProfileFormat::kPprof, kind));
    EXPECT_TRUE(can_say(ProfileFormat::kCollapsed, kind));
    EXPECT_TRUE(can_say(ProfileFormat::kJson, kind));
    EXPECT_TRUE(can_say(ProfileFormat::kText, kind));
  }
}

}  // namespace
}  // namespace luna

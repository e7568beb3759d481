// SPDX-License-Identifier: MIT
#include "profile_view.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

[[nodiscard]] tool::HeapProfile profile_of(const std::vector<std::string>& types) {
  tool::HeapProfile profile;
  for (const std::string& type : types) profile.types.push_back({type, "count"});
  profile.default_type = types.size() - 1;
  return profile;
}

TEST(ProfileView, BytesAreShownWithTheirObjects) {
  const tool::ProfileView view =
      tool::choose_view(profile_of({"inuse_objects", "inuse_space", "alloc_space"}), "inuse");
  EXPECT_EQ(view.amount, 1U);
  EXPECT_EQ(view.objects, 0U);
}

TEST(ProfileView, BytesAreShownWhereObjectsAreTheFilesOwnChoice) {
  const tool::ProfileView view =
      tool::choose_view(profile_of({"inuse_space", "inuse_objects"}), {});
  EXPECT_EQ(view.amount, 0U);
  EXPECT_EQ(view.objects, 1U);
}

TEST(ProfileView, ObjectsWithoutTheirBytesAreShownAlone) {
  const tool::ProfileView view =
      tool::choose_view(profile_of({"alloc_objects", "inuse_objects"}), {});
  EXPECT_EQ(view.title, "inuse_objects");
  EXPECT_EQ(view.amount, 1U);
  EXPECT_FALSE(view.objects.has_value());
}

}  // namespace
}  // namespace luna

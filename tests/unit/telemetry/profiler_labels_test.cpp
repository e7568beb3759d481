// SPDX-License-Identifier: MIT
// Samples carry the labels that their thread has when it takes them.
#include "support/profiled.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace luna {
namespace {

using test::Profiled;

thread_local std::uint32_t labels_of_thread = LabelTable::kNone;

struct Labelled : Profiled {
  Labelled() {
    labels_of_thread = LabelTable::kNone;
    profiler.set_label_source([]() noexcept { return labels_of_thread; });
  }

  void label(const char* value) {
    labels_of_thread = profiler.labels().with(labels_of_thread, {"tenant", value});
  }

  void* allocate() { return thread.allocate(1000); }
};

// Live bytes by labels; and how many samples have lost theirs.
struct ByLabels {
  explicit ByLabels(Profiler& profiler) {
    EXPECT_TRUE(profiler.with_profile([&](const Profile& profile) {
      for (std::size_t i = 0; i < profile.count; ++i) {
        const ProfileRow& row = profile.rows[i];
        bytes[std::string(row.labels.packed())] += row.live.sampled_bytes;
      }
      unlabelled = profile.unlabelled_samples;
    }));
  }

  std::map<std::string, std::uint64_t> bytes;
  std::uint64_t unlabelled = 0;
};

TEST(ProfilerLabels, EachSetIsASiteOfItsOwn) {
  Labelled fixture;
  void* first = nullptr;
  for (const char* tenant : {"red", "blue", "red", "blue", "red"}) {
    fixture.label(tenant);
    void* block = fixture.allocate();
    if (first == nullptr) first = block;
  }
  fixture.label("green");  // frees count where the block was allocated
  fixture.thread.deallocate(first);

  const ByLabels found(fixture.profiler);
  EXPECT_EQ(found.bytes, (std::map<std::string, std::uint64_t>{{"\6tenant\3red", 2000},
                                                               {"\6tenant\4blue", 2000}}));
  EXPECT_EQ(found.unlabelled, 0U);
}

TEST(ProfilerLabels, LostLabelsAreCounted) {
  Labelled fixture;
  static_cast<void>(fixture.allocate());
  labels_of_thread = LabelTable::kLost;
  for (int i = 0; i < 3; ++i) static_cast<void>(fixture.allocate());

  const ByLabels found(fixture.profiler);
  EXPECT_EQ(found.bytes, (std::map<std::string, std::uint64_t>{{"", 4000}}));
  EXPECT_EQ(found.unlabelled, 3U);
}

TEST(ProfilerLabels, LeaksHaveThem) {
  Labelled fixture;
  fixture.label("red");
  static_cast<void>(fixture.allocate());

  ASSERT_TRUE(fixture.profiler.with_leaks([](const LeakProfile& profile) {
    ASSERT_EQ(profile.count, 1U);
    EXPECT_EQ(profile.rows[0].labels.packed(), "\6tenant\3red");
  }));
}

TEST(ProfilerLabels, ForkHoldsTheTable) {
  Labelled fixture;
  fixture.profiler.prepare_fork();
  fixture.profiler.resume_parent();
  fixture.label("red");
  fixture.profiler.prepare_fork();
  fixture.profiler.resume_child();
  fixture.label("blue");
  static_cast<void>(fixture.allocate());

  EXPECT_EQ(ByLabels(fixture.profiler).bytes.count("\6tenant\4blue"), 1U);
}

}  // namespace
}  // namespace luna

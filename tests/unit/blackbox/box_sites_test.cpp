// SPDX-License-Identifier: MIT
#include "blackbox/box_sites.hpp"

#include "blackbox/box_file.hpp"
#include "blackbox_reader.hpp"
#include "support/file_tree.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace luna {
namespace {

// Writes them to a box, and reads that.
[[nodiscard]] tool::Sites encoded(const LiveSites& sites, const std::vector<os::Module>& modules) {
  test::FileTree tree;
  BoxFile file;
  EXPECT_EQ(file.create(tree.root() + "/box", BoxFile::kLeastKib << 10, {}), 0);
  auto record = std::make_unique<BoxFile::SitesRecord>();
  const std::size_t bytes = encode_sites(sites, Modules(modules.data(), modules.size()),
                                         record->payload(), BoxFile::SitesRecord::kMostPayload);
  EXPECT_TRUE(file.append(LUNA_BLACKBOX_SITES_KIND, *record, bytes));
  file.release();
  const tool::BlackBox box = tool::read_black_box(tree.root() + "/box");
  EXPECT_EQ(box.torn, 0U);
  EXPECT_EQ(box.sites.size(), 1U);
  return box.sites.at(0);
}

[[nodiscard]] LiveSite site_of(const std::vector<std::uintptr_t>& frames, double bytes) {
  LiveSite site;
  site.stack = {frames.data(), frames.size()};
  site.live = {1, 2.4, bytes, 0, 0};
  site.allocated = {1, 3, bytes * 2, 0, 0};
  return site;
}

[[nodiscard]] os::Module module_of(std::uintptr_t begin, std::string_view path,
                                   std::string_view build_id) {
  return {begin, begin + 0x1000, 0, begin - 0x500, path, build_id};
}

TEST(BoxSites, TellsStacksAndTheModulesOfTheirFrames) {
  const std::vector<std::uintptr_t> one = {0x10001, 0x30005};
  const std::vector<std::uintptr_t> two = {0x11000};  // behind a call that ends its module
  LiveSites sites;
  sites.add(site_of(one, 700.6));
  sites.add(site_of(two, 300));
  sites.interval_bytes = 4096;
  const tool::Sites found =
      encoded(sites, {module_of(0x10000, "/bin/one", "0123ab"), module_of(0x20000, "/none", "77"),
                      module_of(0x30000, "/lib/three", "")});
  EXPECT_EQ(found.head.all_sites, 2U);
  EXPECT_EQ(found.head.interval_bytes, 4096U);
  ASSERT_EQ(found.sites.size(), 2U);
  EXPECT_EQ(found.sites[0].amounts.live_bytes, 701U);
  EXPECT_EQ(found.sites[0].amounts.live_objects, 2U);
  EXPECT_EQ(found.sites[0].amounts.allocated_bytes, 1401U);
  EXPECT_EQ(found.sites[0].frames, (std::vector<std::uint64_t>{0x10001, 0x30005}));
  ASSERT_EQ(found.modules.size(), 2U);
  EXPECT_EQ(found.modules[0].path, "/bin/one");
  EXPECT_EQ(found.modules[0].build_id, "0123ab");
  EXPECT_EQ(found.modules[0].bias, 0x10000U - 0x500U);
  EXPECT_EQ(found.modules[1].build_id, "");
  EXPECT_EQ(found.module_of(0x11000), &found.modules[0]);
  EXPECT_EQ(found.module_of(0x10000), nullptr);
}

TEST(BoxSites, DeepStacksAreCut) {
  const std::vector<std::uintptr_t> deep(100, 0x10001);
  LiveSites sites;
  sites.add(site_of(deep, 5));
  const tool::Sites found = encoded(sites, {});
  EXPECT_EQ(found.sites.at(0).frames.size(), kMostBoxFrames);
  EXPECT_EQ(found.sites.at(0).amounts.all_frames, 100U);
}

TEST(BoxSites, ModulesThatFindNoRoomAreLeftOut) {
  std::vector<std::vector<std::uintptr_t>> stacks;
  std::vector<os::Module> modules;
  const std::string path(3000, 'p');
  for (std::uintptr_t i = 0; i < LiveSites::kMost; ++i) {
    stacks.push_back(std::vector<std::uintptr_t>(kMostBoxFrames, 0x10001 + i * 0x1000));
    modules.push_back(module_of(0x10000 + i * 0x1000, path, "aa"));
  }
  LiveSites sites;
  for (const auto& stack : stacks) sites.add(site_of(stack, 5));
  const tool::Sites found = encoded(sites, modules);
  EXPECT_EQ(found.sites.size(), LiveSites::kMost);
  EXPECT_GE(found.modules.size(), 2U);
  EXPECT_LT(found.modules.size(), 5U);
  EXPECT_EQ(found.modules[1].path, path);
}

}  // namespace
}  // namespace luna

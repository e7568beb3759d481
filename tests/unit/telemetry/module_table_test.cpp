// SPDX-License-Identifier: MIT
#include "telemetry/module_table.hpp"

#include "base/align.hpp"
#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(FindModule, KnowsBothEnds) {
  const test::SampleProfile sample;

  EXPECT_EQ(find_module(sample.modules, 0x401000), 0U);
  EXPECT_EQ(find_module(sample.modules, 0x401fff), 0U);
  EXPECT_EQ(find_module(sample.modules, 0x7f0000002000), 1U);
  EXPECT_EQ(find_module(sample.modules, 0x7f0000003fff), 1U);
}

TEST(FindModule, WhatLiesBetweenIsInNone) {
  const test::SampleProfile sample;

  for (const std::uintptr_t address : {0x0UL, 0x400fffUL, 0x402000UL, 0x7f0000004000UL, ~0UL})
    EXPECT_EQ(find_module(sample.modules, address), 2U);
  EXPECT_EQ(find_module({}, 0x401000), 0U);
}

TEST(ModuleTable, HoldsTheProgramWithItsTexts) {
  ModuleTable table;
  ASSERT_TRUE(table.load());
  ASSERT_TRUE(table.load());  // instead of what there was
  const Modules modules = table.modules();
  const auto code = reinterpret_cast<std::uintptr_t>(&find_module);

  const std::size_t index = find_module(modules, code);

  ASSERT_LT(index, modules.size());
  EXPECT_NE(modules[index].path.find("module_table_test"), std::string_view::npos);
}

TEST(ModuleTable, EmptyOneHoldsNone) { EXPECT_TRUE(ModuleTable().modules().empty()); }

}  // namespace
}  // namespace luna

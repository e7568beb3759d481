// SPDX-License-Identifier: MIT
#include "os/protection_keys.hpp"

#include "os/memory.hpp"
#include "support/fake_keys.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

using os::KeyRights;
using os::ProtectionKeys;

TEST(ProtectionKeys, WhatTheKernelRefusesIsNoKey) {
  test::FakeKeys fake;
  for (const int error : {ENOSYS, EINVAL, ENOSPC}) {
    test::FakeKeys::refuse_keys(error);
    EXPECT_EQ(fake.keys.take(), ProtectionKeys::kNoKey);
  }
  test::FakeKeys::refuse_keys(0);
  for (int i = 0; i < test::FakeKeys::kMost; ++i)
    EXPECT_NE(fake.keys.take(), ProtectionKeys::kNoKey);
  EXPECT_EQ(fake.keys.take(), ProtectionKeys::kNoKey);
  fake.keys.put(15);
  EXPECT_EQ(fake.keys.take(), 15);
}

TEST(ProtectionKeys, RightsAreTwoBitsOfTheKeyAlone) {
  test::FakeKeys fake;
  static_cast<void>(fake.keys.take());
  const int key = fake.keys.take();
  const std::uint32_t open = test::FakeKeys::rights();
  EXPECT_EQ(open, 0x5555'5540U);
  EXPECT_EQ(fake.keys.rights(key), KeyRights::kReadWrite);

  fake.keys.set_rights(key, KeyRights::kRead);
  EXPECT_EQ(test::FakeKeys::rights(), open | 0x20U);
  EXPECT_EQ(fake.keys.rights(key), KeyRights::kRead);
  fake.keys.set_rights(key, KeyRights::kNone);
  EXPECT_EQ(test::FakeKeys::rights(), open | 0x30U);
  EXPECT_EQ(fake.keys.rights(key), KeyRights::kNone);
  fake.keys.set_rights(key, KeyRights::kReadWrite);
  EXPECT_EQ(test::FakeKeys::rights(), open);
}

TEST(ProtectionKeys, AllRightsAreToOurKeysAndForAWhile) {
  test::FakeKeys fake;
  const int key = fake.keys.take();
  test::FakeKeys::rights() = test::FakeKeys::kOfOthers;
  {
    const os::AllRights all(fake.keys);
    EXPECT_EQ(test::FakeKeys::rights(), 0x5555'5550U);
    const os::AllRights again(fake.keys);
    EXPECT_EQ(fake.keys.rights(key), KeyRights::kReadWrite);
  }
  EXPECT_EQ(test::FakeKeys::rights(), test::FakeKeys::kOfOthers);
  fake.keys.put(key);
  const os::AllRights none(fake.keys);
  EXPECT_EQ(test::FakeKeys::rights(), test::FakeKeys::kOfOthers);
}

TEST(ProtectionKeys, ARefusedTagIsSaid) {
  test::FakeKeys fake;
  const int key = fake.keys.take();
  alignas(64) static std::byte memory[64];
  test::FakeKeys::refuse_tags(ENOMEM);
  EXPECT_FALSE(fake.keys.tag(memory, sizeof memory, key));
  test::FakeKeys::refuse_tags(0);
  EXPECT_TRUE(fake.keys.tag(memory, sizeof memory, key));
  EXPECT_EQ(test::FakeKeys::key_at(memory + 63), key);
}

// As far as this machine has them; where it has none, that they are refused.
TEST(ProtectionKeys, TheKernelsOwn) {
  ProtectionKeys keys;
  const int key = keys.take();
  if (key == ProtectionKeys::kNoKey) {
    const os::AllRights all(keys);  // executes nothing that the processor does not know
    EXPECT_EQ(keys.take(), ProtectionKeys::kNoKey);
    return;
  }
  auto* page = static_cast<volatile char*>(os::map(os::page_bytes()));
  ASSERT_TRUE(keys.tag(const_cast<char*>(page), os::page_bytes(), key));
  page[0] = 1;
  keys.set_rights(key, KeyRights::kRead);
  EXPECT_EQ(page[0], 1);
  EXPECT_DEATH(page[0] = 2, "");
  keys.set_rights(key, KeyRights::kNone);
  EXPECT_DEATH(static_cast<void>(page[0]), "");
  {
    const os::AllRights all(keys);
    page[0] = 3;
  }
  EXPECT_EQ(keys.rights(key), KeyRights::kNone);
  os::release(const_cast<char*>(page), os::page_bytes());
  keys.put(key);
}

}  // namespace
}  // namespace luna

// SPDX-License-Identifier: MIT
#include "demangle.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna::tool {
namespace {

TEST(Demangle, NamesOfCpp) {
  EXPECT_EQ(demangled("_ZN5guest4fillERNS_5StoreE"), "guest::fill(guest::Store&)");
  EXPECT_EQ(demangled("_ZN12_GLOBAL__N_13runEv"), "(anonymous namespace)::run()");
  EXPECT_EQ(demangled("_Z3runv.constprop.0"), "run() [clone .constprop.0]");
}

TEST(Demangle, NamesOfRustWithoutTheirHash) {
  EXPECT_EQ(demangled("_ZN4core3ptr13drop_in_place17h0123456789abcdefE"),
            "core::ptr::drop_in_place");
  EXPECT_EQ(demangled("_ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h930b740aa94f1d3aE"),
            "<&T as core::fmt::Debug>::fmt");
  EXPECT_EQ(demangled("_RNvNtCs1234_7mycrate3foo3bar"), "mycrate::foo::bar");
}

TEST(Demangle, AnythingElseStays) {
  for (const char* name : {"", "main", "_Z", "_R", "_Zfoo", "_RX", "_ZN5guest", "a _Z3runv"})
    EXPECT_EQ(demangled(name), name);
  const std::string deep = "_Z" + std::string(1'000'000, 'P');
  EXPECT_EQ(demangled(deep), deep);
}

}  // namespace
}  // namespace luna::tool

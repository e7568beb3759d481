// SPDX-License-Identifier: MIT
// What the secure library does before the first block is handed out.
#include "hardened/secret.hpp"

namespace luna::test {
namespace {

struct BeginsSecret {
  BeginsSecret() noexcept { hardened::begin_secret(0, 0); }
};

const BeginsSecret begins_secret;

}  // namespace
}  // namespace luna::test

// SPDX-License-Identifier: MIT
// Whether a program hardly ever writes to the large blocks of zeros that it asks for. If so, their
// old pages are given back instead of cleared: they come without any then, which saves time and
// memory. Another program would pay twice. Which one it is shows when a block is freed that came
// without pages, at least in some places; hence that is done from time to time, the more seldom
// the more often it was in vain.
#pragma once

#include "base/relaxed.hpp"

#include <cstddef>

namespace luna {

// Threads: is_probe_due() under a lock; the others any, whose races cost a probe.
class SparseZeros {
 public:
  // Whether some pages of the block that is cleared now shall be given back.
  [[nodiscard]] bool is_probe_due() noexcept {
    if (++clears_ < kFirstClearsPerProbe << vain_probes_) return false;
    clears_ = 0;
    return true;
  }

  [[nodiscard]] bool are_sparse() const noexcept { return sparse_in_a_row_ >= kSparseInARow; }

  // A block is freed that came without pages: had the program written to hardly any of them?
  void note(bool sparse) noexcept {
    sparse_in_a_row_ = sparse ? sparse_in_a_row_ + 1 : 0;
    const std::size_t vain = vain_probes_;
    if (!sparse && vain < kMostDoublings) vain_probes_ = vain + 1;
  }

 private:
  static constexpr std::size_t kFirstClearsPerProbe = 8;
  static constexpr std::size_t kMostDoublings = 5;  // 256 clears for a probe

  // After so many in a row all are taken to be.
  static constexpr std::size_t kSparseInARow = 4;

  std::size_t clears_ = 0;  // since the last probe
  Relaxed<std::size_t> sparse_in_a_row_ = 0;
  Relaxed<std::size_t> vain_probes_ = 0;
};

}  // namespace luna

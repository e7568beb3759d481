// SPDX-License-Identifier: MIT
// What lived at each site when the bytes of all were most, without a look at all sites when
// they are: a site keeps what it had before its first change after that moment.
#pragma once

#include "telemetry/profile.hpp"

#include <cstdint>

namespace luna {

// Of one site: what lived there at the moment of this number.
struct PeakShare {
  Amount amount;
  std::uint64_t moment = 0;
};

// Threads: guarded by the lock of the profiler.
class Peak {
 public:
  // Takes `gone` from what lives at a site, and adds `come`. Every change goes through here.
  void change(Amount& live, PeakShare& share, const Amount& gone, const Amount& come) noexcept {
    if (share.moment != moment_) share = {live, moment_};
    live -= gone;
    live += come;
    bytes_ += come.bytes - gone.bytes;
    if (bytes_ <= most_) return;
    most_ = bytes_;
    ++moment_;
  }

  // What lives at all sites.
  [[nodiscard]] double bytes() const noexcept { return bytes_; }

  // A site that has not changed since has now what it had then.
  [[nodiscard]] const Amount& amount_of(const Amount& live, const PeakShare& share) const noexcept {
    return share.moment == moment_ ? share.amount : live;
  }

 private:
  double bytes_ = 0;
  double most_ = 0;
  std::uint64_t moment_ = 0;  // how often there were more than ever
};

}  // namespace luna

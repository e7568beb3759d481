// SPDX-License-Identifier: MIT
#include "sampling_switch.hpp"

#include "process_watch.hpp"

#include <exception>
#include <iostream>

namespace luna::tool {

namespace {

const std::string kControl = "profile.active";

}  // namespace

SamplingSwitch::~SamplingSwitch() {
  if (!has_begun_) return;
  const ProcessWatch watch(process_.number());
  try {
    if (watch.has_ended()) return;
    if (!watch.is_stopped()) {
      end();
      return;
    }
  } catch (const std::exception&) {
    if (watch.has_ended()) return;
  }
  const std::string number = std::to_string(process_.number());
  std::cerr << "luna: process " << number << " goes on taking samples; `luna ctl " << number
            << " profile.active=false` ends that\n";
}

void SamplingSwitch::begin() {
  if (has_begun_ || process_.get("/control/" + kControl) == "true\n") return;
  has_begun_ = process_.set(kControl, "true") == "true\n";
}

void SamplingSwitch::end() {
  if (!has_begun_) return;
  static_cast<void>(process_.set(kControl, "false"));
  has_begun_ = false;
}

}  // namespace luna::tool

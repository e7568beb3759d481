// SPDX-License-Identifier: MIT
#include "telemetry/marker.hpp"

#include "os/memory.hpp"

namespace luna {

Marker::~Marker() {
  if (stack_ != nullptr) os::release(stack_, kStackBytes);
}

bool Marker::begin() noexcept {
  if (!marks_.begin(census_.window())) return false;
  stack_ = static_cast<FoundBlock*>(os::map(kStackBytes));
  return stack_ != nullptr;
}

void Marker::mark(os::Words words) noexcept {
  enter_all(words);
  drain();
}

void Marker::enter_all(os::Words words) noexcept {
  const WindowView& window = census_.window();
  for (const std::uintptr_t word : words)
    if (window.holds((word - window.base) / 16)) enter(word);
}

void Marker::enter(std::uintptr_t address) noexcept {
  const FoundBlock block = census_.find(address);
  if (block.bytes == 0 || marks_.test(block.begin)) return;
  if (barred_ != nullptr && barred_->test(block.begin)) return;
  marks_.set(block.begin);
  if (depth_ == kCapacity)
    overflowed_ = true;
  else
    stack_[depth_++] = block;
}

void Marker::look_into(const FoundBlock& block) noexcept {
  if (hidden_.overlap({block.begin, block.begin + block.bytes})) {
    reader_.read(block.begin, block.begin + block.bytes, os::PagesRead::kBacked,
                 [this](os::Words words) noexcept { enter_all(words); });
    return;
  }
  enter_all(
      {reinterpret_cast<const std::uintptr_t*>(block.begin), block.bytes / sizeof(std::uintptr_t)});
}

void Marker::drain() noexcept {
  while (depth_ != 0) look_into(stack_[--depth_]);
}

void Marker::finish() noexcept {
  while (overflowed_) {
    overflowed_ = false;
    census_.for_each_block([this](const FoundBlock& block) noexcept {
      if (!marks_.test(block.begin)) return;
      look_into(block);
      drain();
    });
  }
}

}  // namespace luna

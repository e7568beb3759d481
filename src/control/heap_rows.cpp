// SPDX-License-Identifier: MIT
#include "control/heap_rows.hpp"

#include "os/memory.hpp"

#include <cstring>

namespace luna {

HeapRows::~HeapRows() {
  if (rows_ != nullptr) os::release(rows_, capacity_ * sizeof(Row));
}

bool HeapRows::collect(NamedHeaps& heaps) noexcept {
  capacity_ = heaps.count() + 1;
  rows_ = static_cast<Row*>(os::map(capacity_ * sizeof(Row)));
  if (rows_ == nullptr) return false;
  heaps.for_each([this](NamedHeap& heap) noexcept {
    if (count_ == capacity_) return;
    Row& row = rows_[count_++];
    row.number = heap.number();
    std::memcpy(row.name.data(), heap.name(), row.name.size());
    row.stats = heap.statistics(nullptr);
  });
  return true;
}

}  // namespace luna

// SPDX-License-Identifier: MIT
// Intrusive doubly linked list: the element carries `previous` and `next`.
#pragma once

namespace luna {

// An element may be in one list at a time; one that is in none has both links null.
//
// Threads: none of its own; its owner's lock guards it.
template <typename Element>
class List {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] Element* first() const noexcept { return first_; }

  void push_front(Element* element) noexcept {
    element->previous = nullptr;
    element->next = first_;
    (first_ != nullptr ? first_->previous : last_) = element;
    first_ = element;
  }

  void push_back(Element* element) noexcept {
    element->next = nullptr;
    element->previous = last_;
    (last_ != nullptr ? last_->next : first_) = element;
    last_ = element;
  }

  // Requires: `element` is in this list.
  void remove(Element* element) noexcept {
    (element->previous != nullptr ? element->previous->next : first_) = element->next;
    (element->next != nullptr ? element->next->previous : last_) = element->previous;
    element->previous = element->next = nullptr;
  }

 private:
  Element* first_ = nullptr;
  Element* last_ = nullptr;
};

}  // namespace luna

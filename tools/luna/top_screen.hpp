// SPDX-License-Identifier: MIT
// A terminal that shows a canvas and reads keys, by ncurses.
#pragma once

#include "text_canvas.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace luna::tool {

// Whether the standard streams are a terminal on which text can be placed.
struct TerminalAnswer {
  bool can_place = false;
  std::string why_not;  // worth a line; empty: it is no terminal at all
};
[[nodiscard]] TerminalAnswer ask_terminal();

// One at a time. The terminal is as it was when it ends.
class TopScreen {
 public:
  // Requires: ask_terminal().can_place.
  TopScreen();
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  [[nodiscard]] std::size_t rows() const;
  [[nodiscard]] std::size_t columns() const;

  void show(const TextCanvas& canvas);

  // As top_state.hpp has keys; kKeyNone: there was none, or the size has changed. Throws
  // AttachError where the terminal is gone.
  [[nodiscard]] int key(std::chrono::milliseconds patience);

 private:
  void* screen_;
};

}  // namespace luna::tool

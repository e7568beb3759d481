// SPDX-License-Identifier: MIT
// Where on a screen the figures of `luna top` stand.
#pragma once

#include "text_canvas.hpp"
#include "top_picture.hpp"
#include "top_state.hpp"

#include <cstddef>
#include <string>

namespace luna::tool {

constexpr std::size_t kLeastRows = 24;
constexpr std::size_t kLeastColumns = 80;

// All texts are printable, and of ASCII alone.
struct TopScene {
  const TopPicture& picture;
  const TopState& state;
  std::string process;  // "redis-server (4711)"
  std::string when;     // "12:03:04, every 2 s"
  std::string alarm;    // "ENDED"; empty: all is well
  std::string message;  // in place of the keys; empty: none
};

// A screen that is smaller than the least has a line that says so.
[[nodiscard]] TextCanvas draw_screen(const TopScene& scene, std::size_t rows, std::size_t columns);

// Lines for what is no terminal, each with its end: as the view of all, without keys.
[[nodiscard]] std::string plain_lines(const TopScene& scene);

}  // namespace luna::tool

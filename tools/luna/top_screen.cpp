// SPDX-License-Identifier: MIT
#include "top_screen.hpp"

#include "attach_target.hpp"
#include "printable.hpp"
#include "top_state.hpp"

#define NCURSES_NOMACROS 1
#include <curses.h>
#include <poll.h>
#include <term.h>
#undef columns  // which that header makes a macro
#include <unistd.h>

#include <array>
#include <clocale>
#include <cstdio>
#include <cstdlib>

namespace luna::tool {

namespace {

constexpr std::array<short, 7> kPartColours = {COLOR_GREEN, COLOR_CYAN,    COLOR_YELLOW, COLOR_RED,
                                               COLOR_BLUE,  COLOR_MAGENTA, COLOR_WHITE};

[[nodiscard]] bool wants_colours() {
  const char* const refused = std::getenv("NO_COLOR");
  return has_colors() && (refused == nullptr || refused[0] == '\0');
}

void begin_colours() {
  if (!wants_colours()) return;
  start_color();
  use_default_colors();
  for (std::size_t i = 0; i < kPartColours.size(); ++i)
    init_pair(static_cast<short>(i + 1), COLOR_BLACK, kPartColours[i]);
}

// Without colours the letters of the bar tell its parts.
[[nodiscard]] attr_t attributes_of(CellStyle style) {
  switch (style) {
    case CellStyle::kPlain:
      return A_NORMAL;
    case CellStyle::kTitle:
      return A_BOLD;
    case CellStyle::kChosen:
    case CellStyle::kAlarm:
      return A_REVERSE;
    default:
      return A_NORMAL;
  }
}

[[nodiscard]] short pair_of(CellStyle style) {
  if (style < CellStyle::kPart || !wants_colours()) return 0;
  return static_cast<short>(static_cast<int>(style) - static_cast<int>(CellStyle::kPart) + 1);
}

[[nodiscard]] int key_of(int key) {
  switch (key) {
    case KEY_UP:
      return kKeyUp;
    case KEY_DOWN:
      return kKeyDown;
    case KEY_PPAGE:
      return kKeyPageUp;
    case KEY_NPAGE:
      return kKeyPageDown;
    case KEY_ENTER:
    case '\r':
      return kKeyEnter;
    case KEY_BACKSPACE:
    case 0x7F:
      return kKeyBackspace;
    default:
      return key >= 0 && key < 0x80 ? key : kKeyNone;
  }
}

}  // namespace

TerminalAnswer ask_terminal() {
  if (isatty(STDOUT_FILENO) == 0 || isatty(STDIN_FILENO) == 0) return {};
  const char* const set = std::getenv("TERM");
  const std::string name = set == nullptr ? "" : set;
  int error = 0;
  if (name.empty()) return {false, "TERM is not set"};
  if (setupterm(nullptr, STDOUT_FILENO, &error) != OK)
    return {false, "the terminal `" + printable(name) + "` of TERM is not known here"};
  char capability[] = "cup";
  const char* const moves = tigetstr(capability);
  if (moves == nullptr || moves == reinterpret_cast<char*>(-1))
    return {false, "the terminal `" + printable(name) + "` cannot move its cursor"};
  return {true, ""};
}

TopScreen::TopScreen() : screen_(nullptr) {
  std::setlocale(LC_CTYPE, "");
  SCREEN* const made = newterm(nullptr, stdout, stdin);
  if (made == nullptr)
    throw AttachError(AttachError::kMistakes, "the terminal cannot be used; pipe into cat");
  screen_ = made;
  set_term(made);
  begin_colours();
  cbreak();
  noecho();
  keypad(stdscr, true);
  curs_set(0);
  set_escdelay(25);
}

TopScreen::~TopScreen() {
  endwin();
  delscreen(static_cast<SCREEN*>(screen_));
}

std::size_t TopScreen::rows() const { return static_cast<std::size_t>(getmaxy(stdscr)); }
std::size_t TopScreen::columns() const { return static_cast<std::size_t>(getmaxx(stdscr)); }

void TopScreen::show(const TextCanvas& canvas) {
  erase();
  for (std::size_t row = 0; row < canvas.rows(); ++row) {
    for (std::size_t column = 0; column < canvas.columns(); ++column) {
      const Cell& cell = canvas.row(row)[column];
      attr_set(attributes_of(cell.style), pair_of(cell.style), nullptr);
      mvaddch(static_cast<int>(row), static_cast<int>(column),
              static_cast<unsigned char>(cell.letter));
    }
  }
  refresh();
}

// A terminal that went away is always readable, and has no keys.
int TopScreen::key(std::chrono::milliseconds patience) {
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  const int ready = poll(&input, 1, static_cast<int>(patience.count()));
  timeout(0);
  const int key = getch();  // also asks for the size, when that has changed
  if (key == ERR && ready == 1)
    throw AttachError(AttachError::kMistakes, "the terminal does not answer any more");
  return key == ERR ? kKeyNone : key_of(key);
}

}  // namespace luna::tool

// SPDX-License-Identifier: MIT
// Nothing is written on stderr of what the library would tell there: very many texts are wrong. The
// linker has it call this (--wrap); but for what ends the process, which is in the same file.
#include <string_view>

void write_nothing(std::string_view text) noexcept
    asm("__wrap__ZN4luna11write_errorESt17basic_string_viewIcSt11char_traitsIcEE");

void write_nothing(std::string_view) noexcept {}

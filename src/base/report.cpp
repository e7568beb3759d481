// SPDX-License-Identifier: MIT
#include "base/report.hpp"

#include "base/align.hpp"
#include "base/check.hpp"
#include "base/format.hpp"

#include <array>
#include <cstdlib>

namespace luna::report {

namespace {

void add_line(Text& text, std::string_view what, const void* pointer,
              std::string_view advice) noexcept {
  text.add("lunalloc: ").add(what).add(" ").add_hex(address_of(pointer));
  text.add(": ").add(advice).add("\n");
}

// `block` is the one to tell more of.
[[noreturn]] void die(std::string_view what, const void* pointer, std::string_view advice,
                      const void* block) noexcept {
  std::array<char, 320> buffer;
  Text text(buffer.data(), buffer.size());
  add_line(text, what, pointer, advice);
  note_last_words(text.view());
  write_error(text.view());
  tell_more(block);
  std::abort();
}

[[noreturn]] void die(std::string_view what, const void* pointer,
                      std::string_view advice) noexcept {
  die(what, pointer, advice, pointer);
}

}  // namespace

[[gnu::weak]] void tell_more(const void*) noexcept {}

void double_free(const void* pointer) noexcept {
  die("double free of", pointer, "this block was freed before; free each block exactly once");
}

void misaligned_pointer(const void* pointer) noexcept {
  die("free of misaligned pointer", pointer,
      "every block starts at a multiple of 16; pass the pointer that malloc returned");
}

void interior_pointer(const void* pointer, std::size_t offset) noexcept {
  std::array<char, 160> buffer;
  Text advice(buffer.data(), buffer.size());
  advice.add("it lies ").add_decimal(offset);
  advice.add(" bytes behind the start of a block; pass the pointer that malloc returned");
  die("free of interior pointer", pointer, advice.view());
}

void unknown_pointer(const void* pointer) noexcept {
  die("free of unknown pointer", pointer,
      "no allocator of this process handed it out; pass a pointer that malloc returned");
}

void realloc_of_freed(const void* pointer) noexcept {
  die("realloc of a freed block", pointer,
      "use the pointer that the last realloc returned, and none after free");
}

void corrupt_free_list(const void* slab, const void* pointer, const void* holder) noexcept {
  std::array<char, 200> buffer;
  Text advice(buffer.data(), buffer.size());
  advice.add("seen in a list of free blocks");
  if (slab != nullptr) advice.add(", of the slab at ").add_hex(address_of(slab));
  advice.add(": a block was freed twice, freed by a wrong pointer (interior pointer),");
  advice.add(" or written after free");
  die("double free or corruption at", pointer, advice.view(), holder != nullptr ? holder : pointer);
}

void delete_of_other_size(const void* pointer, std::size_t told, std::size_t room) noexcept {
  std::array<char, 160> buffer;
  Text advice(buffer.data(), buffer.size());
  advice.add("operator delete was told ").add_decimal(told).add(" bytes of a block that has room");
  advice.add(" for ").add_decimal(room).add("; delete an object by its own type");
  std::array<char, 320> line;
  Text text(line.data(), line.size());
  add_line(text, "delete of another size of", pointer, advice.view());
  write_error(text.view());
  tell_more(pointer);
}

void overflow(const void* pointer) noexcept {
  die("overflow of", pointer, "somebody wrote behind it; write no more than was asked for");
}

void write_after_free(const void* pointer) noexcept {
  die("write after free of", pointer, "this block was written to while it was free");
}

void delete_of_exact_size(const void* pointer, std::size_t told, std::size_t asked) noexcept {
  std::array<char, 160> buffer;
  Text advice(buffer.data(), buffer.size());
  advice.add("it has ").add_decimal(asked).add(" bytes, and was freed as one of ");
  advice.add_decimal(told).add("; delete an object by its own type");
  die("delete of another size of", pointer, advice.view());
}

}  // namespace luna::report

// SPDX-License-Identifier: MIT
#include "demangle.hpp"

#include <cxxabi.h>
#include <libiberty/demangle.h>

#include <cstdlib>
#include <memory>

namespace luna::tool {

namespace {

// Longer ones are hardly to be read, and hostile ones take long.
constexpr std::size_t kLongest = 16'384;

struct Free {
  void operator()(char* text) const noexcept { std::free(text); }
};
using Text = std::unique_ptr<char, Free>;

}  // namespace

// Rust's older scheme is C++'s by its look, so Rust comes first: it knows its own by the hash.
std::string demangled(const std::string& name) {
  const bool is_mangled = name.starts_with("_Z") || name.starts_with("_R");
  if (!is_mangled || name.size() > kLongest) return name;
  Text text(rust_demangle(name.c_str(), DMGL_NO_OPTS));
  int status = 0;
  if (text == nullptr) text.reset(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status));
  return text != nullptr ? std::string(text.get()) : name;
}

}  // namespace luna::tool

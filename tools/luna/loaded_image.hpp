// SPDX-License-Identifier: MIT
// An ELF file as it lies in memory, in another process or in this one: its symbols are found
// without the file, which may be deleted or of another mount namespace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace luna::tool {

// False: there is no such memory.
using ReadMemory = std::function<bool(std::uint64_t address, void* to, std::size_t bytes)>;

// What is read may be anything, and may change: then nothing is found. Nothing is read without
// end.
class LoadedImage {
 public:
  // `begin`: where the first byte of the file lies.
  LoadedImage(std::uint64_t begin, ReadMemory read);

  [[nodiscard]] bool is_elf() const noexcept { return is_elf_; }
  [[nodiscard]] bool is_64_bit() const noexcept { return is_64_bit_; }

  // Whether it wants the dynamic linker, as all but static programs and their parts.
  [[nodiscard]] bool has_interpreter() const noexcept { return has_interpreter_; }

  // The address of what the image exports by this name.
  [[nodiscard]] std::optional<std::uint64_t> find(std::string_view name) const;

 private:
  void read_segments(std::uint64_t headers, std::size_t count);
  void read_dynamic(std::uint64_t table);
  [[nodiscard]] std::uint64_t loaded(std::uint64_t address) const noexcept;
  [[nodiscard]] bool is_named(std::uint32_t text, std::string_view name) const;
  [[nodiscard]] std::optional<std::uint64_t> value_of(std::uint32_t symbol,
                                                      std::string_view name) const;

  // Reads one value; 0 where there is none.
  template <typename Value>
  [[nodiscard]] Value value_at(std::uint64_t address) const {
    Value value{};
    return read_(address, &value, sizeof value) ? value : Value{};
  }

  std::uint64_t begin_;
  ReadMemory read_;
  bool is_elf_ = false;
  bool is_64_bit_ = false;
  bool has_interpreter_ = false;
  std::uint64_t bias_ = 0;  // what is added to the addresses of the file
  std::uint64_t symbols_ = 0;
  std::uint64_t texts_ = 0;
  std::uint64_t hashes_ = 0;  // in the form of DT_GNU_HASH
};

}  // namespace luna::tool

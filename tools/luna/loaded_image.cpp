// SPDX-License-Identifier: MIT
#include "loaded_image.hpp"

#include <elf.h>

#include <cstring>
#include <utility>

namespace luna::tool {

namespace {

constexpr std::size_t kMostSegments = 256;
constexpr std::size_t kMostDynamic = 1024;
constexpr std::uint32_t kMostChained = 1U << 10;  // symbols with hashes that share a bucket

// The start of a DT_GNU_HASH.
struct HashHeader {
  std::uint32_t buckets;
  std::uint32_t first_symbol;
  std::uint32_t bloom_words;
  std::uint32_t bloom_shift;
};

[[nodiscard]] std::uint32_t hash_of(std::string_view name) noexcept {
  std::uint32_t hash = 5381;
  for (const char letter : name) hash = hash * 33 + static_cast<unsigned char>(letter);
  return hash;
}

}  // namespace

LoadedImage::LoadedImage(std::uint64_t begin, ReadMemory read)
    : begin_(begin), read_(std::move(read)) {
  Elf64_Ehdr header{};
  if (!read_(begin_, &header, sizeof header)) return;
  is_elf_ = std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0;
  is_64_bit_ = is_elf_ && header.e_ident[EI_CLASS] == ELFCLASS64;
  const bool usual = header.e_phentsize == sizeof(Elf64_Phdr) && header.e_phnum <= kMostSegments;
  if (is_64_bit_ && usual) read_segments(begin_ + header.e_phoff, header.e_phnum);
}

void LoadedImage::read_segments(std::uint64_t headers, std::size_t count) {
  std::uint64_t dynamic = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto segment = value_at<Elf64_Phdr>(headers + i * sizeof(Elf64_Phdr));
    if (segment.p_type == PT_LOAD && segment.p_offset == 0) bias_ = begin_ - segment.p_vaddr;
    if (segment.p_type == PT_DYNAMIC) dynamic = segment.p_vaddr;
    if (segment.p_type == PT_INTERP) has_interpreter_ = true;
  }
  if (dynamic != 0) read_dynamic(dynamic + bias_);
}

void LoadedImage::read_dynamic(std::uint64_t table) {
  for (std::size_t i = 0; i < kMostDynamic; ++i) {
    const auto entry = value_at<Elf64_Dyn>(table + i * sizeof(Elf64_Dyn));
    if (entry.d_tag == DT_NULL) return;
    if (entry.d_tag == DT_SYMTAB) symbols_ = loaded(entry.d_un.d_ptr);
    if (entry.d_tag == DT_STRTAB) texts_ = loaded(entry.d_un.d_ptr);
    if (entry.d_tag == DT_GNU_HASH) hashes_ = loaded(entry.d_un.d_ptr);
  }
}

// The dynamic linker of glibc adds the bias to what stands there, and others do not.
std::uint64_t LoadedImage::loaded(std::uint64_t address) const noexcept {
  return address < begin_ ? address + bias_ : address;
}

std::optional<std::uint64_t> LoadedImage::find(std::string_view name) const {
  if (symbols_ == 0 || texts_ == 0 || hashes_ == 0) return std::nullopt;
  const auto header = value_at<HashHeader>(hashes_);
  if (header.buckets == 0) return std::nullopt;
  const std::uint32_t hash = hash_of(name);
  const std::uint64_t buckets =
      hashes_ + sizeof header + std::uint64_t{header.bloom_words} * sizeof(std::uint64_t);
  const std::uint64_t chains = buckets + std::uint64_t{header.buckets} * sizeof(std::uint32_t);
  const auto first = value_at<std::uint32_t>(buckets + std::uint64_t{hash % header.buckets} *
                                                           sizeof(std::uint32_t));
  if (first < header.first_symbol) return std::nullopt;
  for (std::uint32_t i = 0; i < kMostChained; ++i) {
    std::uint32_t other = 0;
    const std::uint64_t place = std::uint64_t{first} - header.first_symbol + i;
    if (!read_(chains + place * sizeof other, &other, sizeof other)) return std::nullopt;
    if ((other | 1) == (hash | 1)) {
      if (const auto address = value_of(first + i, name)) return address;
    }
    if ((other & 1) != 0) return std::nullopt;  // the last of the bucket
  }
  return std::nullopt;
}

bool LoadedImage::is_named(std::uint32_t text, std::string_view name) const {
  std::string other(name.size() + 1, '\xFF');
  return read_(texts_ + text, other.data(), other.size()) && other.back() == '\0' &&
         std::string_view(other).substr(0, name.size()) == name;
}

std::optional<std::uint64_t> LoadedImage::value_of(std::uint32_t symbol,
                                                   std::string_view name) const {
  const auto entry = value_at<Elf64_Sym>(symbols_ + std::uint64_t{symbol} * sizeof(Elf64_Sym));
  if (entry.st_shndx == SHN_UNDEF || !is_named(entry.st_name, name)) return std::nullopt;
  return entry.st_value + bias_;
}

}  // namespace luna::tool

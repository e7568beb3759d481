// SPDX-License-Identifier: MIT
#include "os/elf_image.hpp"

#include "base/align.hpp"
#include "os/environment.hpp"
#include "os/memory.hpp"
#include "os/system_call.hpp"

#include <elf.h>
#include <link.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>
#include <type_traits>

namespace luna::os {

namespace {

using Header = ElfW(Ehdr);
using ProgramHeader = ElfW(Phdr);
using NoteHeader = ElfW(Nhdr);

constexpr std::string_view kGnuName("GNU\0", 4);

// The kernel copies, so that a file that was cut short or unmapped is no fault.
[[nodiscard]] bool copy_memory(std::uintptr_t from, void* to, std::size_t bytes) noexcept {
  struct iovec target = {to, bytes};
  struct iovec source = {reinterpret_cast<void*>(from), bytes};
  const long count = system_call(SYS_process_vm_readv, process_id(), &target, 1, &source, 1, 0);
  if (count != -ENOSYS && count != -EPERM) return count == static_cast<long>(bytes);
  // Emulators and strict sandboxes do not have the call.
  std::memcpy(to, reinterpret_cast<const void*>(from), bytes);
  return true;
}

// A part of memory that nothing may be read beyond.
struct Part {
  std::uintptr_t begin;
  std::size_t bytes;

  template <typename Type>
  [[nodiscard]] bool read(std::size_t offset, Type& object) const noexcept {
    static_assert(std::is_trivially_copyable_v<Type>);
    return holds(offset, sizeof(Type)) && copy_memory(begin + offset, &object, sizeof(Type));
  }

  [[nodiscard]] bool holds(std::size_t offset, std::size_t count) const noexcept {
    return offset <= bytes && count <= bytes - offset;
  }
};

struct BuildId {
  std::array<unsigned char, kMaxBuildIdBytes> bytes;
  std::size_t count = 0;
};

[[nodiscard]] bool read_build_id(const Part& notes, std::size_t offset, const NoteHeader& note,
                                 BuildId& id) noexcept {
  std::array<char, kGnuName.size()> name;
  if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != name.size()) return false;
  if (note.n_descsz == 0 || note.n_descsz > id.bytes.size()) return false;
  if (!notes.read(offset, name) || std::string_view(name.data(), name.size()) != kGnuName)
    return false;
  offset += name.size();
  if (!notes.holds(offset, note.n_descsz)) return false;
  if (!copy_memory(notes.begin + offset, id.bytes.data(), note.n_descsz)) return false;
  id.count = note.n_descsz;
  return true;
}

[[nodiscard]] bool find_build_id(const Part& notes, std::size_t alignment, BuildId& id) noexcept {
  NoteHeader note;
  for (std::size_t offset = 0; notes.read(offset, note);) {
    offset += sizeof note;
    if (read_build_id(notes, offset, note, id)) return true;
    // Both are of 32 bits: no overflow.
    offset = round_up(offset + note.n_namesz, alignment);
    offset = round_up(offset + note.n_descsz, alignment);
  }
  return false;
}

}  // namespace

ElfImage::ElfImage(std::uintptr_t begin, std::uintptr_t end) noexcept
    : begin_(begin), bytes_(end - begin) {
  Header header;
  const Part image{begin_, bytes_};
  if (!image.read(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return;
  if (header.e_ident[EI_CLASS] != (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32)) return;
  if (header.e_phentsize != sizeof(ProgramHeader)) return;
  if (!image.holds(header.e_phoff, header.e_phnum * sizeof(ProgramHeader))) return;
  headers_offset_ = header.e_phoff;
  header_count_ = header.e_phnum;
}

std::string_view ElfImage::build_id(BuildIdText& text) const noexcept {
  const Part image{begin_, bytes_};
  BuildId id;
  for (std::size_t i = 0; i < header_count_ && id.count == 0; ++i) {
    ProgramHeader part;
    if (!image.read(headers_offset_ + i * sizeof part, part)) break;
    if (part.p_type != PT_NOTE || !image.holds(part.p_offset, part.p_filesz)) continue;
    const Part notes{begin_ + part.p_offset, part.p_filesz};
    if (find_build_id(notes, part.p_align == 8 ? 8 : 4, id)) break;
  }
  for (std::size_t i = 0; i < id.count; ++i) {
    text[2 * i] = "0123456789abcdef"[id.bytes[i] / 16];
    text[2 * i + 1] = "0123456789abcdef"[id.bytes[i] % 16];
  }
  return {text.data(), 2 * id.count};
}

std::uint64_t ElfImage::symbol_address(std::uint64_t file_offset) const noexcept {
  const Part image{begin_, bytes_};
  for (std::size_t i = 0; i < header_count_; ++i) {
    ProgramHeader part;
    if (!image.read(headers_offset_ + i * sizeof part, part)) break;
    if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
    const std::uint64_t first = round_down(part.p_offset, page_bytes());
    if (file_offset >= first && file_offset - first < part.p_filesz + (part.p_offset - first))
      return part.p_vaddr + (file_offset - part.p_offset);
  }
  return file_offset;
}

}  // namespace luna::os

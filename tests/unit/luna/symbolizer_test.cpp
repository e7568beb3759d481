// SPDX-License-Identifier: MIT
// The symbolizer on a copy of this program, which has a function of a known name. What debug
// information adds is tested by tests/preload/profile_files.
#include "symbolizer.hpp"

#include "support/file_tree.hpp"

#include <gtest/gtest.h>
#include <link.h>
#include <sys/stat.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

extern "C" [[gnu::noinline, gnu::used]] int symbolizer_test_function(int number) {
  return number * 3;
}

namespace luna::tool {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// Where this program was loaded, against its file.
[[nodiscard]] std::uint64_t own_bias() {
  std::uint64_t bias = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* found) {
        *static_cast<std::uint64_t*>(found) = info->dlpi_addr;
        return 1;  // the first is the program
      },
      &bias);
  return bias;
}

[[nodiscard]] std::uint64_t function_address() {
  return reinterpret_cast<std::uint64_t>(&symbolizer_test_function) + 1;
}

// One frame, in that function of a file that is taken for this program.
[[nodiscard]] HeapProfile one_frame(const std::string& path) {
  HeapProfile profile;
  HeapProfile::Mapping& mapping = profile.mappings.emplace_back();
  mapping.path = path;
  mapping.bias = own_bias();
  profile.locations.push_back({function_address(), 0, {}});
  return profile;
}

[[nodiscard]] std::string outermost_name(const HeapProfile& profile) {
  const auto& lines = profile.locations[0].lines;
  return lines.empty() ? "" : profile.functions[lines.back().function].name;
}

struct CopyOfProgram {
  CopyOfProgram() { std::filesystem::copy_file("/proc/self/exe", path); }

  test::FileTree tree;
  const std::string path = tree.root() + "/program";
};

TEST(Symbolizer, NamesFunctions) {
  const CopyOfProgram copy;
  HeapProfile profile = one_frame(copy.path);
  Symbolizer symbolizer;
  symbolizer.name_frames(profile);

  EXPECT_EQ(outermost_name(profile), "symbolizer_test_function");
  EXPECT_TRUE(symbolizer.unnamed().empty());
}

TEST(Symbolizer, FindsTheBiasByTheOffsetInTheFile) {
  const CopyOfProgram copy;
  HeapProfile profile = one_frame(copy.path);
  HeapProfile::Mapping& mapping = profile.mappings[0];
  const SymbolFile file({copy.path, {}, 0}, {});
  ASSERT_TRUE(file.is_open());
  // The mapping of code, as the loader made it.
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* found) {
        auto& code = *static_cast<HeapProfile::Mapping*>(found);
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const ElfW(Phdr)& segment = info->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
          const std::uint64_t within = segment.p_vaddr % 4096;
          code.begin = info->dlpi_addr + segment.p_vaddr - within;
          code.file_offset = segment.p_offset - within;
        }
        return 1;
      },
      &mapping);
  mapping.bias.reset();
  Symbolizer().name_frames(profile);

  EXPECT_EQ(mapping.bias, own_bias());
  EXPECT_EQ(outermost_name(profile), "symbolizer_test_function");
}

// The file is gone meanwhile, so the name comes from what was found before.
TEST(Symbolizer, KeepsWhatItFound) {
  const CopyOfProgram copy;
  HeapProfile first = one_frame(copy.path);
  HeapProfile second = first;
  Symbolizer symbolizer;
  symbolizer.name_frames(first);
  std::filesystem::remove(copy.path);
  symbolizer.name_frames(second);

  EXPECT_EQ(outermost_name(second), "symbolizer_test_function");
  HeapProfile third = one_frame(copy.path);
  Symbolizer other;
  other.name_frames(third);
  EXPECT_EQ(outermost_name(third), "");
  EXPECT_EQ(other.unnamed().at(copy.path), "is not there");
}

TEST(Symbolizer, WithoutABuildIdAFileThatChangedLaterIsNotUsed) {
  const CopyOfProgram copy;
  HeapProfile profile = one_frame(copy.path);
  profile.began_ns = (static_cast<std::uint64_t>(std::time(nullptr)) - 60) * kSecond;
  Symbolizer symbolizer;
  symbolizer.name_frames(profile);

  EXPECT_EQ(outermost_name(profile), "");
  EXPECT_NE(symbolizer.unnamed().at(copy.path).find("was changed since"), std::string::npos);
}

TEST(Symbolizer, WithAnotherBuildIdAFileIsNotUsed) {
  const CopyOfProgram copy;
  HeapProfile profile = one_frame(copy.path);
  profile.mappings[0].build_id = "0123456789abcdef";
  Symbolizer symbolizer;
  symbolizer.name_frames(profile);

  EXPECT_EQ(outermost_name(profile), "");
  EXPECT_NE(symbolizer.unnamed().at(copy.path).find("another file"), std::string::npos);
}

// Whatever lies where a profile says that a program is: nobody waits for it or falls over it.
TEST(Symbolizer, OtherThingsThanProgramsHaveNoNames) {
  const test::FileTree tree;
  const std::string pipe = tree.root() + "/pipe";
  const std::string text = tree.root() + "/text";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::ofstream(text) << "\x7F"
                      << "ELF, but no more than that";
  for (const std::string& path : {pipe, text, tree.root(), std::string("/dev/zero")}) {
    HeapProfile profile = one_frame(path);
    Symbolizer symbolizer;
    symbolizer.name_frames(profile);
    EXPECT_EQ(outermost_name(profile), "");
    EXPECT_EQ(symbolizer.unnamed().count(path), 1U);
  }
}

TEST(Symbolizer, NamesThatAreThereStay) {
  const CopyOfProgram copy;
  HeapProfile profile = one_frame(copy.path);
  profile.functions.push_back({"of the file", ""});
  profile.locations[0].lines = {{0, 7}};
  Symbolizer().name_frames(profile);

  EXPECT_EQ(outermost_name(profile), "of the file");
}

}  // namespace
}  // namespace luna::tool

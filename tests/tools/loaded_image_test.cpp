// SPDX-License-Identifier: MIT
// Symbols of the images that this program is made of are found in its memory, and nothing that is
// not there in images that were written over.
#include "loaded_image.hpp"

#include "remote_memory.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace luna::tool {
namespace {

[[nodiscard]] ReadMemory own_memory() {
  return [memory = RemoteMemory(getpid())](std::uint64_t address, void* to, std::size_t bytes) {
    return memory.read(address, to, bytes);
  };
}

[[nodiscard]] std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

// Where the file lies that this is part of.
[[nodiscard]] std::uint64_t image_with(const void* pointer) {
  Dl_info info{};
  EXPECT_NE(dladdr(pointer, &info), 0);
  return address_of(info.dli_fbase);
}

TEST(LoadedImage, FindsWhatALibraryExports) {
  void* const symbol = dlsym(RTLD_DEFAULT, "strtol");
  ASSERT_NE(symbol, nullptr);
  const LoadedImage image(image_with(symbol), own_memory());
  EXPECT_TRUE(image.is_elf());
  EXPECT_TRUE(image.is_64_bit());
  EXPECT_EQ(image.find("strtol"), address_of(symbol));
  EXPECT_EQ(image.find("environ"), address_of(dlsym(RTLD_DEFAULT, "environ")));
}

TEST(LoadedImage, FindsNothingElse) {
  const LoadedImage image(image_with(dlsym(RTLD_DEFAULT, "strtol")), own_memory());
  EXPECT_EQ(image.find("lunalloc_attach"), std::nullopt);
  EXPECT_EQ(image.find(""), std::nullopt);
  EXPECT_EQ(image.find("strto"), std::nullopt);
}

TEST(LoadedImage, FindsNothingThatItsFileOnlyNeeds) {
  const LoadedImage image(image_with(reinterpret_cast<const void*>(&image_with)), own_memory());
  EXPECT_TRUE(image.has_interpreter());
  EXPECT_EQ(image.find("strtol"), std::nullopt);
}

TEST(LoadedImage, IsNoneWhereThereIsNoMemory) {
  const LoadedImage image(8, own_memory());
  EXPECT_FALSE(image.is_elf());
  EXPECT_EQ(image.find("strtol"), std::nullopt);
}

// An image of its own, as a dynamic linker leaves it that adds no bias.
class SmallImage {
 public:
  SmallImage() : bytes_(8192) {
    put(0, Elf64_Ehdr{.e_ident = {0x7F, 'E', 'L', 'F', ELFCLASS64},
                      .e_type = ET_DYN,
                      .e_machine = 0,
                      .e_version = 1,
                      .e_entry = 0,
                      .e_phoff = 64,
                      .e_shoff = 0,
                      .e_flags = 0,
                      .e_ehsize = 64,
                      .e_phentsize = sizeof(Elf64_Phdr),
                      .e_phnum = 2,
                      .e_shentsize = 0,
                      .e_shnum = 0,
                      .e_shstrndx = 0});
    put(64, Elf64_Phdr{PT_LOAD, 0, 0, kBase, 0, 0, 0, 0});
    put(120, Elf64_Phdr{PT_DYNAMIC, 0, 0, kBase + 512, 0, 0, 0, 0});
    put(512, Elf64_Dyn{DT_SYMTAB, {kBase + 1024}});
    put(528, Elf64_Dyn{DT_STRTAB, {kBase + 2048}});
    put(544, Elf64_Dyn{DT_GNU_HASH, {kBase + 3072}});
    std::strcpy(reinterpret_cast<char*>(&bytes_[2049]), "here");
    put(1024 + 24, Elf64_Sym{1, 0, 0, 1, kBase + 77, 8});
    const std::uint32_t hash[] = {1, 1, 1, 0, 0, 0, 1, 0x7C97D3A9};  // of "here"
    put(3072, hash);
  }

  template <typename Value>
  void put(std::size_t place, const Value& value) {
    std::memcpy(&bytes_[place], &value, sizeof value);
  }

  [[nodiscard]] LoadedImage image() const {
    return LoadedImage(kBegin, [this](std::uint64_t address, void* to, std::size_t bytes) {
      ++reads_;
      if (address < kBegin || address - kBegin > bytes_.size() - bytes) return false;
      std::memcpy(to, &bytes_[address - kBegin], bytes);
      return true;
    });
  }

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] unsigned char& operator[](std::size_t place) { return bytes_[place]; }
  [[nodiscard]] std::size_t reads() const { return reads_; }

  static constexpr std::uint64_t kBase = 0x1000;  // where its file wants to lie
  static constexpr std::uint64_t kBegin = 0x7000000;

 private:
  std::vector<unsigned char> bytes_;
  mutable std::size_t reads_ = 0;
};

TEST(LoadedImage, OfAnAddressOtherThanItsFileSays) {
  const SmallImage small;
  EXPECT_EQ(small.image().find("here"), SmallImage::kBegin + 77);
  EXPECT_EQ(small.image().find("her"), std::nullopt);
  EXPECT_FALSE(small.image().has_interpreter());
}

TEST(LoadedImage, OfAnotherClassIsSeen) {
  SmallImage small;
  small[EI_CLASS] = ELFCLASS32;
  EXPECT_TRUE(small.image().is_elf());
  EXPECT_FALSE(small.image().is_64_bit());
  EXPECT_EQ(small.image().find("here"), std::nullopt);
}

// A bucket of symbols that all have the right hash and another name, of which none is the last.
TEST(LoadedImage, WhoseChainsHaveNoEndIsLeft) {
  SmallImage small;
  small.put(1024 + 24, Elf64_Sym{});
  const std::uint32_t header[] = {1, 1, 0, 0, 1};
  small.put(3072, header);
  std::size_t reads = 0;
  const LoadedImage image(
      SmallImage::kBegin, [&](std::uint64_t address, void* to, std::size_t bytes) {
        ++reads;
        constexpr std::uint64_t kChains = SmallImage::kBegin + 3072 + sizeof header;
        constexpr std::uint32_t kHash = 0x7C97D3A8;  // of "here", and not the last
        if (address >= kChains) {
          std::memset(to, 0, bytes);
          if (bytes == sizeof kHash) std::memcpy(to, &kHash, bytes);
          return true;
        }
        if (address - SmallImage::kBegin > small.size() - bytes) return false;
        return std::memcpy(to, &small[address - SmallImage::kBegin], bytes) != nullptr;
      });
  EXPECT_EQ(image.find("here"), std::nullopt);
  EXPECT_GT(reads, 1000U);
  EXPECT_LT(reads, 10'000U);
}

TEST(LoadedImage, ThatWasWrittenOverHasAnEnd) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    SmallImage small;
    for (int i = 0; i < 1 + round % 30; ++i) {
      // The tables, rather than what lies between.
      constexpr std::size_t kPlaces[] = {0, 64, 512, 1024, 2048, 3072};
      const std::size_t place = kPlaces[random() % 6] + random() % 64;
      small[place] = static_cast<unsigned char>(random());
    }
    const auto found = small.image().find("here");
    ASSERT_LE(small.reads(), 4000U);
    static_cast<void>(found);
  }
}

}  // namespace
}  // namespace luna::tool

// SPDX-License-Identifier: MIT
// Gives the frames of profiles the names of functions, files and lines, as far as they are known.
#pragma once

#include "heap_profile.hpp"
#include "symbol_file.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace luna::tool {

// What was found is kept for each file and address, so that another profile of the same program
// asks for little.
class Symbolizer {
 public:
  // Changes the paths of a file to where it is seen from here.
  using Seek = std::function<void(WantedFile&)>;

  // `debug_folder`: where separate debug files are looked for first; may be empty.
  explicit Symbolizer(std::string debug_folder = {}, Seek seek = {})
      : debug_folder_(std::move(debug_folder)), seek_(std::move(seek)) {}

  // Names each location that has an address in a file and no name. Sets the bias of mappings
  // that do not tell it, where their file is found.
  void name_frames(HeapProfile& profile);

  // Files whose functions have no names, each with the reason. In the order of their paths.
  [[nodiscard]] const std::map<std::string, std::string>& unnamed() const noexcept {
    return unnamed_;
  }

 private:
  using Lines = std::vector<HeapProfile::Line>;  // functions are places in functions_
  struct File {
    File(const WantedFile& wanted, const std::string& debug_folder)
        : symbols(wanted, debug_folder) {}

    SymbolFile symbols;
    std::unordered_map<std::uint64_t, Lines> lines;  // what was found, by addresses in it
  };
  using FileKey = std::pair<std::string, std::string>;  // path and build-id
  struct Asked {
    std::uint64_t address;
    std::uint32_t location;
  };

  void name_file(HeapProfile& profile, const std::vector<std::uint32_t>& mappings,
                 const std::vector<std::vector<std::uint32_t>>& locations);
  void name_unknown(File& file, std::vector<Asked>& asked);
  [[nodiscard]] std::uint32_t place_of(const SourceFrame& frame);
  [[nodiscard]] Lines lines_for(const Lines& lines, HeapProfile& profile);

  std::string debug_folder_;
  Seek seek_;  // may be empty
  std::map<FileKey, File> files_;
  std::map<std::string, std::string> unnamed_;
  std::vector<HeapProfile::Function> functions_;
  std::unordered_map<std::string, std::uint32_t> places_;   // by name and file
  std::unordered_map<std::uint32_t, std::uint32_t> there_;  // in the profile at hand
};

}  // namespace luna::tool

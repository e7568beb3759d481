// SPDX-License-Identifier: MIT
// A folder with files that a test makes, as a root for what reads those of the kernel.
#pragma once

#include "support/temporary_name.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace luna::test {

class FileTree {
 public:
  FileTree() : root_(::mkdtemp(name_.data())) {}
  ~FileTree() { std::filesystem::remove_all(root_); }

  FileTree(const FileTree&) = delete;
  FileTree& operator=(const FileTree&) = delete;

  // The path begins with a slash.
  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }

  void remove(const std::string& path) const { std::filesystem::remove_all(root_ + path); }

  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  std::string name_ = temporary_name("tree");
  std::string root_;
};

}  // namespace luna::test

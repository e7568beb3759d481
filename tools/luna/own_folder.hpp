// SPDX-License-Identifier: MIT
// A folder for what only this command needs; goes with it.
#pragma once

#include <filesystem>

namespace luna::tool {

class OwnFolder {
 public:
  // Throws AttachError.
  OwnFolder();
  ~OwnFolder();
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace luna::tool

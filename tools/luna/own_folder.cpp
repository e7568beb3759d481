// SPDX-License-Identifier: MIT
#include "own_folder.hpp"

#include "attach_target.hpp"

#include <cstdlib>
#include <system_error>

namespace luna::tool {

namespace fs = std::filesystem;

OwnFolder::OwnFolder() {
  std::string name = (fs::temp_directory_path() / "lunalloc-run-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    throw AttachError(AttachError::kMistakes, name + ": there can be no such folder");
  path_ = name;
}

OwnFolder::~OwnFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

}  // namespace luna::tool

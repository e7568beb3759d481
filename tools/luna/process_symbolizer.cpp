// SPDX-License-Identifier: MIT
#include "process_symbolizer.hpp"

#include "process_files.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

namespace luna::tool {

namespace {

constexpr std::string_view kDeleted = " (deleted)";

[[nodiscard]] std::string without_mark(std::string path) {
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path;
}

// Of each file that is mapped, by the path that the process knows, a link of the kernel's to it.
// Only who has CAP_CHECKPOINT_RESTORE may follow those.
[[nodiscard]] std::map<std::string, std::string> links_of(const std::string& folder) {
  std::map<std::string, std::string> links;
  std::ifstream maps(folder + "/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    if (path == line.npos) continue;
    const std::string range = line.substr(0, line.find(' '));
    links.try_emplace(without_mark(line.substr(path)), folder + "/map_files/" + range);
  }
  return links;
}

class ProcessFiles {
 public:
  explicit ProcessFiles(pid_t process)
      : folder_("/proc/" + std::to_string(process)), links_(links_of(folder_)) {
    std::error_code error;
    program_ = without_mark(std::filesystem::read_symlink(folder_ + "/exe", error).string());
    // Where the kernel forbids to look through it, files may still be the same.
    if (access((folder_ + "/root/").c_str(), X_OK) == 0 && !sees_the_same_files(process))
      root_ = folder_ + "/root";
  }

  [[nodiscard]] const std::string& root() const noexcept { return root_; }

  // The link to the program is followed by who may trace the process. Without a build-id nothing
  // but its path says that it is the one that is wanted.
  void seek(WantedFile& wanted) const {
    const auto link = links_.find(wanted.path);
    if (link != links_.end()) wanted.other_paths.push_back(link->second);
    if (!wanted.build_id.empty() || wanted.path == program_)
      wanted.other_paths.push_back(folder_ + "/exe");
    wanted.path.insert(0, root_);
  }

 private:
  std::string folder_;
  std::map<std::string, std::string> links_;
  std::string program_;
  std::string root_;  // to put before the paths that it sees; empty: they are the same here
};

}  // namespace

Symbolizer symbolizer_for(pid_t process, const std::string& debug_folder) {
  ProcessFiles files(process);
  std::string folders = debug_folder;
  if (!files.root().empty())
    folders += (folders.empty() ? "" : ":") + files.root() + "/usr/lib/debug";
  return Symbolizer(folders,
                    [files = std::move(files)](WantedFile& wanted) { files.seek(wanted); });
}

}  // namespace luna::tool

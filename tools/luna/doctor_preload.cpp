// SPDX-License-Identifier: MIT
// What doctor.hpp tells of how lunalloc came into a process, or why it did not.
#include "attach_target.hpp"
#include "doctor.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace luna::tool {

namespace {

constexpr std::string_view kLibrary = "liblunalloc";

struct Traces {
  std::string maps;
  std::optional<std::string> preload;  // LD_PRELOAD, as the process was started
  bool is_secure = false;              // it has more rights than who started it
};

// Of a block of texts that each end with a zero.
[[nodiscard]] std::optional<std::string> variable(const std::string& block, std::string_view name) {
  for (std::size_t at = 0; at < block.size();) {
    const std::string_view entry(block.c_str() + at);
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return std::string(entry.substr(name.size() + 1));
    at += entry.size() + 1;
  }
  return std::nullopt;
}

[[nodiscard]] bool is_secure(const std::string& auxiliary) {
  std::array<Elf64_auxv_t, 1> entry;
  for (std::size_t at = 0; at + sizeof entry <= auxiliary.size(); at += sizeof entry) {
    std::memcpy(entry.data(), auxiliary.data() + at, sizeof entry);
    if (entry[0].a_type == AT_SECURE) return entry[0].a_un.a_val != 0;
  }
  return false;
}

[[nodiscard]] Traces read_traces(const std::string& folder) {
  const MachineFiles files("/");
  Traces result;
  result.maps = files.text(folder + "/maps").value_or("");
  result.preload = variable(files.text(folder + "/environ").value_or(""), "LD_PRELOAD");
  result.is_secure = is_secure(files.text(folder + "/auxv").value_or(""));
  return result;
}

// The entry of LD_PRELOAD that names the library; empty: none does.
[[nodiscard]] std::string own_entry(const std::string& preload) {
  for (std::size_t begin = 0; begin < preload.size();) {
    const std::size_t end = std::min(preload.find_first_of(": ", begin), preload.size());
    const std::string entry = preload.substr(begin, end - begin);
    if (entry.find(kLibrary) != std::string::npos) return entry;
    begin = end + 1;
  }
  return "";
}

[[nodiscard]] Finding kept_out(std::string is, std::string means, std::string mend) {
  return {Health::kMend, "lunalloc", std::move(is), std::move(means), std::move(mend)};
}

// Why a dynamic program of this kind of process has no library that it was told to load.
[[nodiscard]] Finding why_not_loaded(const Traces& traces, const std::string& folder) {
  const std::string entry = own_entry(traces.preload.value_or(""));
  if (traces.maps.find("/ld-musl-") != std::string::npos)
    return kept_out("not loaded", "the program is of musl, for which lunalloc is not built",
                    "use its build for glibc");
  if (entry.empty())
    return kept_out("not asked for", "LD_PRELOAD of the process does not name the library",
                    "start it by: luna run -- PROGRAM ARGUMENTS");
  if (traces.is_secure)
    return kept_out("not loaded",
                    "the process has more rights than who started it (setuid, capabilities): it "
                    "ignores LD_PRELOAD",
                    "put the path of the library into /etc/ld.so.preload");
  if (entry.find('/') == std::string::npos)
    return kept_out("not loaded", "there is no " + entry + " where libraries are looked for",
                    "name it by its whole path");
  if (entry.front() != '/')
    return kept_out("not loaded", "LD_PRELOAD names it by a path that is relative: " + entry,
                    "name it by its whole path");
  if (!MachineFiles(folder + "/root").exists(entry))
    return kept_out("not loaded", "there is no " + entry + " where the process looks for it",
                    "put the library into its container or chroot");
  return kept_out("not loaded", "the dynamic linker could not load " + entry,
                  "see what it says: LD_PRELOAD=" + entry + " /bin/true");
}

}  // namespace

std::vector<Finding> examine_preload(pid_t process) {
  const std::string folder = "/proc/" + std::to_string(process);
  std::vector<Finding> result;
  const Traces traces = read_traces(folder);
  try {
    const AttachTarget target(process);
    result.push_back({Health::kGood, "lunalloc", "is the malloc of the process", "", ""});
  } catch (const AttachError& error) {
    const bool is_dynamic = traces.maps.find("/ld-") != std::string::npos;
    const bool is_there = traces.maps.find(kLibrary) != std::string::npos;
    if (is_there || !is_dynamic)
      result.push_back(kept_out(is_there ? "cannot be reached" : "not there", error.what(), ""));
    else
      result.push_back(why_not_loaded(traces, folder));
  }
  for (const std::string_view other : {"libjemalloc", "libtcmalloc", "libmimalloc", "libsnmalloc"})
    if (traces.maps.find(other) != std::string::npos)
      result.push_back({Health::kNote, "other allocators", std::string(other) + " is loaded too",
                        "the one that comes first serves malloc; the other one may serve some "
                        "libraries",
                        "preload one of them alone"});
  return result;
}

}  // namespace luna::tool

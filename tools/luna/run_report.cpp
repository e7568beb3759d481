// SPDX-License-Identifier: MIT
#include "run_report.hpp"

#include "http_client.hpp"
#include "report/timeline_recorder.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <utility>

namespace luna::tool {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = TimelineRecorder::Clock;

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kLook{10};
constexpr int kMapShare = 50;  // a map takes the process longer than statistics

[[nodiscard]] int connect_to(const fs::path& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof(address.sun_path)) return -1;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return descriptor;
  close(descriptor);
  return -1;
}

// Null: there is no answer, as before the program begins and after it has ended.
[[nodiscard]] Json ask(const fs::path& path, const char* page) {
  const int descriptor = connect_to(path);
  if (descriptor < 0) return nullptr;
  try {
    HttpClient client(descriptor);
    const HttpAnswer answer = client.ask({"GET", page}, Clock::now() + kPatience);
    if (answer.status != 200) return nullptr;
    Json json = Json::parse(answer.body, nullptr, false);
    return json.is_object() ? std::move(json) : Json(nullptr);
  } catch (const HttpError&) {
    return nullptr;
  }
}

// For its user alone, as what the process writes is.
void write_json(const fs::path& path, const Json& json) {
  std::ofstream file(path);
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  file << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace

std::string report_options(const fs::path& folder) {
  const std::string in_folder = folder.string() + "/%p";
  std::string text = ",leak_report_json:true,blackbox:" + in_folder + ".box";
  // Behind it there is a process' number.
  constexpr std::size_t kLongestNumber = 10;
  if ((in_folder + ".socket").size() + kLongestNumber < sizeof(sockaddr_un::sun_path))
    text += ",socket:" + in_folder + ".socket";
  return text;
}

void RunWatch::begin(pid_t process) {
  thread_ = std::thread([this, number = std::to_string(process)] { watch(number); });
}

void RunWatch::end() {
  ends_ = true;
  if (thread_.joinable()) thread_.join();
}

void RunWatch::watch(const std::string& process) {
  const fs::path socket = folder_ / (process + ".socket");
  TimelineRecorder recorder;
  Clock::time_point next_map = Clock::now();
  Json map;
  while (!ends_) {
    const Clock::time_point now = Clock::now();
    if (now < recorder.next()) {
      std::this_thread::sleep_for(std::min<Clock::duration>(kLook, recorder.next() - now));
      continue;
    }
    const Json statistics = ask(socket, "/stats.json");
    recorder.add(statistics, Clock::now() - now);
    if (statistics.is_null() || now < next_map) continue;
    const Clock::time_point asked = Clock::now();
    if (Json answer = ask(socket, "/debug/map"); answer.is_object()) {
      map = std::move(answer);
      map["seconds"] = recorder.seconds();
    }
    next_map = Clock::now() + (Clock::now() - asked) * kMapShare;
  }
  write_json(folder_ / (process + ".timeline.json"), recorder.json());
  if (map.is_object()) write_json(folder_ / (process + ".map.json"), map);
}

void keep_run(const fs::path& folder, pid_t process, const fs::path& profile, const fs::path& to) {
  const std::string number = std::to_string(process);
  const fs::path name = to / (profile.empty() ? number : profile.stem().string());
  constexpr std::pair<const char*, const char*> kEndings[] = {{".json", ".stats.json"},
                                                              {".timeline.json", ".timeline.json"},
                                                              {".map.json", ".map.json"},
                                                              {".box", ".box"}};
  for (const auto& [from, ending] : kEndings) {
    std::error_code ignored;  // of what there is not
    fs::copy_file(folder / (number + from), name.string() + ending,
                  fs::copy_options::overwrite_existing, ignored);
  }
}

ReportData read_run(const fs::path& folder, pid_t process, const fs::path& profile) {
  ReportData data;
  const fs::path begin = folder / std::to_string(process);
  std::vector<fs::path> files = {profile};
  files.push_back(fs::path(profile).replace_extension(".leaks.json"));
  for (const char* ending : {".json", ".timeline.json", ".map.json", ".box"})
    files.emplace_back(begin.string() + ending);
  std::error_code ignored;
  for (const fs::path& file : files) {
    if (file.empty() || !fs::exists(file, ignored)) continue;
    try {
      add_report_file(data, file.string());
    } catch (const ProfileError& error) {
      std::cerr << "luna: " << error.what() << '\n';
    }
  }
  return data;
}

}  // namespace luna::tool

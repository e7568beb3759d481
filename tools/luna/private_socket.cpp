// SPDX-License-Identifier: MIT
#include "private_socket.hpp"

#include "attach_target.hpp"
#include "http_client.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>

namespace luna::tool {

namespace {

constexpr std::chrono::milliseconds kLook{5};
constexpr std::chrono::seconds kForEnd{2};
constexpr mode_t kOwnerOnly = 0700;

[[nodiscard]] std::string name_of(pid_t process) { return "process " + std::to_string(process); }

[[noreturn]] void refuse(const std::string& what) {
  throw AttachError(AttachError::kUnreachable, what);
}

// By its length and letters it can be a value of the control; it belongs to the caller.
[[nodiscard]] bool is_usable(const std::string& path) {
  constexpr std::size_t kLongest = 64;  // 107 are possible, with what comes behind it
  struct stat status {};
  return path.starts_with('/') && path.size() <= kLongest &&
         path.find_first_of(",%= \t\n") == path.npos && stat(path.c_str(), &status) == 0 &&
         S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

// As the process sees it.
[[nodiscard]] std::string base_of(pid_t process, const ProcessStatus& status) {
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  const bool is_shared = status.user == geteuid() && sees_the_same_files(process);
  return runtime != nullptr && is_shared && is_usable(runtime) ? runtime : "/tmp";
}

// Whoever is outside of a container follows no link that the container has made.
[[nodiscard]] int open_base(pid_t process, const std::string& path) {
  const int follow = sees_the_same_files(process) ? 0 : O_NOFOLLOW;
  return open(seen_from_here(process, path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
}

}  // namespace

// By a link in /proc, for there is no room for long paths in an address. Whose end it is is asked
// before anything is sent.
int connect_to(pid_t process, const std::string& path) {
  const int file = open(seen_from_here(process, path).c_str(), O_PATH | O_CLOEXEC);
  if (file < 0) return -1;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  link.copy(address.sun_path, sizeof address.sun_path - 1);
  const int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ucred peer = {};
  socklen_t bytes = sizeof peer;
  const bool is_there =
      connection >= 0 &&
      connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && peer.pid == process;
  close(file);
  if (is_there) return connection;
  if (connection >= 0) close(connection);
  return -1;
}

PrivateFolder::PrivateFolder(pid_t process, const ProcessStatus& status)
    : process_(process),
      status_(status),
      base_path_(base_of(process, status)),
      name_("lunalloc-" + std::to_string(status.user)),
      path_(base_path_ + "/" + name_) {}

PrivateFolder::~PrivateFolder() { close(); }

void PrivateFolder::close() {
  if (folder_ >= 0) ::close(folder_);
  if (base_ >= 0) ::close(base_);
  folder_ = base_ = -1;
}

void PrivateFolder::open() {
  close();
  base_ = open_base(process_, base_path_);
  if (base_ < 0) refuse(base_path_ + " of " + name_of(process_) + ": " + std::strerror(errno));
  const bool is_new = mkdirat(base_, name_.c_str(), kOwnerOnly) == 0;
  const int error = errno;
  folder_ = openat(base_, name_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder_ < 0) refuse(path_ + " cannot be made: " + std::strerror(is_new ? errno : error));
  if (!is_of_its_user(is_new)) refuse(path_ + " is not a folder of its user alone: remove it");
}

// Root makes it for others.
bool PrivateFolder::is_of_its_user(bool is_new) const {
  struct stat found {};
  if (is_new && fchmod(folder_, kOwnerOnly) != 0) return false;  // whatever the umask is
  if (fstat(folder_, &found) != 0 || (found.st_mode & 077) != 0) return false;
  if (found.st_uid == status_.user) return true;
  return found.st_uid == geteuid() && fchown(folder_, status_.user, status_.group) == 0;
}

void PrivateFolder::remove() const { unlinkat(base_, name_.c_str(), AT_REMOVEDIR); }

std::string PrivateSocket::path_for(pid_t process, const ProcessStatus& status) {
  return PrivateFolder(process, status).path() + "/" + std::to_string(process) + ".socket";
}

PrivateSocket::PrivateSocket(pid_t process, const ProcessStatus& status,
                             std::chrono::milliseconds patience)
    : process_(process),
      folder_(process, status),
      lock_name_(std::to_string(process) + ".lock"),
      socket_name_(std::to_string(process) + ".socket"),
      path_(path_for(process, status)) {
  try {
    begin(Clock::now() + patience);
  } catch (const NobodyCame&) {
    leave();
    throw AttachError(AttachError::kNoAnswer,
                      name_of(process_) + " has not answered: it sleeps, or takes no new memory. " +
                          "Try again while it works, or start it with LUNALLOC_CONF=socket:PATH");
  } catch (...) {
    leave();
    throw;
  }
}

PrivateSocket::~PrivateSocket() { leave(); }

// Who ends may have the lock between the two of ours, and the socket is gone then.
void PrivateSocket::begin(Clock::time_point end) {
  for (bool is_first = true;; is_first = false) {
    SignalWatch::look();
    if (!is_first) std::this_thread::sleep_for(kLook);
    if (!is_first && Clock::now() >= end)
      throw AttachError(AttachError::kNoAnswer,
                        "another `luna` is still waiting for " + name_of(process_));
    open_lock();
    const bool is_alone = flock(lock_, LOCK_EX | LOCK_NB) == 0;
    if (!is_alone && flock(lock_, LOCK_SH | LOCK_NB) != 0) continue;
    if (!has_lock_of_path()) continue;
    const int connection = connect_to(process_, path_);
    if (connection >= 0) close(connection);
    if (connection < 0 && !is_alone) continue;
    if (connection < 0) switch_on(end);
    state_ = State::kOn;
    if (flock(lock_, LOCK_SH) == 0 && has_lock_of_path()) return;
    state_ = State::kOff;
  }
}

// Anew, with its folder: who ends removes both.
void PrivateSocket::open_lock() {
  constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  do {
    if (lock_ >= 0) close(lock_);
    folder_.open();
    lock_ = openat(folder_.descriptor(), lock_name_.c_str(), kFlags, kOwnerOnly);
  } while (lock_ < 0 && errno == ENOENT);
  if (lock_ < 0) refuse(folder_.path() + "/" + lock_name_ + ": " + std::strerror(errno));
}

// The file of that name is the one whose lock it is, and not one that was removed.
bool PrivateSocket::has_lock_of_path() const {
  struct stat held {};
  struct stat named {};
  return fstat(lock_, &held) == 0 &&
         fstatat(folder_.descriptor(), lock_name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

void PrivateSocket::switch_on(Clock::time_point end) {
  AttachTarget target(process_);
  // A dead process of the same number may have left it.
  unlinkat(folder_.descriptor(), socket_name_.c_str(), 0);
  const auto patience = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
  state_ = State::kAsked;
  const Answer answer = target.ask("?socket,socket=" + path_, patience);
  state_ = State::kOff;
  const std::string& text = answer.text;
  constexpr std::string_view kBefore = "socket = ";
  constexpr std::string_view kSet = "\nsocket: ";
  const std::size_t line = text.find(kSet);
  if (answer.mistakes != 0 || !text.starts_with(kBefore) || line == text.npos)
    refuse(name_of(process_) + " does not serve at " + path_ + ": " + text);
  state_ = State::kOn;
  before_ = text.substr(kBefore.size(), line - kBefore.size());
  // A path like that is of the parent, if it was forked off while somebody looked at that.
  if (before_.empty() || before_.find("/lunalloc-") != before_.npos) before_ = "off";
}

// By a request where it does not listen. One that was not answered gives way to a question, which
// tells whether it was carried out at last, and whether the socket is still ours: meanwhile the
// process may have set another, or be another one with the same number.
void PrivateSocket::switch_off() {
  if (is_switched_off_by_request()) return;
  AttachTarget target(process_);
  if (target.ask("?socket", kForEnd).text != "socket = " + path_ + "\n") return;
  if (is_switched_off_by_request()) return;
  static_cast<void>(target.ask("socket=off", kForEnd));
}

// Where it was to serve before, somebody else may listen by now.
bool PrivateSocket::is_switched_off_by_request() noexcept {
  try {
    for (const std::string& value : {before_, std::string("off")}) {
      const int connection = connect_to(process_, path_);
      if (connection < 0) return false;
      HttpClient client(connection);
      const HttpAnswer answer =
          client.ask({"PUT", "/control/socket", value}, Clock::now() + kForEnd);
      if (answer.status == 200) return true;
    }
  } catch (const std::exception&) {
    return false;
  }
  return false;
}

// Nothing of this may fail the command, which has its answer: the process may have ended.
void PrivateSocket::leave() noexcept {
  if (lock_ < 0) return;
  if (flock(lock_, LOCK_EX | LOCK_NB) == 0 && has_lock_of_path()) {
    try {
      if (state_ != State::kOff) switch_off();
    } catch (const std::exception&) {
      state_ = State::kOff;
    }
    unlinkat(folder_.descriptor(), socket_name_.c_str(), 0);
    unlinkat(folder_.descriptor(), lock_name_.c_str(), 0);
    folder_.remove();
  }
  close(lock_);
}

}  // namespace luna::tool

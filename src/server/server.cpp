// SPDX-License-Identifier: MIT
#include "server/server.hpp"

#include "os/clock.hpp"
#include "os/environment.hpp"
#include "os/error.hpp"
#include "os/memory.hpp"

#include <new>

namespace luna {

namespace {

constexpr std::uint64_t kLookMs = 1000;  // whether descriptors are still ours
constexpr std::uint64_t kRestMs = 3'600'000;
constexpr std::uint64_t kPauseMs = 100;  // when the process can have no more descriptors
constexpr int kMostAccepted = 64;        // in one turn

// Said in one piece to who is not let in, and not waited for.
void turn_away(os::Socket& socket, int status, std::string_view words) noexcept {
  std::array<char, kMaxResponseHead + 128> buffer;
  Text text(buffer.data(), buffer.size());
  write_head({.status = status}, words.size(), false, text);
  static_cast<void>(socket.send(text.add(words).view()));
  socket.end_sending();
  socket.close();
}

}  // namespace

int Server::open(std::string_view path) noexcept {
  const os::ScopedLock guard(lock_);
  if (table_ == nullptr) {
    void* memory = os::map(sizeof(Table));
    if (memory == nullptr) return os::kNoMemory;
    table_ = ::new (memory) Table;
  }
  if (listener_.socket().is_ours() && listener_.path() == path) return 0;
  os::UnixListener listener;
  const int error = listener.open(path);
  if (error != 0) return error;
  let_go(listener_);
  listener_ = listener;
  process_ = os::process_id();
  return 0;
}

std::span<const std::byte> Server::table() noexcept {
  const os::ScopedLock guard(lock_);
  return std::as_bytes(std::span<const Table>(table_, table_ != nullptr ? 1 : 0));
}

void Server::close() noexcept {
  const os::ScopedLock guard(lock_);
  let_go(listener_);
}

void Server::let_go(os::UnixListener& listener) noexcept {
  ++opened_;
  if (!listener.is_open()) return;
  listener.remove();
  listener.wake();
  listener.close();
}

void Server::end() noexcept {
  const os::ScopedLock guard(lock_);
  if (process_ == os::process_id()) let_go(listener_);
}

bool Server::resume_child(std::array<char, 108>& buffer, std::string_view& path) noexcept {
  lock_.reset_in_child();
  const bool was_open = listener_.is_open();
  path = {buffer.data(), listener_.path().copy(buffer.data(), buffer.size())};
  listener_.close();
  listener_ = {};
  if (table_ == nullptr) return was_open;
  for (Connection& connection : table_->connections) connection.close();
  os::release(table_, sizeof(Table));
  table_ = nullptr;
  return was_open;
}

void Server::work(const Endpoints& endpoints, os::WorkerThread& thread) noexcept {
  while (!thread.is_stopped()) turn(endpoints, thread);
}

void Server::turn(const Endpoints& endpoints, os::WorkerThread& thread) noexcept {
  std::uint64_t now_ms = os::coarse_milliseconds();
  os::PollSet polled;
  const bool has_listener = add_listener(polled, now_ms);
  std::array<std::size_t, kMaxConnections> places{};
  std::size_t count = has_listener ? 1 : 0;
  std::uint64_t until_ms = now_ms + kLookMs;
  for (std::size_t i = 0; i < kMaxConnections; ++i) {
    const Connection& connection = table_->connections[i];
    if (connection.is_free()) continue;
    places[i] = polled.add(connection.socket(), connection.wanted());
    ++count;
    if (connection.deadline_ms() < until_ms) until_ms = connection.deadline_ms();
  }
  if (count == 0 && !is_listening()) {
    thread.sleep(kRestMs);
    return;
  }
  polled.wait(until_ms > now_ms ? until_ms - now_ms : 0);
  now_ms = os::coarse_milliseconds();
  for (std::size_t i = 0; i < kMaxConnections; ++i) {
    Connection& connection = table_->connections[i];
    if (connection.is_free()) continue;
    const os::Ready ready = polled.ready(places[i]);
    if (ready.any() || now_ms >= connection.deadline_ms())
      connection.turn(ready, now_ms, endpoints);
  }
  close_done(endpoints);
  if (has_listener && polled.ready(0).any()) accept_all(now_ms);
}

bool Server::is_listening() noexcept {
  const os::ScopedLock guard(lock_);
  return listener_.is_open();
}

// In the first place.
bool Server::add_listener(os::PollSet& polled, std::uint64_t now_ms) noexcept {
  const os::ScopedLock guard(lock_);
  if (listener_.is_open() && !listener_.socket().is_ours()) reopen();
  polled_ = opened_;
  if (!listener_.is_open() || now_ms < accepts_from_ms_) return false;
  polled.add(listener_.socket(), {.reads = true});
  return true;
}

// The program has closed it, as those do that become daemons. What it has put at the path
// meanwhile is not touched.
void Server::reopen() noexcept {
  std::array<char, os::UnixListener::kMaxPath + 1> buffer;
  const std::string_view path(buffer.data(), listener_.path().copy(buffer.data(), buffer.size()));
  ++opened_;
  listener_.close();
  if (listener_.open(path) != 0) listener_ = {};
}

void Server::accept_all(std::uint64_t now_ms) noexcept {
  const os::ScopedLock guard(lock_);
  if (polled_ != opened_ || !listener_.socket().is_ours()) return;
  for (int i = 0; i < kMostAccepted; ++i) {
    const os::Socket socket = listener_.accept();
    if (!socket.is_open() && i == 0) accepts_from_ms_ = now_ms + kPauseMs;
    if (!socket.is_open()) return;
    place(socket, now_ms);
  }
}

void Server::place(os::Socket socket, std::uint64_t now_ms) noexcept {
  if (!socket.peer_may_ask())
    return turn_away(socket, 403, "for the user of this process, and for root\n");
  Connection* connection = find_room();
  if (connection == nullptr)
    return turn_away(socket, 503, "there are 32 connections, which is all that there can be\n");
  connection->open(socket, now_ms);
}

// nullptr: there is none.
Connection* Server::find_room() noexcept {
  for (Connection& connection : table_->connections)
    if (connection.is_free()) return &connection;
  for (Connection& connection : table_->connections) {
    if (!connection.is_answered()) continue;
    connection.close();
    return &connection;
  }
  return nullptr;
}

void Server::close_done(const Endpoints& endpoints) noexcept {
  const bool listening = is_listening();
  for (Connection& connection : table_->connections) {
    if (!listening && (connection.is_idle() || connection.is_waiting())) connection.drop(endpoints);
    if (!connection.is_done()) continue;
    const os::ScopedLock guard(lock_);
    connection.close();
  }
}

}  // namespace luna

// SPDX-License-Identifier: MIT
#include "server/connection.hpp"

#include <cstring>

namespace luna {

namespace {

constexpr std::size_t kMaxDrained = std::size_t{1} << 20;
constexpr std::size_t kMostAtOnce = std::size_t{256} << 10;

}  // namespace

void Connection::open(os::Socket socket, std::uint64_t now_ms) noexcept {
  socket_ = socket;
  state_ = State::kReading;
  has_ended_ = false;
  awaits_body_ = false;
  has_more_ = false;
  input_length_ = 0;
  deadline_ms_ = now_ms + kRequestMs;
}

os::Ready Connection::wanted() const noexcept {
  const bool reads = state_ == State::kReading || state_ == State::kDraining;
  return {.reads = reads && !has_ended_, .writes = state_ == State::kSending};
}

void Connection::turn(os::Ready ready, std::uint64_t now_ms, const Endpoints& endpoints) noexcept {
  // Nobody is there any more to take an answer, unless half of it is closed alone.
  if (ready.gone || !socket_.is_ours()) return drop(endpoints);
  const bool due = now_ms >= deadline_ms_;
  switch (state_) {
    case State::kReading:
      return read(ready, now_ms, endpoints);
    case State::kWaiting:
      if (due) answer(true, now_ms, endpoints);
      return;
    case State::kSending:
      if (due) return drop(endpoints);
      return send(now_ms);
    case State::kDraining:
      return drain(now_ms);
    case State::kFree:
    case State::kDone:
      return;
  }
}

void Connection::read(os::Ready ready, std::uint64_t now_ms, const Endpoints& endpoints) noexcept {
  has_more_ = false;
  if (ready.reads) receive(now_ms);
  if (state_ != State::kReading) return;
  switch (parse_head({input_.data(), input_length_}, request_)) {
    case HeadState::kRefused:
      return refuse(request_.status, request_.mistake, now_ms);
    case HeadState::kIncomplete:
      return await(now_ms);
    case HeadState::kComplete:
      if (input_length_ >= request_.head_bytes + request_.body_bytes)
        return answer(false, now_ms, endpoints);
  }
  if (!awaits_body_) {
    awaits_body_ = true;
    deadline_ms_ = now_ms + kRequestMs;
    if (request_.expects_continue) static_cast<void>(socket_.send("HTTP/1.1 100 Continue\r\n\r\n"));
  }
  await(now_ms);
}

// The buffer is never full here: what fills it is answered or refused at once.
void Connection::receive(std::uint64_t now_ms) noexcept {
  const long count = socket_.receive(&input_[input_length_], input_.size() - input_length_);
  if (count == os::Socket::kFailed) state_ = State::kDone;
  if (count == 0) has_ended_ = true;
  if (count <= 0) return;
  if (input_length_ == 0) deadline_ms_ = now_ms + kRequestMs;
  input_length_ += static_cast<std::size_t>(count);
}

// For more of the request.
void Connection::await(std::uint64_t now_ms) noexcept {
  if (!has_ended_ && now_ms < deadline_ms_) return;
  if (input_length_ == 0) {
    state_ = State::kDone;
  } else if (has_ended_) {
    refuse(400, "the request ends in its middle", now_ms);
  } else {
    refuse(408, "the request did not come within 5 s", now_ms);
  }
}

void Connection::answer(bool is_again, std::uint64_t now_ms, const Endpoints& endpoints) noexcept {
  const std::string_view body(&input_[request_.head_bytes], request_.body_bytes);
  body_.clear();
  response_ = {};
  Output out = body_.output();
  Exchange exchange{request_, body, is_again, response_, out};
  endpoints.answer(endpoints.context, exchange);
  if (response_.later_ms != 0) {
    state_ = State::kWaiting;
    deadline_ms_ = now_ms + response_.later_ms;
    return;
  }
  if (!out.ok()) {
    body_.release();
    response_ = {.status = 503};
  }
  begin_sending(now_ms);
}

void Connection::refuse(int status, std::string_view mistake, std::uint64_t now_ms) noexcept {
  request_.keeps_alive = false;
  response_ = {.status = status};
  body_.clear();
  body_.output().add(mistake).add("\n");
  begin_sending(now_ms);
}

void Connection::begin_sending(std::uint64_t now_ms) noexcept {
  if (has_ended_) request_.keeps_alive = false;
  Text head(head_.data(), head_.size());
  write_head(response_, body_.view().size(), request_.keeps_alive, head);
  head_length_ = head.view().size();
  sent_ = 0;
  state_ = State::kSending;
  deadline_ms_ = now_ms + kStalledMs;
  last_ms_ = now_ms + kLongestMs;
  send(now_ms);
}

std::string_view Connection::unsent() const noexcept {
  if (sent_ < head_length_) return {&head_[sent_], head_length_ - sent_};
  if (request_.is("HEAD")) return {};
  return part_of(body_.view(), sent_ - head_length_, kMostAtOnce);
}

void Connection::send(std::uint64_t now_ms) noexcept {
  for (std::string_view part = unsent(); !part.empty(); part = unsent()) {
    const long count = socket_.send(part);
    if (count == os::Socket::kLater) return;
    if (count == os::Socket::kFailed) {
      body_.release();
      state_ = State::kDone;
      return;
    }
    sent_ += static_cast<std::size_t>(count);
    deadline_ms_ = now_ms + kStalledMs < last_ms_ ? now_ms + kStalledMs : last_ms_;
  }
  finish(now_ms);
}

// A connection that is closed with bytes unread is reset, which a client may see before it has
// read the answer: so they are read, for a while.
void Connection::finish(std::uint64_t now_ms) noexcept {
  body_.release();
  awaits_body_ = false;
  if (!request_.keeps_alive) {
    socket_.end_sending();
    state_ = has_ended_ ? State::kDone : State::kDraining;
    deadline_ms_ = now_ms + kDrainMs;
    drained_ = 0;
    return;
  }
  // What came behind this request is the next one, whose turn is after that of others.
  const std::size_t taken = request_.head_bytes + request_.body_bytes;
  input_length_ -= taken;
  std::memmove(input_.data(), &input_[taken], input_length_);
  state_ = State::kReading;
  has_more_ = input_length_ != 0;
  deadline_ms_ = now_ms + (has_more_ ? kRequestMs : kIdleMs);
}

void Connection::drain(std::uint64_t now_ms) noexcept {
  const long count = socket_.receive(input_.data(), input_.size());
  if (count > 0) drained_ += static_cast<std::size_t>(count);
  const bool ended = count == 0 || count == os::Socket::kFailed;
  if (ended || drained_ > kMaxDrained || now_ms >= deadline_ms_) state_ = State::kDone;
}

void Connection::drop(const Endpoints& endpoints) noexcept {
  if (state_ == State::kWaiting) endpoints.abandon(endpoints.context);
  body_.release();
  state_ = State::kDone;
}

void Connection::close() noexcept {
  socket_.close();
  state_ = State::kFree;
}

}  // namespace luna

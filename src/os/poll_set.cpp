// SPDX-License-Identifier: MIT
#include "os/poll_set.hpp"

#include "os/system_call.hpp"

#include <poll.h>
#include <time.h>

namespace luna::os {

std::size_t PollSet::add(const Socket& socket, Ready wanted) noexcept {
  static_assert(sizeof(Entry) == sizeof(struct pollfd));
  const int events = (wanted.reads ? POLLIN : 0) | (wanted.writes ? POLLOUT : 0);
  entries_[count_] = {socket.descriptor(), static_cast<short>(events), 0};
  return count_++;
}

bool PollSet::wait(std::uint64_t milliseconds) noexcept {
  struct timespec time = {static_cast<time_t>(milliseconds / 1000),
                          static_cast<long>(milliseconds % 1000 * 1'000'000)};
  return system_call(SYS_ppoll, entries_.data(), count_, &time, nullptr) > 0;
}

// A number that is closed by now counts as gone.
Ready PollSet::ready(std::size_t place) const noexcept {
  const int found = entries_[place].found;
  return {(found & POLLIN) != 0, (found & POLLOUT) != 0,
          (found & (POLLHUP | POLLERR | POLLNVAL)) != 0};
}

}  // namespace luna::os

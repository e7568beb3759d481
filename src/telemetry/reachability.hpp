// SPDX-License-Identifier: MIT
// The proof that a sampled block is leaked: nothing in the process points to it, nor to
// what points to it. docs/adr/0018 says how it works and what it cannot see.
#pragma once

#include "os/lock.hpp"
#include "os/snapshot.hpp"
#include "os/thread_stop.hpp"
#include "telemetry/heap_graph.hpp"
#include "telemetry/live_table.hpp"
#include "telemetry/profile.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace luna {

struct ProofOptions {
  std::uint64_t gap_ms = 50;        // between the two snapshots
  std::uint64_t limit_ms = 60'000;  // for the work on each
  std::uint64_t stop_limit_ms = 5;  // for stopping the other threads; 0: they are not stopped
};

enum class LeakGrade : std::uint8_t {
  kPossible,  // a register of another thread may know the block
  kDefinite,
};

struct Leak {
  std::uintptr_t address;
  std::uint64_t bytes;  // that the program asked for
  double weight;        // objects that it stands for
  Stack stack;          // from which it was allocated
  std::uint64_t born_ns;
  std::uint32_t site;
  LeakGrade grade;
  bool indirect;  // it is known from another block that is leaked
};

// What is proved about.
struct ProofSubject {
  Allocator& allocator;
  os::Lock& lock;  // of `live`
  LiveTable& live;
  std::span<const AddressRange> own;  // memory besides that of the two with addresses of blocks
};

// Overwrites what earlier calls have left on the stack below the caller's frame, so that the
// frames of a proof do not know blocks of which an earlier one told. To be called by the
// outermost function that knows of the proof, before the next one.
void wipe_stack() noexcept;

// Owns the leaks that it has found, until it ends. Threads: one.
class Reachability {
 public:
  explicit Reachability(const ProofOptions& options = {}) noexcept : options_(options) {}
  ~Reachability();

  Reachability(const Reachability&) = delete;
  Reachability& operator=(const Reachability&) = delete;

  // Returns 0 or an errno value: EAGAIN, ENOMEM, EPERM, … as clone(2) says; ETIMEDOUT: the work
  // took longer than the limit; ENOTSUP: /proc cannot be read; EIO: the copy was killed.
  // Requires: called once, and without a lock held.
  [[nodiscard]] int run(const ProofSubject& subject) noexcept;

  // By rising address; their stacks and sites are filled in by keep_if().
  [[nodiscard]] std::span<const Leak> leaks() const noexcept { return {leaks_, count_}; }

  // Calls `keep(Leak&) -> bool` for each; those that it does not want go.
  template <typename Keep>
  void keep_if(Keep keep) noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i)
      if (Leak leak = leaks_[i]; keep(leak)) leaks_[kept++] = leak;
    count_ = kept;
  }

  // How long, at the longest, other threads could not go on, in nanoseconds.
  [[nodiscard]] std::uint64_t stop_ns() const noexcept { return stop_ns_; }

 private:
  [[nodiscard]] int prove_twice() noexcept;
  [[nodiscard]] int look(Findings& findings) noexcept;
  [[nodiscard]] int take_snapshot(os::Snapshot& snapshot, Findings& findings) noexcept;
  [[nodiscard]] bool compare(const Findings& first, const Findings& second) noexcept;

  ProofOptions options_;
  const ProofSubject* subject_ = nullptr;
  os::ThreadStop threads_;
  std::uintptr_t stack_pointer_ = 0;
  struct {
    Findings* memory = nullptr;  // of the first snapshot and of the second
    std::size_t bytes = 0;
  } findings_;
  std::uint64_t stop_ns_ = 0;
  bool knows_registers_ = true;  // in both snapshots
  Leak* leaks_ = nullptr;
  std::size_t leak_bytes_ = 0;
  std::size_t count_ = 0;
};

}  // namespace luna

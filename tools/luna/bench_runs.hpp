// SPDX-License-Identifier: MIT
// The runs of `luna bench`: all allocators in turn, and proof that each was in force.
#pragma once

#include "bench_allocators.hpp"
#include "bench_progress.hpp"
#include "bench_result.hpp"
#include "malloc_proof.hpp"
#include "measured_run.hpp"
#include "own_folder.hpp"
#include "signal_watch.hpp"

#include <string>
#include <vector>

namespace luna::tool {

struct BenchPlan {
  std::vector<std::string> command;
  std::vector<BenchAllocator> allocators;  // the first has no library
  std::size_t runs = 5;
  std::string input = "/dev/null";
  std::string output;  // the folder that keeps what the runs write; empty: nothing is kept
  bool compares_output = false;
  std::chrono::milliseconds most{};  // of one run; 0: as long as it takes
  bool is_quiet = false;
};

// Throws AttachError where nothing can be compared, and Interrupted.
class BenchRuns {
 public:
  explicit BenchRuns(BenchPlan plan);

  // First one run of each that is not measured, in which whose malloc it is is proved.
  [[nodiscard]] BenchResult make();

 private:
  [[nodiscard]] MeasuredRun run(const BenchSubject& subject, std::size_t round) const;
  [[nodiscard]] RunPlan plan_for(const BenchSubject& subject, std::size_t round) const;
  [[nodiscard]] std::string file_of(const BenchSubject& subject, std::size_t round,
                                    const char* ending) const;
  void warm_up(BenchProgress& progress);
  struct Proof {
    std::string owner;  // of the malloc of the first process
    ProvedProcesses processes;
  };
  [[nodiscard]] Proof take_proof(const BenchSubject& subject, const MeasuredRun& run) const;
  void prove_first(const MeasuredRun& run, const std::string& owner);
  [[nodiscard]] std::string why_not_proved(const BenchSubject& subject, const MeasuredRun& run,
                                           const Proof& proof);
  [[nodiscard]] std::string last_error(const BenchSubject& subject) const;

  SignalWatch watch_;
  OwnFolder folder_;
  BenchPlan plan_;
  BenchResult result_;
  std::string preloaded_before_;
};

}  // namespace luna::tool

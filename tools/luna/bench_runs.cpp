// SPDX-License-Identifier: MIT
#include "bench_runs.hpp"

#include "attach_target.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

namespace luna::tool {

namespace {

namespace fs = std::filesystem;

constexpr const char* kDebug = "debug";  // begins the names of the dynamic linker's files

[[nodiscard]] bool has_same_bytes(const fs::path& one, const fs::path& other) {
  std::ifstream a(one, std::ios::binary);
  std::ifstream b(other, std::ios::binary);
  using Bytes = std::istreambuf_iterator<char>;
  return a && b && std::equal(Bytes(a), Bytes(), Bytes(b), Bytes());
}

}  // namespace

BenchRuns::BenchRuns(BenchPlan plan) : plan_(std::move(plan)) {
  result_.command = plan_.command;
  result_.runs = plan_.runs;
  for (BenchAllocator& allocator : plan_.allocators)
    result_.subjects.push_back({std::move(allocator.name), std::move(allocator.image), {}, {}});
  if (const char* const preloaded = std::getenv("LD_PRELOAD")) preloaded_before_ = preloaded;
  const std::string why = why_not_preloaded(plan_.command[0]);
  if (!why.empty()) throw AttachError(AttachError::kUnreachable, why);
}

BenchResult BenchRuns::make() {
  BenchProgress progress((plan_.runs + 1) * result_.subjects.size(), plan_.is_quiet);
  warm_up(progress);
  for (std::size_t round = 1; round <= plan_.runs; ++round)
    for (BenchSubject& subject : result_.subjects) {
      if (!subject.left_out.empty()) continue;
      progress.begin(subject.name);
      subject.runs.push_back(run(subject, round));
    }
  return std::move(result_);
}

void BenchRuns::warm_up(BenchProgress& progress) {
  std::size_t left = 0;
  for (BenchSubject& subject : result_.subjects) {
    progress.begin(subject.name);
    const MeasuredRun first = run(subject, 0);
    const Proof proof = take_proof(subject, first);
    if (&subject == &result_.subjects.front()) {
      prove_first(first, proof.owner);
      continue;
    }
    subject.left_out = why_not_proved(subject, first, proof);
    if (!subject.left_out.empty()) progress.leave_out(plan_.runs);
    left += subject.left_out.empty() ? 1 : 0;
  }
  if (left > 0) return;
  std::string why = "there is nothing to compare with";
  for (const BenchSubject& subject : result_.subjects)
    if (!subject.left_out.empty()) why += "; " + subject.name + ": " + subject.left_out;
  throw AttachError(AttachError::kUnreachable, why);
}

// Round 0 is the one that is not measured.
RunPlan BenchRuns::plan_for(const BenchSubject& subject, std::size_t round) const {
  RunPlan plan = {plan_.command, {}, plan_.input, "/dev/null", folder_.path() / "errors",
                  plan_.most};
  std::string preload = subject.image;
  if (!preload.empty() && !preloaded_before_.empty()) preload += ":";
  preload += preloaded_before_;
  if (!preload.empty()) plan.variables["LD_PRELOAD"] = preload;
  if (round == 0) {
    plan.variables["LD_BIND_NOW"] = "1";  // also what is never called
    plan.variables["LD_DEBUG"] = "bindings";
    plan.variables["LD_DEBUG_OUTPUT"] = folder_.path() / kDebug;
  }
  if (plan_.compares_output) plan.output = folder_.path() / "output";
  if (!plan_.output.empty()) {
    plan.output = file_of(subject, round, ".out");
    plan.errors = file_of(subject, round, ".err");
  }
  return plan;
}

std::string BenchRuns::file_of(const BenchSubject& subject, std::size_t round,
                               const char* ending) const {
  std::string name = subject.name;
  std::replace(name.begin(), name.end(), '/', '_');
  return fs::path(plan_.output) / (name + "." + std::to_string(round) + ending);
}

MeasuredRun BenchRuns::run(const BenchSubject& subject, std::size_t round) const {
  const RunPlan plan = plan_for(subject, round);
  MeasuredRun run = run_measured(plan);
  if (!plan_.compares_output || !run.problem.empty()) return run;
  const fs::path expected = folder_.path() / "expected";
  if (round == 0 && &subject == &result_.subjects.front())
    fs::copy_file(plan.output, expected);
  else if (!has_same_bytes(plan.output, expected))
    run.problem = "it writes something else than on " + result_.subjects.front().name;
  return run;
}

// What the dynamic linker has said in the run, which goes.
BenchRuns::Proof BenchRuns::take_proof(const BenchSubject& subject, const MeasuredRun& run) const {
  const std::string name = kDebug + ("." + std::to_string(run.process));
  const Proof proof = {malloc_owner(folder_.path() / name),
                       count_owners(folder_.path(), kDebug, subject.image)};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    if (entry.path().filename().string().starts_with(kDebug)) files.push_back(entry.path());
  for (const fs::path& file : files) fs::remove(file);
  return proof;
}

// The command fails by itself, or comes with a malloc of its own, which is told as what it is.
void BenchRuns::prove_first(const MeasuredRun& run, const std::string& owner) {
  BenchSubject& subject = result_.subjects.front();
  if (!run.problem.empty())
    throw AttachError(AttachError::kMistakes,
                      plan_.command[0] + " without any other allocator: " + run.problem +
                          last_error(subject) + "; want a command that succeeds");
  if (owner.empty())
    throw AttachError(AttachError::kUnreachable,
                      plan_.command[0] +
                          " does not use the dynamic linker and the C library of glibc, so that "
                          "nothing can be preloaded");
  if (is_c_library(owner)) return;
  subject.name = "own";
  result_.notes.push_back("own is the malloc that the program has without luna: " + owner);
}

std::string BenchRuns::why_not_proved(const BenchSubject& subject, const MeasuredRun& run,
                                      const Proof& proof) {
  if (run.process == 0) return run.problem + last_error(subject);
  if (proof.owner != subject.image)
    return "malloc was that of " + (proof.owner.empty() ? "nobody" : proof.owner) +
           last_error(subject);
  if (proof.processes.with_owner != proof.processes.all)
    result_.notes.push_back(subject.name + " was the malloc of " +
                            std::to_string(proof.processes.with_owner) + " of " +
                            std::to_string(proof.processes.all) + " processes");
  return {};
}

// What the first run has said last on stderr, or what the dynamic linker has.
std::string BenchRuns::last_error(const BenchSubject& subject) const {
  constexpr std::size_t kMost = 300;
  constexpr std::string_view kLinker = "ERROR: ld.so: ";
  std::ifstream file(plan_for(subject, 0).errors);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
    if (line.starts_with(kLinker)) break;
  }
  return last.empty() ? last : " (" + last.substr(0, kMost) + ")";
}

}  // namespace luna::tool

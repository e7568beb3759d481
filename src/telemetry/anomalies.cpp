// SPDX-License-Identifier: MIT
#include "telemetry/anomalies.hpp"

#include "base/math.hpp"

namespace luna {

namespace {

constexpr std::uint64_t kLeastPastParts = 2;  // the past is so many times as long as what is recent

// The middle of a bucket, by factors.
[[nodiscard]] double middle_size(std::size_t bucket) noexcept {
  const std::size_t bounded = bucket < kSizeBuckets - 1 ? bucket : kSizeBuckets - 2;
  return static_cast<double>(size_bound(bounded)) * 0.71;
}
[[nodiscard]] double middle_lifetime(std::size_t bucket) noexcept {
  const std::size_t bounded = bucket < kLifetimeBuckets - 1 ? bucket : kLifetimeBuckets - 2;
  return static_cast<double>(lifetime_bound_ns(bounded)) / 2;
}

// How many objects a sample of a bucket stands for.
[[nodiscard]] double weight_of(double size, std::uint64_t interval) noexcept {
  return interval > 1 ? 1 / one_minus_exp(size / static_cast<double>(interval)) : 1;
}

// What the errors of a site's estimates follow from: sums over what was allocated there, each
// object with the weight that its sample has.
struct Spread {
  Spread(const ProfileRow& row, std::uint64_t interval) noexcept {
    double objects = 0;
    double bytes = 0;
    double squares = 0;
    double cubes = 0;  // weight x bytes x bytes
    for (std::size_t i = 0; i < kSizeBuckets; ++i) {
      const auto count = static_cast<double>(row.sizes.weights[i]);
      const double size = middle_size(i);
      const double weighted = count * weight_of(size, interval);
      objects += count;
      bytes += count * size;
      weight += weighted;
      squares += weighted * size;
      cubes += weighted * size * size;
    }
    if (!(objects > 0)) return;
    const double mean = bytes / objects;
    size_variance = (cubes - 2 * mean * squares + mean * mean * weight) / objects;
    weight /= objects;
    bytes_per_sample = cubes / bytes;
  }

  double weight = 0;            // of the mean object
  double size_variance = 0;     // times the weights
  double bytes_per_sample = 0;  // that the mean byte's sample stands for
};

[[nodiscard]] double variance_of(const Histogram<kLifetimeBuckets>& histogram) noexcept {
  double objects = 0;
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < kLifetimeBuckets; ++i) {
    const auto count = static_cast<double>(histogram.weights[i]);
    objects += count;
    sum += count * middle_lifetime(i);
    squares += count * middle_lifetime(i) * middle_lifetime(i);
  }
  return objects > 0 ? squares / objects - sum / objects * (sum / objects) : 0;
}

// A mean over samples, and the objects that they stand for.
struct Mean {
  double value = 0;
  std::uint64_t samples = 0;
  double objects = 0;
};

// With the variance of one object, times its weight. At least that of values which differ by
// half of the mean, for buckets do not tell less.
[[nodiscard]] double mean_evidence(const Mean& now, const Mean& before, double variance,
                                   double weight) noexcept {
  const double middle = (now.value + before.value) / 2;
  const double least = middle * middle / 4 * weight;
  if (variance < least) variance = least;
  const double difference = now.value - before.value;
  return difference * difference / (variance / now.objects + variance / before.objects);
}

[[nodiscard]] bool differs(double one, double other) noexcept {
  return one >= kLeastFactor * other || other >= kLeastFactor * one;
}

[[nodiscard]] bool differs_by_chance(const Mean& now, const Mean& before) noexcept {
  return now.samples < kLeastSamples || before.samples < kLeastSamples ||
         !differs(now.value, before.value) || !(now.value > 0) || !(before.value > 0);
}

[[nodiscard]] double positive(double value) noexcept { return value > 0 ? value : 0; }

void keep(Anomalies& found, const Anomaly& anomaly) noexcept {
  if (!(anomaly.strength >= kLeastStrength)) return;
  std::size_t at = found.count < Anomalies::kMost ? found.count++ : Anomalies::kMost;
  if (at == Anomalies::kMost) {
    if (anomaly.strength <= found.list[--at].strength) return;
  }
  for (; at > 0 && found.list[at - 1].strength < anomaly.strength; --at)
    found.list[at] = found.list[at - 1];
  found.list[at] = anomaly;
}

void judge_rate(Anomalies& found, const ProfileRow& row, const Spread& spread,
                Anomaly anomaly) noexcept {
  const SiteActivity& activity = row.activity;
  // In some parts of its past it did nothing, so to do nothing, or all at once, is its way.
  if (activity.busy_slots * 4 < activity.slots * 3 || activity.slots < 4) return;
  const Tally& recent = activity.recent;
  const double seconds = static_cast<double>(anomaly.recent_ns) / 1e9;
  const double past = static_cast<double>(activity.past_ms) / 1e3;
  const double before = positive(row.allocated.bytes - static_cast<double>(recent.bytes));
  anomaly.now = static_cast<double>(recent.bytes) / seconds;
  anomaly.before = before / past;
  anomaly.samples = recent.samples;
  anomaly.samples_before = row.allocated.samples - recent.samples;
  if (anomaly.samples_before < kLeastSamples || !differs(anomaly.now, anomaly.before)) return;
  const double unit = spread.bytes_per_sample;
  if (!(unit > 0)) return;
  anomaly.strength =
      rate_evidence(static_cast<double>(recent.bytes) / unit, seconds, before / unit, past);
  keep(found, anomaly);
}

void judge_size(Anomalies& found, const ProfileRow& row, const Spread& spread,
                Anomaly anomaly) noexcept {
  const Tally& recent = row.activity.recent;
  const auto objects = static_cast<double>(recent.objects);
  const auto bytes = static_cast<double>(recent.bytes);
  const double others = row.allocated.objects - objects;
  if (!(objects > 0) || !(others > 0)) return;
  const Mean now = {bytes / objects, recent.samples, objects};
  const Mean before = {positive(row.allocated.bytes - bytes) / others,
                       row.allocated.samples - recent.samples, others};
  if (differs_by_chance(now, before)) return;
  anomaly.kind = AnomalyKind::kSize;
  anomaly.now = now.value;
  anomaly.before = before.value;
  anomaly.samples = now.samples;
  anomaly.samples_before = before.samples;
  anomaly.strength = mean_evidence(now, before, spread.size_variance, spread.weight);
  keep(found, anomaly);
}

void judge_lifetime(Anomalies& found, const ProfileRow& row, const Spread& spread,
                    Anomaly anomaly) noexcept {
  const Tally& recent = row.activity.recent;
  const auto objects = static_cast<double>(recent.freed_objects);
  const auto lifetime = static_cast<double>(recent.lifetime_ns);
  const double others = row.lifetimes.objects - objects;
  const std::uint64_t freed = row.allocated.samples - row.live.samples;
  if (!(objects > 0) || !(others > 0) || freed < recent.freed) return;
  const Mean now = {lifetime / objects, recent.freed, objects};
  const Mean before = {positive(row.lifetimes.nanoseconds - lifetime) / others,
                       freed - recent.freed, others};
  if (differs_by_chance(now, before)) return;
  anomaly.kind = AnomalyKind::kLifetime;
  anomaly.now = now.value;
  anomaly.before = before.value;
  anomaly.samples = now.samples;
  anomaly.samples_before = before.samples;
  const double variance = variance_of(row.lifetimes.histogram) * spread.weight;
  anomaly.strength = mean_evidence(now, before, variance, spread.weight);
  keep(found, anomaly);
}

}  // namespace

double rate_evidence(double now, double now_time, double before, double before_time) noexcept {
  const double rate = (now + before) / (now_time + before_time);
  const auto part = [rate](double count, double time) noexcept {
    return count > 1e-9 ? count * natural_log(count / (rate * time)) : 0;
  };
  return rate > 0 ? 2 * (part(now, now_time) + part(before, before_time)) : 0;
}

Anomalies find_anomalies(const Profile& profile) noexcept {
  Anomalies found;
  for (std::size_t i = 0; i < profile.count; ++i) {
    const ProfileRow& row = profile.rows[i];
    const SiteActivity& activity = row.activity;
    if (row.allocated.samples == 0 || activity.recent_ms == 0) continue;
    if (activity.past_ms < kLeastPastParts * activity.recent_ms) continue;  // it is new
    Anomaly anomaly;
    anomaly.site = i;
    anomaly.recent_ns = activity.recent_ms * 1'000'000;
    const Spread spread(row, profile.interval_bytes);
    judge_rate(found, row, spread, anomaly);
    judge_size(found, row, spread, anomaly);
    judge_lifetime(found, row, spread, anomaly);
  }
  return found;
}

}  // namespace luna

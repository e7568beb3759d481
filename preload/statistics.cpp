// SPDX-License-Identifier: MIT
#include "preload/statistics.hpp"

#include "base/format.hpp"
#include "control/statistics.hpp"
#include "control/statistics_writer.hpp"
#include "heap/named_heaps.hpp"
#include "preload/descriptor_output.hpp"
#include "preload/mapped_snapshot.hpp"
#include "preload/process.hpp"
#include "preload/profile_file.hpp"
#include "preload/slow_path.hpp"

#include <errno.h>
#include <lunalloc/stats.h>
#include <string.h>

#include <array>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

namespace luna {

namespace {

void write_info(Output& out) noexcept {
  std::array<char, 2048> buffer;
  Text text(buffer.data(), buffer.size());
  write_malloc_info(whole_usage(process.allocator()), text);
  out.add(text.view());
}

[[nodiscard]] luna_stats_format format_of(std::string_view path) noexcept {
  if (path.ends_with(".json")) return LUNA_STATS_JSON;
  if (path.ends_with(".openmetrics")) return LUNA_STATS_OPENMETRICS;
  if (path.ends_with(".prom")) return LUNA_STATS_PROMETHEUS;
  if (path.ends_with(".xml")) return LUNA_STATS_MALLOC_INFO;
  return LUNA_STATS_TEXT;
}

[[nodiscard]] int write_file(std::string_view path, os::FileOutput& file) noexcept {
  if (!file.create(path)) return file.error();
  Output out = file.output();
  if (!write_statistics(out, format_of(path), LUNA_STATS_ALL)) return ENOMEM;
  return file.finish() ? 0 : file.error();
}

// Copies rows as far as there is room, and tells how many there are.
template <typename Row, typename Source, typename RowOf>
void copy_rows(Source source, RowOf row_of, Row* rows, std::size_t* count) noexcept {
  std::size_t found = 0;
  for (const auto& element : source) {
    const Row* row = row_of(element);
    if (row == nullptr) continue;
    if (found < *count) rows[found] = *row;
    ++found;
  }
  *count = found;
}

}  // namespace

bool write_statistics(Output& out, luna_stats_format format, unsigned what) noexcept {
  if (format == LUNA_STATS_MALLOC_INFO) {
    write_info(out);
    return true;
  }
  MappedSnapshot mapped;
  const StatisticsSnapshot* snapshot = mapped.take(what);
  if (snapshot == nullptr) return false;
  if (format == LUNA_STATS_TEXT) write_statistics_text(*snapshot, out);
  if (format == LUNA_STATS_JSON) write_statistics_json(*snapshot, out);
  if (format == LUNA_STATS_OPENMETRICS)
    write_statistics_metrics(*snapshot, MetricsFormat::kOpenMetrics, out);
  if (format == LUNA_STATS_PROMETHEUS)
    write_statistics_metrics(*snapshot, MetricsFormat::kPrometheus, out);
  return true;
}

void write_statistics_at_exit() noexcept {
  const Words option = process.words(process.options().stats_file);
  const std::string_view pattern = option.view();
  if (pattern.empty()) return;
  MappedOutput mapped;
  if (mapped.file == nullptr) return;
  const std::string_view path = expand_path(pattern, "stats_file", *mapped.path);
  if (path.empty()) return;
  const int error = write_file(path, *mapped.file);
  if (error != 0) complain(path, strerrordesc_np(error));
}

}  // namespace luna

LUNA_EXPORT int luna_stats_detail_read(luna_stats_detail* detail, unsigned what) {
  if (detail->struct_size != sizeof(luna_stats_detail) || what > LUNA_STATS_ALL) return EINVAL;
  const luna::SlowPath path;
  if (!path.entered()) return EBUSY;
  luna::MappedSnapshot mapped;
  const luna::StatisticsSnapshot* snapshot = mapped.take(what);
  if (snapshot == nullptr) return ENOMEM;
  *detail = snapshot->detail();
  return 0;
}

LUNA_EXPORT int luna_stats_classes(luna_class_stats* classes, size_t element_size, size_t* count) {
  if (element_size != sizeof(luna_class_stats)) return EINVAL;
  const luna::SlowPath path;
  if (!path.entered()) return EBUSY;
  luna::MappedSnapshot mapped;
  const luna::StatisticsSnapshot* snapshot = mapped.take(LUNA_STATS_CLASSES);
  if (snapshot == nullptr) return ENOMEM;
  const auto row_of = [](const luna_class_stats& row) noexcept {
    return row.slabs != 0 ? &row : nullptr;
  };
  luna::copy_rows(snapshot->classes(), row_of, classes, count);
  return 0;
}

LUNA_EXPORT int luna_stats_threads(luna_thread_stats* threads, size_t element_size, size_t* count) {
  if (element_size != sizeof(luna_thread_stats)) return EINVAL;
  const luna::SlowPath path;
  if (!path.entered()) return EBUSY;
  luna::MappedSnapshot mapped;
  const luna::StatisticsSnapshot* snapshot = mapped.take(LUNA_STATS_THREADS);
  if (snapshot == nullptr) return ENOMEM;
  const auto row_of = [](const luna::ThreadRows::Row& row) noexcept { return &row.stats; };
  luna::copy_rows(snapshot->threads().rows(), row_of, threads, count);
  return 0;
}

LUNA_EXPORT int luna_stats_write(int file, luna_stats_format format, unsigned what) {
  if (static_cast<unsigned>(format) > LUNA_STATS_MALLOC_INFO || what > LUNA_STATS_ALL)
    return EINVAL;
  const luna::SlowPath path;
  if (!path.entered()) return EBUSY;
  luna::DescriptorOutput descriptor(file);
  luna::Output out = descriptor.output();
  if (!luna::write_statistics(out, format, what)) return ENOMEM;
  return descriptor.finish();
}

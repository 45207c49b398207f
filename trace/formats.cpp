#include "trace/formats.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <new>
#include <stdexcept>
#include <vector>

#include "trace/builder.h"
#include "trace/clip.h"
#include "trace/import_format.h"
#include "trace/layers.h"
#include "trace/read_ahead.h"

namespace trace {
namespace {

// The first row that knows the content takes it.
constexpr Format kFormats[] = {
    {"Kineto JSON", sniff_chrome, import_chrome},
    {"rocprofv3 JSON", sniff_rocprof_json, import_rocprof_json},
    {"rocprofv3 CSV", sniff_rocprof_csv, import_rocprof_csv},
    {"rocpd, RPD and Nsight Systems SQLite", sniff_sqlite, import_sqlite},
};

std::string known_formats() {
  std::string names;
  for (const Format& format : kFormats) names += (names.empty() ? "" : ", ") + std::string(format.name);
  return names + " (also gzip or zstd)";
}

// Of times as the collector wrote them, before finish() moves the origin.
bool whole_microseconds(const std::vector<Event>& events) {
  return !events.empty() && std::ranges::all_of(events, [&](const Event& e) {
    return e.start_ns % 1000 == 0 && e.end_ns % 1000 == 0;
  });
}

// Neighbours by start on one lane: what the collector says about the order of work there.
void count_gaps(const Trace& t, ImportReport& report) {
  for (uint32_t lane = 0; lane < t.lanes.size(); ++lane) {
    const auto events = t.lane_events(lane);
    for (size_t i = 1; i < events.size(); ++i) {
      const int64_t gap = events[i].start_ns - events[i - 1].end_ns;
      if (gap < 0) ++report.overlaps;
      else if (gap <= 1) ++report.ties;
    }
  }
}

// Of the busiest device; where there are several, the rule names it.
void note_layers(const Trace& t, ImportReport& report) {
  const auto devices = active_devices(t);
  if (devices.empty()) return;
  LayerWindows found = find_layers(t, devices.front());
  report.layers = found.layers;
  report.steps = found.steps;
  report.window_rule = std::move(found.rule);
  if (devices.size() > 1) report.window_rule += "; of device " + t.devices[devices.front()].id + ", the busiest";
}

int64_t later(int64_t time_ns, int64_t by_ns) {
  int64_t sum = 0;
  if (__builtin_add_overflow(time_ns, by_ns, &sum)) return by_ns < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  return sum;
}

Result<Imported> parse_file(const Format& format, const std::string& path, const ImportOptions& options, BuilderFilter* filter) {
  auto source = ByteSource::open(path);
  if (!source) return source.error();
  ImportJob job{path, std::string(format.name), options, filter};
  std::unique_ptr<ByteSource> bytes = std::move(*source);
  if (const auto compression = bytes->compression(); !compression.empty()) {
    job.format += ", " + std::string(compression);
    bytes = read_ahead(std::move(bytes));   // its problem() tells of a lack of memory too
  }
  try {
    return format.parse(*bytes, job);
  } catch (const std::bad_alloc&) {
    return Error{"out of memory (a part of the file can be read by --from and --to)", path};
  } catch (const std::length_error&) {
    return Error{"out of memory (a part of the file can be read by --from and --to)", path};
  }
}

// Clipped in place: the trace was just made and is nobody else's yet.
TracePtr without_overflows(TracePtr trace, ImportReport& report) {
  const Clipped clipped = clip_overflows(const_cast<Trace&>(*trace));
  if (clipped.count == 0) return trace;
  report.warnings.push_back(std::to_string(clipped.count) + " durations ran over the slices after them on their stream and are clipped at the next start");
  report.warnings.insert(report.warnings.end(), clipped.lines.begin(), clipped.lines.end());
  if (clipped.count > static_cast<int64_t>(clipped.lines.size())) report.warnings.push_back("... and " + std::to_string(clipped.count - static_cast<int64_t>(clipped.lines.size())) + " more such durations");
  return trace;
}

}  // namespace

Imported finish_import(TraceBuilder& builder, ImportReport&& report, const ImportJob& job, bool own_export) {
  Trace& header = builder.header();
  header.title = std::filesystem::path(job.path).filename().string();
  header.source = job.path;
  if (!own_export) {
    if (whole_microseconds(header.events)) header.collector.resolution_ns = 1000;
    builder.classify_kernels(job.options.rules);
  }
  TracePtr trace = builder.finish(own_export);
  if (!own_export) trace = without_overflows(std::move(trace), report);
  if (job.filter) {
    if (job.filter->beyond_memory > 0)
      report.warnings.push_back("more than " + std::to_string(job.filter->max_bytes >> 20) + " MiB of events: the rest is left out (--max-memory, or a part of the file by --from and --to)");
    const auto leave_out = [&](const char* reason, int64_t count) {
      if (count == 0) return;
      report.skipped[reason] += count;
      report.used -= count;
    };
    leave_out("of other devices", job.filter->other_devices);
    leave_out("outside --from and --to", job.filter->other_times);
    leave_out("beyond --max-memory", std::min(job.filter->beyond_memory, report.used));
  }
  report.file = job.path;
  report.format = job.format;
  report.collector = trace->collector.name;
  report.version = trace->collector.version;
  report.resolution_ns = trace->collector.resolution_ns;
  count_gaps(*trace, report);
  note_layers(*trace, report);
  if (trace->events.empty())
    report.caveats.push_back(job.filter && job.filter->other_times > 0 ? "no GPU activity in the stretch of time asked for: its figures are zero" : "no GPU activity in this file: its figures are zero");
  return {std::move(trace), std::move(report)};
}

Result<Imported> import_file(const std::string& path, const ImportOptions& options) {
  auto source = ByteSource::open(path);
  if (!source) return source.error();
  std::vector<char> bytes(kSniffBytes);
  bytes.resize((*source)->read(bytes));
  const std::string_view head(bytes.data(), bytes.size());
  const auto format = std::ranges::find_if(kFormats, [&](const Format& f) { return f.sniff(head); });
  if (format == std::end(kFormats)) {
    const std::string& problem = (*source)->problem();
    if (!problem.empty()) return Error{problem, path};
    return Error{head.empty() ? "there is nothing in this file" : "this is no trace of a known format; known are: " + known_formats(), path};
  }
  const bool timed = options.from_ns || options.to_ns;
  BuilderFilter filter;
  filter.max_bytes = options.max_memory_bytes;
  filter.device = options.device;
  if (timed) {
    // The stretch begins with the first activity, which may stand anywhere in the file.
    filter.scan = true;
    if (auto scanned = parse_file(*format, path, options, &filter); !scanned) return scanned.error();
    const int64_t first = filter.first_start_ns;
    filter = {.device = options.device, .max_bytes = options.max_memory_bytes};
    if (first != std::numeric_limits<int64_t>::max()) {
      filter.from_ns = options.from_ns ? later(first, *options.from_ns) : filter.from_ns;
      filter.to_ns = options.to_ns ? later(first, *options.to_ns) : filter.to_ns;
    }
  }
  auto imported = parse_file(*format, path, options, &filter);
  if (!imported) return imported;
  if (imported->trace->events.empty() && filter.other_devices > 0) {
    std::string there;
    for (const Device& d : imported->trace->devices)
      if (d.id != options.device) there += (there.empty() ? "" : ", ") + d.id;
    if (there.size() > 200) there = there.substr(0, 200) + " ...";
    if (filter.other_times == 0) return Error{"no activity of device " + options.device + ", there are: " + there, path};
  }
  return imported;
}

}  // namespace trace

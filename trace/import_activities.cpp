#include "trace/import_activities.h"

#include <limits>

#include "trace/trace_check.h"

namespace trace {
namespace {

constexpr size_t kMaxDevices = 4096;  // nor a table of a million devices
constexpr size_t kMaxReasons = 100;   // a hostile file must not make a report of a million lines

}  // namespace

int32_t narrow_or_none(int64_t value) {
  return value < 0 || value > std::numeric_limits<int32_t>::max() ? -1 : static_cast<int32_t>(value);
}

int32_t blocks_of(int64_t work_items, int64_t group) {
  if (work_items < 0 || group <= 0) return -1;
  return narrow_or_none(work_items / group + (work_items % group != 0));
}

int64_t& Activities::skipped(std::string_view reason) {
  auto& counts = m_report.skipped;
  std::string key(reason.substr(0, 80));
  if (counts.size() >= kMaxReasons && !counts.contains(key)) key = "other reasons";
  return counts[key];
}

uint32_t Activities::device(const std::string& key, const std::string& id) {
  if (!key.empty())
    if (const auto found = m_devices.find(key); found != m_devices.end()) return found->second;
  const bool room = m_builder.header().devices.size() < kMaxDevices;
  const uint32_t index = m_builder.device(room ? id : "more");
  if (!key.empty() && room) m_devices.emplace(key, index);
  return index;
}

uint32_t Activities::lane(uint32_t process, int64_t pid, uint32_t device, int64_t queue, std::string_view word) {
  const std::tuple key{process, device, queue};
  if (m_last_lane != kNone && m_last_key == key) return m_last_lane;
  m_last_key = key;
  const auto [found, fresh] = m_lanes.try_emplace(key, kNone);
  if (fresh) {
    // Ids of queues are small or addresses: the top bits are free for the process.
    const uint64_t apart = static_cast<uint64_t>(process) << 48;
    const auto stream = static_cast<int64_t>(static_cast<uint64_t>(queue) ^ apart);
    found->second = m_builder.lane(device, stream);
    std::string label = queue == kCopyQueue ? "copies" : std::string(word) + " " + std::to_string(queue);
    if (process > 0) label = "process " + std::to_string(pid) + ", " + label;
    m_builder.header().lanes[found->second].label = std::move(label);
  }
  return m_last_lane = found->second;
}

int64_t Activities::correlation(uint32_t process, int64_t id) {
  if (id < 0) return kNoCorrelation;
  return static_cast<int64_t>((static_cast<uint64_t>(id) ^ (static_cast<uint64_t>(process) << 44)) &
                              static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
}

bool Activities::take(const Span& span) {
  const auto refuse = [&](std::string_view reason) {
    ++skipped(reason);
    return false;
  };
  if (!span.start || !span.end) return refuse("no time, or an unreadable one");
  if (*span.start == 0 && *span.end == 0) return refuse("time 0: lost by the collector");
  if (*span.start < -kMaxTimeNs || *span.end > kMaxTimeNs) return refuse("time out of range");
  if (*span.end < *span.start) return refuse("negative duration");
  ++m_report.used;
  return true;
}

bool Activities::add(Event& e, const Span& span) {
  if (!take(span)) return false;
  e.start_ns = *span.start;
  e.end_ns = *span.end;
  m_builder.add(e);
  return true;
}

bool Activities::add_call(const Span& span, StringId name, int64_t correlation, int64_t thread) {
  if (!take(span)) return false;
  m_builder.add_call({*span.start, *span.end, correlation, name, thread});
  return true;
}

bool Activities::add_annotation(const Span& span, std::string_view name, int64_t thread) {
  if (!take(span)) return false;
  m_builder.add_annotation({*span.start, *span.end, m_builder.intern(name), thread});
  return true;
}

bool Activities::cancelled(int64_t done, int64_t total) const {
  if (m_job.options.progress) m_job.options.progress(done, total);
  return m_job.options.cancel && m_job.options.cancel->load(std::memory_order_relaxed);
}

Imported Activities::finish() {
  std::erase_if(m_report.skipped, [](const auto& row) { return row.second == 0; });
  m_report.read = m_report.used;
  for (const auto& [reason, count] : m_report.skipped) m_report.read += count;
  ImportJob job{m_job.path, m_format.empty() ? m_job.format : m_format, m_job.options, m_job.filter};
  return finish_import(m_builder, std::move(m_report), job);
}

}  // namespace trace

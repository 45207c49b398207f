// Kineto and Chrome JSON: { ..., "traceEvents": [ ... ], ... } or the bare array. The root is
// walked as text, so that it need not fit into memory; the records go to simdjson in windows
// (import_chrome_records.cpp).
#include <algorithm>

#include "trace/import_chrome_events.h"
#include "trace/import_chrome_meta.h"
#include "trace/import_chrome_records.h"
#include "trace/import_format.h"
#include "trace/json_buffer.h"
#include "trace/json_text.h"
#include "trace/json_walk.h"

namespace trace {
namespace {

constexpr size_t kChunk = 64 << 10;

class ChromeImport {
 public:
  ChromeImport(ByteSource& source, const ImportJob& job)
      : m_source(source),
        m_job(job),
        m_buffer(source, job.options.max_bytes),
        m_walk(m_buffer),
        m_events(m_builder, m_report) {
    m_builder.set_filter(job.filter);
  }

  Result<Imported> run() {
    if (!root()) return failure();
    m_events.finish();
    m_meta.apply(m_builder, m_events.runtime(), !m_job.filter || !m_job.filter->restricts());
    for (const auto& [reason, count] : m_report.skipped) m_skipped += count;
    m_report.read = m_report.used + m_skipped;
    Imported imported = finish_import(m_builder, std::move(m_report), m_job, m_meta.own_export());
    imported.rank = m_meta.rank();
    return imported;
  }

 private:
  bool root() {
    m_buffer.fill(kChunk);
    if (m_buffer.text().starts_with("\xef\xbb\xbf")) m_buffer.consume(3);
    if (m_walk.peek() == '[') {
      m_array_only = true;
      return records();
    }
    if (!m_walk.take('{')) return false;
    while (m_walk.peek() == '"') {
      std::string key, value;
      if (!m_walk.key(key)) return truncated();
      if (key == "traceEvents" && m_walk.peek() == '[') {
        if (!records()) return false;
        if (m_stopped) return true;
      } else if (const bool wanted = ChromeMeta::wants(key);
                 !m_walk.value(wanted ? &value : nullptr)) {
        return truncated();
      } else if (wanted) {
        m_meta.take(key, value);
        if (m_meta.own_export()) m_events.set_own_export();
      }
      if (!m_walk.take(',')) break;
    }
    if (!m_walk.take('}')) return truncated();
    return m_found;
  }

  // Reads the array of records. False: cancelled.
  bool records() {
    m_walk.take('[');
    m_found = true;
    ChromeRecords records(m_buffer, m_events, m_job.options, m_source.total_bytes());
    const ChromeRecords::End end = records.run();
    if (records.repairs() > 0)
      m_report.warnings.push_back("escaped stray quotes in " + std::to_string(records.repairs()) +
                                  " records");
    if (records.replaced() > 0)
      m_report.warnings.push_back("replaced " + std::to_string(records.replaced()) +
                                  " bytes that are no UTF-8");
    if (end == ChromeRecords::End::cancelled) return m_cancelled = true, false;
    if (end == ChromeRecords::End::closed) return true;
    m_stopped = true;
    // The bare array may lack its bracket: tracers that are killed write none.
    const bool whole = m_array_only && end == ChromeRecords::End::input_ended &&
                       m_buffer.text().empty() && m_source.problem().empty();
    if (end == ChromeRecords::End::too_long)
      warn("a record is longer than " + std::to_string(kMaxRecord >> 20) + " MiB, at byte " +
           std::to_string(m_buffer.offset()));
    else if (!whole)
      truncated();
    return true;
  }

  void warn(const std::string& what) {
    m_report.warnings.push_back(what + ": kept what was whole before");
  }

  // The input ended before the JSON did. What was read is kept if it came to the records at all.
  bool truncated() {
    m_stopped = true;
    if (!m_found) return false;
    if (m_buffer.over_limit())
      warn("the file has more than " + std::to_string(m_job.options.max_bytes) + " bytes");
    else if (!m_source.problem().empty())
      warn(m_source.problem());
    else if (m_buffer.at_end())
      warn("the file ends early, at byte " + std::to_string(m_buffer.bytes_read()));
    else
      warn("this is no JSON any more, at byte " + std::to_string(m_buffer.offset()));
    return true;
  }

  Error failure() const {
    if (m_cancelled) return {"cancelled", m_job.path};
    if (!m_source.problem().empty()) return {m_source.problem(), m_job.path};
    const std::string at = m_job.path + ", byte " + std::to_string(m_buffer.offset());
    if (!m_found && m_buffer.at_end() && m_stopped)
      return {"the JSON ends before its traceEvents", at};
    return {"this JSON has no traceEvents: no Kineto or Chrome trace", at};
  }

  ByteSource& m_source;
  const ImportJob& m_job;
  JsonBuffer m_buffer;
  JsonWalk m_walk;
  TraceBuilder m_builder;
  ImportReport m_report;
  ChromeEvents m_events;
  ChromeMeta m_meta;
  bool m_array_only = false, m_found = false, m_stopped = false, m_cancelled = false;
  int64_t m_skipped = 0;
};

}  // namespace

// Array-only files begin with an object or end at once; in an object, traceEvents may lie far
// behind the metadata.
bool sniff_chrome(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  size_t at = skip_space(head, 0);
  if (at >= head.size()) return false;
  if (head[at] == '[') {
    at = skip_space(head, at + 1);
    const size_t first = std::min(head.find("\"ph\"", at), head.find("\"ts\"", at));
    return at < head.size() && (head[at] == ']' || (head[at] == '{' && first != kNowhere));
  }
  if (head[at] != '{') return false;
  for (std::string_view key :
       {"\"traceEvents\"", "\"schemaVersion\"", "\"deviceProperties\"", "\"displayTimeUnit\"",
        "\"distributedInfo\"", "\"baseTimeNanoseconds\"", "\"otherData\""})
    if (head.find(key) != kNowhere) return true;
  return false;
}

Result<Imported> import_chrome(ByteSource& source, const ImportJob& job) {
  return ChromeImport(source, job).run();
}

}  // namespace trace

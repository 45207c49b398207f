// rocprofv3 --output-format csv: one file a domain. Kernels (kernel_trace.csv, or counter_collection.csv with a row a
// counter), copies (memory_copy_trace.csv) and calls (hip_api_trace.csv ...) are told apart by their columns, which
// are found by name: their order, number and capitals differ between versions and the tools that rewrite them.
#include <algorithm>
#include <array>
#include <utility>

#include "trace/csv_reader.h"
#include "trace/decimal_time.h"
#include "trace/import_activities.h"
#include "trace/import_format.h"

namespace trace {
namespace {

using Row = std::vector<std::string_view>;

enum Column : size_t {
  start, end, kernel, direction, function, domain, agent, queue, thread, correlation, dispatch, counter, lds, older_lds, vgpr, accum_vgpr,
  group_x, group_y, group_z, grid_x, grid_y, grid_z, source_agent, target_agent, kColumns
};
constexpr std::array<std::string_view, kColumns> kColumnNames{
    "start_timestamp", "end_timestamp", "kernel_name", "direction", "function", "domain", "agent_id", "queue_id", "thread_id", "correlation_id", "dispatch_id", "counter_name",
    "lds_block_size", "group_segment_size", "vgpr_count", "accum_vgpr_count", "workgroup_size_x", "workgroup_size_y", "workgroup_size_z", "grid_size_x", "grid_size_y", "grid_size_z",
    "source_agent_id", "destination_agent_id"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// The first line, in small letters, without a byte order mark.
std::string header_line(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  return line.size() > 4096 ? std::string() : lower(line);
}

// Where the columns stand.
class Columns {
 public:
  explicit Columns(const Row& header) {
    for (size_t i = 0; i < header.size(); ++i) {
      std::string name = lower(header[i]);
      const size_t from = std::min(name.find_first_not_of(' '), name.size());
      name = name.substr(from, name.find_last_not_of(' ') + 1 - from);
      const auto found = std::ranges::find(kColumnNames, name);
      if (found != kColumnNames.end() && m_at[static_cast<size_t>(found - kColumnNames.begin())] == kAbsent) m_at[static_cast<size_t>(found - kColumnNames.begin())] = i;
    }
  }
  bool has(Column c) const { return m_at[c] != kAbsent; }
  // Empty where the column is absent or the row too short.
  std::string_view text(const Row& row, Column c) const { return m_at[c] < row.size() ? row[m_at[c]] : std::string_view(); }
  std::optional<int64_t> integer(const Row& row, Column c) const { return parse_integer(text(row, c)); }
  int64_t integer_or(const Row& row, Column c, int64_t otherwise) const { return has(c) ? integer(row, c).value_or(otherwise) : otherwise; }

 private:
  static constexpr size_t kAbsent = static_cast<size_t>(-1);
  std::array<size_t, kColumns> m_at = [] {
    std::array<size_t, kColumns> none;
    none.fill(kAbsent);
    return none;
  }();
};

// "Agent 4" -> "4", as the other formats of the same collector call it.
std::string_view agent_id(std::string_view text) {
  constexpr std::string_view kHead = "Agent ";
  if (text.starts_with(kHead)) text.remove_prefix(kHead.size());
  return text.empty() ? "0" : text;
}

bool is_gpu_side(std::string_view direction) { return direction.find("DEVICE") != std::string_view::npos; }

class CsvImport {
 public:
  CsvImport(ByteSource& source, const ImportJob& job) : m_source(source), m_job(job), m_csv(source, job.options.max_bytes), m_out(job) {}

  Result<Imported> run() {
    Row header, row;
    m_csv.begin(",;\t");
    if (!m_csv.next(header)) return Error{"this CSV has no header", m_job.path};
    const size_t columns = header.size();
    const Columns c(header);
    if (!c.has(Column::start) || !c.has(end) || (!c.has(kernel) && !c.has(direction) && !c.has(function)))
      return Error{"the header of this CSV names Start_Timestamp and End_Timestamp, but not as columns that commas, semicolons or tabs divide", m_job.path};
    for (int64_t count = 0; m_csv.next(row); ++count) {
      if (count % 4096 == 0 && m_out.cancelled(m_csv.bytes_read(), m_source.total_bytes())) return Error{"cancelled", m_job.path};
      // The last line of a file that was cut ends anywhere: its last number may be half of one.
      if (row.size() < columns) ++m_out.skipped("incomplete row");
      else take(c, row);
    }
    if (m_csv.unclosed_quote()) warn("the file ends inside a quoted field");
    if (m_csv.too_long()) warn("a row is longer than " + std::to_string(CsvReader::kMaxRow >> 20) + " MiB");
    if (m_csv.over_limit()) warn("the file has more than " + std::to_string(m_job.options.max_bytes) + " bytes");
    if (!m_source.problem().empty()) warn(m_source.problem());
    Trace& t = m_out.builder().header();
    t.collector.name = "rocprofv3";
    t.collector.clock = ClockSource::rocprofiler;
    for (Device& device : t.devices) device.vendor = "amd";
    auto& caveats = m_out.report().caveats;
    if (c.has(counter)) caveats.push_back("recorded with hardware counters: the collector runs one kernel after the other, durations and gaps are not those of a plain run");
    if (!t.events.empty()) caveats.push_back("CSV holds one domain: calls, copies and the names of devices are in other files of the same run; JSON or rocpd hold them all");
    return m_out.finish();
  }

 private:
  void warn(const std::string& what) { m_out.report().warnings.push_back(what + ": kept what was whole before"); }

  void take(const Columns& c, const Row& row) {
    const Span span{c.integer(row, Column::start), c.integer(row, end)};
    if (c.has(kernel)) take_kernel(c, row, span);
    else if (c.has(direction)) take_copy(c, row, span);
    else if (c.text(row, domain).starts_with("MARKER")) m_out.add_annotation(span, c.text(row, function), c.integer_or(row, thread, 0));
    else m_out.add_call(span, c.text(row, function), c.integer_or(row, correlation, kNoCorrelation), c.integer_or(row, thread, 0));
  }

  void take_kernel(const Columns& c, const Row& row, const Span& span) {
    // Rows of one dispatch follow each other, one a counter.
    if (c.has(counter)) {
      const std::pair id{c.integer_or(row, dispatch, -1), span.start.value_or(-1)};
      if (id == m_last_dispatch) {
        ++m_out.skipped("further counters of a dispatch");
        return;
      }
      m_last_dispatch = id;
    }
    TraceBuilder& builder = m_out.builder();
    Detail detail;
    for (size_t i = 0; i < 3; ++i) {
      const int64_t group = c.integer_or(row, static_cast<Column>(group_x + i), -1);
      detail.block[i] = narrow_or_none(group);
      detail.grid[i] = blocks_of(c.integer_or(row, static_cast<Column>(grid_x + i), -1), group);
    }
    detail.lds_bytes = c.integer_or(row, c.has(lds) ? lds : older_lds, -1);
    detail.hsa_queue = c.integer_or(row, queue, -1);
    const int64_t registers = c.integer_or(row, vgpr, -1);
    if (registers >= 0) detail.registers = narrow_or_none(registers + std::max<int64_t>(c.integer_or(row, accum_vgpr, 0), 0));
    Event e;
    e.name = builder.intern(c.text(row, kernel));
    e.lane = lane(agent_id(c.text(row, agent)), c.integer_or(row, queue, 0));
    e.correlation = c.integer_or(row, correlation, kNoCorrelation);
    e.detail = builder.detail(detail);
    m_out.add(e, span);
  }

  void take_copy(const Columns& c, const Row& row, const Span& span) {
    const std::string_view way = c.text(row, direction);
    if (!is_gpu_side(way)) {
      ++m_out.skipped("copies from host to host");
      return;
    }
    Event e;
    e.kind = EventKind::memcpy;
    e.name = m_out.builder().intern("Memcpy " + std::string(way.starts_with("MEMORY_COPY_") ? way.substr(12) : way));
    e.lane = lane(agent_id(c.text(row, way.ends_with("TO_DEVICE") ? target_agent : source_agent)), Activities::kCopyQueue);
    e.correlation = c.integer_or(row, correlation, kNoCorrelation);
    m_out.add(e, span);
  }

  uint32_t lane(std::string_view agent_text, int64_t queue_id) {
    if (m_last_device == kNone || m_last_agent != agent_text) {
      m_last_agent = agent_text;
      m_last_device = m_out.device(m_last_agent, m_last_agent);
    }
    return m_out.lane(0, 0, m_last_device, queue_id);
  }

  ByteSource& m_source;
  const ImportJob& m_job;
  CsvReader m_csv;
  Activities m_out;
  std::pair<int64_t, int64_t> m_last_dispatch{-1, -1};
  std::string m_last_agent;
  uint32_t m_last_device = kNone;
};

}  // namespace

bool sniff_rocprof_csv(std::string_view head) {
  const std::string line = header_line(head);
  const auto names = [&](Column c) { return line.find(kColumnNames[c]) != std::string::npos; };
  return names(start) && names(end) && (names(kernel) || names(direction) || names(function));
}

Result<Imported> import_rocprof_csv(ByteSource& source, const ImportJob& job) { return CsvImport(source, job).run(); }

}  // namespace trace

// rocprofv3 --output-format csv: one file a domain. Kernels (kernel_trace.csv), copies
// (memory_copy_trace.csv) and calls (hip_api_trace.csv ...) are told apart by their columns, which
// are found by name: their order and number differ between versions.
#include <algorithm>
#include <array>

#include "trace/csv_reader.h"
#include "trace/decimal_time.h"
#include "trace/import_activities.h"
#include "trace/import_format.h"

namespace trace {
namespace {

using Row = std::vector<std::string>;

class Columns {
 public:
  explicit Columns(const Row& header) : m_header(header) {}
  bool has(std::string_view name) const { return std::ranges::find(m_header, name) != m_header.end(); }
  // Empty where the column is absent or the row too short.
  std::string_view text(const Row& row, std::string_view name) const {
    const auto at = static_cast<size_t>(std::ranges::find(m_header, name) - m_header.begin());
    return at < row.size() && at < m_header.size() ? std::string_view(row[at]) : std::string_view();
  }
  std::optional<int64_t> integer(const Row& row, std::string_view name) const { return parse_integer(text(row, name)); }
  int64_t integer_or(const Row& row, std::string_view name, int64_t otherwise) const { return integer(row, name).value_or(otherwise); }

 private:
  const Row& m_header;
};

// "Agent 4" -> "4", as the other formats of the same collector call it.
std::string agent_id(std::string_view text) {
  constexpr std::string_view kHead = "Agent ";
  if (text.starts_with(kHead)) text.remove_prefix(kHead.size());
  return text.empty() ? "0" : std::string(text);
}

bool is_gpu_side(std::string_view direction) { return direction.find("DEVICE") != std::string_view::npos; }

class CsvImport {
 public:
  CsvImport(ByteSource& source, const ImportJob& job) : m_source(source), m_job(job), m_csv(source, job.options.max_bytes), m_out(job) {}

  Result<Imported> run() {
    Row header, row;
    if (!m_csv.next(header)) return Error{"this CSV has no header", m_job.path};
    const Columns columns(header);
    for (int64_t count = 0; m_csv.next(row); ++count) {
      if (count % 4096 == 0 && m_out.cancelled(m_csv.bytes_read(), m_source.total_bytes())) return Error{"cancelled", m_job.path};
      // The last line of a file that was cut ends anywhere: its last number may be half of one.
      if (row.size() < header.size()) ++m_out.skipped("incomplete row");
      else take(columns, row);
    }
    if (m_csv.unclosed_quote()) warn("the file ends inside a quoted field");
    if (m_csv.too_long()) warn("a row is longer than " + std::to_string(CsvReader::kMaxRow >> 20) + " MiB");
    if (m_csv.over_limit()) warn("the file has more than " + std::to_string(m_job.options.max_bytes) + " bytes");
    if (!m_source.problem().empty()) warn(m_source.problem());
    Trace& t = m_out.builder().header();
    t.collector.name = "rocprofv3";
    t.collector.clock = ClockSource::rocprofiler;
    for (Device& device : t.devices) device.vendor = "amd";
    if (!t.events.empty())
      m_out.report().caveats.push_back("CSV holds one domain: calls, copies and the names of devices are in other files of the same run; JSON or rocpd hold them all");
    return m_out.finish();
  }

 private:
  void warn(const std::string& what) { m_out.report().warnings.push_back(what + ": kept what was whole before"); }

  void take(const Columns& c, const Row& row) {
    const Span span{c.integer(row, "Start_Timestamp"), c.integer(row, "End_Timestamp")};
    if (c.has("Kernel_Name")) take_kernel(c, row, span);
    else if (c.has("Direction")) take_copy(c, row, span);
    else m_out.add_call(span, c.text(row, "Function"), c.integer_or(row, "Correlation_Id", kNoCorrelation), c.integer_or(row, "Thread_Id", 0));
  }

  void take_kernel(const Columns& c, const Row& row, const Span& span) {
    static constexpr std::array<std::array<std::string_view, 2>, 3> kSizes{{{"Workgroup_Size_X", "Grid_Size_X"}, {"Workgroup_Size_Y", "Grid_Size_Y"}, {"Workgroup_Size_Z", "Grid_Size_Z"}}};
    TraceBuilder& builder = m_out.builder();
    Detail detail;
    for (size_t i = 0; i < 3; ++i) {
      const int64_t group = c.integer_or(row, kSizes[i][0], -1);
      detail.block[i] = narrow_or_none(group);
      detail.grid[i] = blocks_of(c.integer_or(row, kSizes[i][1], -1), group);
    }
    detail.lds_bytes = c.integer_or(row, c.has("LDS_Block_Size") ? "LDS_Block_Size" : "Group_Segment_Size", -1);
    detail.hsa_queue = c.integer_or(row, "Queue_Id", -1);
    const int64_t vgpr = c.integer_or(row, "VGPR_Count", -1);
    if (vgpr >= 0) detail.registers = narrow_or_none(vgpr + std::max<int64_t>(c.integer_or(row, "Accum_VGPR_Count", 0), 0));
    Event e;
    e.name = builder.intern(c.text(row, "Kernel_Name"));
    e.lane = lane(agent_id(c.text(row, "Agent_Id")), c.integer_or(row, "Queue_Id", 0));
    e.correlation = c.integer_or(row, "Correlation_Id", kNoCorrelation);
    e.detail = builder.detail(detail);
    m_out.add(e, span);
  }

  void take_copy(const Columns& c, const Row& row, const Span& span) {
    const std::string_view direction = c.text(row, "Direction");
    if (!is_gpu_side(direction)) {
      ++m_out.skipped("copies from host to host");
      return;
    }
    const bool to_device = direction.ends_with("TO_DEVICE");
    Event e;
    e.kind = EventKind::memcpy;
    e.name = m_out.builder().intern("Memcpy " + std::string(direction.starts_with("MEMORY_COPY_") ? direction.substr(12) : direction));
    e.lane = lane(agent_id(c.text(row, to_device ? "Destination_Agent_Id" : "Source_Agent_Id")), Activities::kCopyQueue);
    e.correlation = c.integer_or(row, "Correlation_Id", kNoCorrelation);
    m_out.add(e, span);
  }

  uint32_t lane(const std::string& agent, int64_t queue) { return m_out.lane(0, 0, m_out.device(agent, agent), queue); }

  ByteSource& m_source;
  const ImportJob& m_job;
  CsvReader m_csv;
  Activities m_out;
};

}  // namespace

bool sniff_rocprof_csv(std::string_view head) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  const std::string_view line = head.substr(0, head.find('\n'));
  if (line.size() > 4096 || line.find("Start_Timestamp") == std::string_view::npos || line.find("End_Timestamp") == std::string_view::npos) return false;
  return line.find("Kernel_Name") != std::string_view::npos || line.find("Direction") != std::string_view::npos || line.find("Function") != std::string_view::npos;
}

Result<Imported> import_rocprof_csv(ByteSource& source, const ImportJob& job) { return CsvImport(source, job).run(); }

}  // namespace trace

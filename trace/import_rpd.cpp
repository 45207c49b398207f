// RPD (rocmProfileData), schema 1 to 3: rocpd_op holds what ran on GPUs, rocpd_api what was called,
// rocpd_api_ops which call started which op. What an op was lies beside its call (schema 2 and 3) or
// beside the op itself (1). Tables proper are read, never the views.
#include <algorithm>

#include "trace/import_sqlite.h"

namespace trace {
namespace {

// Which calls started an op: by op, by api. An op has one call, a graph launch many ops.
class OpCalls {
 public:
  explicit OpCalls(SqliteFile& file) {
    if (!file.has("rocpd_api_ops")) return;
    SqliteRows rows(file, file.select("rocpd_api_ops", {"op_id", "api_id"}));
    while (rows.next()) m_pairs.emplace_back(rows.integer_or(0, -1), rows.integer_or(1, -1));
    if (!std::ranges::is_sorted(m_pairs)) std::ranges::sort(m_pairs);
  }
  int64_t call_of(int64_t op) const {
    const auto at = std::ranges::lower_bound(m_pairs, std::pair(op, INT64_MIN));
    return at != m_pairs.end() && at->first == op ? at->second : kNoCorrelation;
  }

 private:
  std::vector<std::pair<int64_t, int64_t>> m_pairs;
};

class RpdReader {
 public:
  explicit RpdReader(SqliteImport& import)
      : m_import(import),
        m_file(import.file),
        m_out(import.out),
        m_builder(import.out.builder()),
        m_strings(m_file, m_builder, "rocpd_string", "id", "string"),
        m_long_strings(m_file, m_builder, m_file.has("rocpd_ustring") ? "rocpd_ustring" : "rocpd_string", "id", "string"),
        m_calls(m_file) {}

  void read() {
    prepare_details();
    ops();
    api();
    const std::string schema = schema_version();
    Collector& collector = m_builder.header().collector;
    collector = {"rpd", schema.empty() ? "" : "schema " + schema, ClockSource::roctracer, 1};
    for (Device& device : m_builder.header().devices) device.vendor = "amd";
    if (const int64_t samples = m_file.count("rocpd_monitor")) m_out.skipped("samples of clocks and power") += samples;
  }

 private:
  std::string schema_version() {
    if (!m_file.has("rocpd_metadata")) return "";
    SqliteRows rows(m_file, "SELECT value FROM rocpd_metadata WHERE tag = 'schema_version'");
    return rows.next() ? std::string(rows.text(0).substr(0, 20)) : "";
  }

  // Queries for what one op was, by primary key.
  void prepare_details() {
    const auto lookup = [&](std::optional<SqliteRows>& query, const std::string& table, std::string_view key, std::initializer_list<std::string_view> columns) {
      if (m_file.has(table) && m_file.has_column(table, key)) query.emplace(m_file, m_file.select(table, columns) + " WHERE " + SqliteFile::quoted(key) + " = ?");
    };
    m_details_by_call = m_file.has("rocpd_kernelapi");
    lookup(m_kernel, m_details_by_call ? "rocpd_kernelapi" : "rocpd_kernelop", m_details_by_call ? "api_ptr_id" : "op_ptr_id",
           {"gridX", "gridY", "gridZ", "workgroupX", "workgroupY", "workgroupZ", "groupSegmentSize"});
    lookup(m_copy, m_file.has("rocpd_copyapi") ? "rocpd_copyapi" : "rocpd_copyop", m_file.has("rocpd_copyapi") ? "api_ptr_id" : "op_ptr_id", {"size"});
    lookup(m_call_name, "rocpd_api", "id", {"apiName_id"});
  }

  // hipModuleLaunchKernel's relatives for whole work-item counts say work-items, the others blocks.
  bool counts_work_items(int64_t call) {
    if (!m_call_name) return false;
    m_call_name->bind(call);
    if (!m_call_name->next()) return false;
    const auto [found, fresh] = m_work_items.try_emplace(m_call_name->integer_or(0, -1), false);
    if (fresh) {
      const std::string name = m_strings.text(found->first);
      found->second = name == "hipExtModuleLaunchKernel" || name == "hipHccModuleLaunchKernel";
    }
    return found->second;
  }

  uint32_t kernel_detail(int64_t op, int64_t call) {
    Detail detail;
    if (!m_kernel) return kNone;
    m_kernel->bind(m_details_by_call ? call : op);
    if (!m_kernel->next()) return kNone;
    const bool work_items = !m_details_by_call || counts_work_items(call);
    for (int i = 0; i < 3; ++i) {
      const int64_t grid = m_kernel->integer_or(i, -1), group = m_kernel->integer_or(i + 3, -1);
      detail.grid[static_cast<size_t>(i)] = work_items ? blocks_of(grid, group) : narrow_or_none(grid);
      detail.block[static_cast<size_t>(i)] = narrow_or_none(group);
    }
    detail.lds_bytes = m_kernel->integer_or(6, -1);
    return m_builder.detail(detail);
  }

  uint32_t copy_detail(int64_t op, int64_t call) {
    if (!m_copy) return kNone;
    m_copy->bind(m_file.has("rocpd_copyapi") ? call : op);
    if (!m_copy->next()) return kNone;
    Detail detail;
    detail.bytes = m_copy->integer_or(0, -1);
    return detail.bytes < 0 ? kNone : m_builder.detail(detail);
  }

  void ops() {
    const int64_t rows_about = m_file.last_rowid("rocpd_op");
    SqliteRows rows(m_file, m_file.select("rocpd_op", {"id", "gpuId", "queueId", "start", "end", "description_id", "opType_id"}));
    for (int64_t i = 0; m_import.going(i, rows_about) && rows.next(); ++i) {
      const int64_t id = rows.integer_or(0, -1), type = rows.integer_or(6, -1);
      Event e;
      e.correlation = m_calls.call_of(id);
      e.name = m_strings.intern(rows.integer_or(5, -1));
      const auto [copy, fresh] = m_is_copy.try_emplace(type, false);
      if (fresh) copy->second = m_strings.text(type).starts_with("Copy");
      if (copy->second) e.kind = EventKind::memcpy;   // whatever else there is runs as a kernel
      if (e.name == 0) e.name = m_strings.intern(type);
      const auto gpu = rows.integer_or(1, 0);
      if (gpu != m_gpu || m_device == kNone) {
        m_gpu = gpu;
        m_device = m_out.device(std::to_string(gpu), std::to_string(gpu));
      }
      e.lane = m_out.lane(0, 0, m_device, rows.integer_or(2, 0));
      e.detail = copy->second ? copy_detail(id, e.correlation) : kernel_detail(id, e.correlation);
      m_out.add(e, {rows.integer(3), rows.integer(4)});
    }
  }

  void api() {
    if (!m_file.has("rocpd_api")) return;
    const int64_t rows_about = m_file.last_rowid("rocpd_api");
    SqliteRows rows(m_file, m_file.select("rocpd_api", {"id", "tid", "start", "end", "apiName_id", "args_id"}));
    for (int64_t i = 0; m_import.going(i, rows_about) && rows.next(); ++i) {
      const Span span{rows.integer(2), rows.integer(3)};
      const int64_t name = rows.integer_or(4, -1), thread = rows.integer_or(1, 0);
      const auto [marker, fresh] = m_is_marker.try_emplace(name, false);
      if (fresh) marker->second = m_strings.text(name) == "UserMarker";
      if (marker->second) m_out.add_annotation(span, m_long_strings.text(rows.integer_or(5, -1)), thread);
      else m_out.add_call(span, m_strings.text(name), rows.integer_or(0, -1), thread);
    }
  }

  SqliteImport& m_import;
  SqliteFile& m_file;
  Activities& m_out;
  TraceBuilder& m_builder;
  StringTable m_strings, m_long_strings;
  OpCalls m_calls;
  std::optional<SqliteRows> m_kernel, m_copy, m_call_name;
  bool m_details_by_call = false;
  std::unordered_map<int64_t, bool> m_is_copy, m_is_marker, m_work_items;   // by id of a string
  int64_t m_gpu = -1;
  uint32_t m_device = kNone;
};

}  // namespace

bool is_rpd(SqliteFile& file) { return file.has("rocpd_op") && file.has_column("rocpd_op", "gpuId"); }

void import_rpd(SqliteImport& import) { RpdReader(import).read(); }

}  // namespace trace

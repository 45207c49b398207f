// RPD (rocmProfileData), schema 1 to 3: rocpd_op holds what ran on GPUs, rocpd_api what was called,
// rocpd_api_ops which call started which op. What an op was lies beside its call (schema 2 and 3) or
// beside the op itself (1). Tables proper are read, never the views.
#include <algorithm>

#include "trace/import_sqlite.h"
#include "trace/import_sqlite_columns.h"

namespace trace {
namespace {

// Pairs of numbers out of a table, looked up by the first.
class Links {
 public:
  void add(int64_t key, int64_t value) {
    if (key >= 0) m_pairs.emplace_back(key, value);
  }
  void sort() {
    if (!std::ranges::is_sorted(m_pairs)) std::ranges::sort(m_pairs);
  }
  // Of the first pair with this key. Keys mostly come in order: the last one's and the next are tried first.
  int64_t of(int64_t key, int64_t otherwise) {
    const auto is = [&](size_t at) { return at < m_pairs.size() && m_pairs[at].first == key; };
    if (is(m_at)) return m_pairs[m_at].second;
    if (is(m_at + 1)) return m_pairs[++m_at].second;
    m_at = static_cast<size_t>(std::ranges::lower_bound(m_pairs, key, {}, &std::pair<int64_t, int64_t>::first) - m_pairs.begin());
    return is(m_at) ? m_pairs[m_at].second : otherwise;
  }

 private:
  std::vector<std::pair<int64_t, int64_t>> m_pairs;
  size_t m_at = 0;
};

class RpdReader {
 public:
  explicit RpdReader(SqliteImport& import)
      : m_import(import),
        m_file(import.file),
        m_out(import.out),
        m_builder(import.out.builder()),
        m_strings(m_file, m_builder, "rocpd_string", "id", "string"),
        m_long_strings(m_file, m_builder, m_file.has("rocpd_ustring") ? "rocpd_ustring" : "rocpd_string", "id", "string") {}

  void read() {
    links();
    details();
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

  void links() {
    if (!m_file.has("rocpd_api_ops")) return;
    SqliteColumns rows(m_file, m_file.list("rocpd_api_ops", "", {"op_id", "api_id"}), {"rocpd_api_ops"});
    for (int64_t i = 0; m_import.going(i, 0) && rows.next(); ++i) m_calls.add(rows.integer_or(0, -1), rows.integer_or(1, -1));
    m_calls.sort();
  }

  // What an op was, by its call or by itself.
  void details() {
    kernel_details();
    m_copies_by_call = m_file.has("rocpd_copyapi");
    const std::string table = m_copies_by_call ? "rocpd_copyapi" : "rocpd_copyop";
    if (!m_file.has(table)) return;
    SqliteColumns rows(m_file, m_file.list(table, "", {m_copies_by_call ? "api_ptr_id" : "op_ptr_id", "size"}), {table});
    for (int64_t i = 0; m_import.going(i, 0) && rows.next(); ++i)
      if (const int64_t size = rows.integer_or(1, -1); size >= 0) m_copy_sizes.add(rows.integer_or(0, -1), size);
    m_copy_sizes.sort();
  }

  void kernel_details() {
    m_kernels_by_call = m_file.has("rocpd_kernelapi");
    const std::string table = m_kernels_by_call ? "rocpd_kernelapi" : "rocpd_kernelop";
    if (!m_file.has(table)) return;
    const bool named = m_kernels_by_call && m_file.has_column(table, "api_ptr_id") && m_file.has("rocpd_api") && m_file.has_column("rocpd_api", "id");
    SqliteColumns rows(m_file,
                       m_file.list(table, "k.", {m_kernels_by_call ? "api_ptr_id" : "op_ptr_id", "gridX", "gridY", "gridZ", "workgroupX", "workgroupY", "workgroupZ", "groupSegmentSize"}) +
                           (named ? ", " + m_file.list("rocpd_api", "a.", {"apiName_id"}) : ", NULL"),
                       {table, "k", named ? " LEFT JOIN rocpd_api a ON a.id = k.api_ptr_id" : ""});
    for (int64_t i = 0; m_import.going(i, 0) && rows.next(); ++i) {
      Detail detail;
      const bool work_items = !m_kernels_by_call || counts_work_items(rows.integer_or(8, -1));
      for (int k = 0; k < 3; ++k) {
        const int64_t grid = rows.integer_or(1 + k, -1), group = rows.integer_or(4 + k, -1);
        detail.grid[static_cast<size_t>(k)] = work_items ? blocks_of(grid, group) : narrow_or_none(grid);
        detail.block[static_cast<size_t>(k)] = narrow_or_none(group);
      }
      detail.lds_bytes = rows.integer_or(7, -1);
      m_kernels.add(rows.integer_or(0, -1), m_builder.detail(detail));
    }
    m_kernels.sort();
  }

  // hipModuleLaunchKernel's relatives for whole work-item counts say work-items, the others blocks.
  bool counts_work_items(int64_t name) {
    const auto [found, fresh] = m_work_items.try_emplace(name, false);
    if (fresh) {
      const std::string text = m_strings.text(name);
      found->second = text == "hipExtModuleLaunchKernel" || text == "hipHccModuleLaunchKernel";
    }
    return found->second;
  }

  uint32_t copy_detail(int64_t op, int64_t call) {
    Detail detail;
    detail.bytes = m_copy_sizes.of(m_copies_by_call ? call : op, -1);
    return detail.bytes < 0 ? kNone : m_builder.detail(detail);
  }

  void ops() {
    const int64_t rows_about = m_file.last_rowid("rocpd_op");
    m_import.expect_kernels(rows_about);
    SqliteColumns rows(m_file, m_file.list("rocpd_op", "", {"id", "gpuId", "queueId", "start", "end", "description_id", "opType_id"}), {"rocpd_op"});
    for (int64_t i = 0; m_import.going(i, rows_about) && rows.next(); ++i) {
      const int64_t id = rows.integer_or(0, -1), type = rows.integer_or(6, -1);
      Event e;
      e.correlation = m_calls.of(id, kNoCorrelation);
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
      e.detail = copy->second ? copy_detail(id, e.correlation) : static_cast<uint32_t>(m_kernels.of(m_kernels_by_call ? e.correlation : id, kNone));
      m_out.add(e, {rows.integer(3), rows.integer(4)});
    }
  }

  void api() {
    if (!m_file.has("rocpd_api")) return;
    const int64_t rows_about = m_file.last_rowid("rocpd_api");
    SqliteColumns rows(m_file, m_file.list("rocpd_api", "", {"id", "tid", "start", "end", "apiName_id", "args_id"}), {"rocpd_api"});
    for (int64_t i = 0; m_import.going(i, rows_about) && rows.next(); ++i) {
      const Span span{rows.integer(2), rows.integer(3)};
      const int64_t name = rows.integer_or(4, -1), thread = rows.integer_or(1, 0);
      const auto [marker, fresh] = m_is_marker.try_emplace(name, false);
      if (fresh) marker->second = m_strings.text(name) == "UserMarker";
      if (marker->second) m_out.add_annotation(span, m_long_strings.text(rows.integer_or(5, -1)), thread);
      else m_out.add_call(span, m_strings.intern(name), rows.integer_or(0, -1), thread);
    }
  }

  SqliteImport& m_import;
  SqliteFile& m_file;
  Activities& m_out;
  TraceBuilder& m_builder;
  StringTable m_strings, m_long_strings;
  Links m_calls, m_kernels, m_copy_sizes;   // op -> call; op or call -> detail; op or call -> bytes
  bool m_kernels_by_call = false, m_copies_by_call = false;
  std::unordered_map<int64_t, bool> m_is_copy, m_is_marker, m_work_items;   // by id of a string
  int64_t m_gpu = -1;
  uint32_t m_device = kNone;
};

}  // namespace

bool is_rpd(SqliteFile& file) { return file.has("rocpd_op") && file.has_column("rocpd_op", "gpuId"); }

void import_rpd(SqliteImport& import) { RpdReader(import).read(); }

}  // namespace trace

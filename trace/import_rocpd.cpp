// rocpd, the database of rocprofv3 and of AMD's system profiler, schema 3 and 4. Its physical tables end
// in _<uuid>, one set a process; the un-suffixed views join them so that rows without a thread or a name
// disappear, and are not used. Schema 3 says agent, queue and stream beside each dispatch, schema 4
// through rocpd_track. Grids are in work-items.
#include <nlohmann/json.hpp>

#include <algorithm>

#include "trace/hip_barriers.h"
#include "trace/import_sqlite.h"

namespace trace {
namespace {

constexpr std::string_view kDispatch = "rocpd_kernel_dispatch";
constexpr size_t kMaxProcesses = 10'000;

// The ends of the names of physical tables: "" or "_<uuid>".
std::vector<std::string> suffixes(const SqliteFile& file) {
  std::vector<std::string> out;
  for (const std::string& table : file.tables())
    for (const std::string_view head : {kDispatch, std::string_view("rocpd_region")})
      if (table.starts_with(head)) {
        std::string suffix = table.substr(head.size());
        if ((suffix.empty() || suffix.front() == '_') && std::ranges::find(out, suffix) == out.end() && out.size() < kMaxProcesses)
          out.push_back(std::move(suffix));
      }
  std::ranges::sort(out);
  return out;
}

struct Agent {
  bool gpu = true;
  std::string name, key, id;
};

// Where something ran, in schema 4.
struct Track {
  int64_t agent = -1, queue = -1, stream = -1, thread = 0;
};

class RocpdProcess {
 public:
  RocpdProcess(SqliteImport& import, std::string suffix, uint32_t index, HipBarriers& barriers)
      : m_import(import),
        m_file(import.file),
        m_out(import.out),
        m_builder(import.out.builder()),
        m_suffix(std::move(suffix)),
        m_index(index),
        m_barriers(barriers),
        m_strings(m_file, m_builder, table("rocpd_string"), "id", "string") {}

  void read() {
    process();
    agents();
    symbols();
    tracks();
    dispatches();
    copies();
    regions();
    barriers();
    for (const char* name : {"rocpd_sample", "rocpd_memory_allocate", "rocpd_pmc_event", "rocpd_graph_launch"})
      if (const int64_t rows = m_file.count(table(name))) m_out.skipped(name) += rows;
  }

 private:
  std::string table(std::string_view name) const { return std::string(name) + m_suffix; }
  bool has(std::string_view name) const { return m_file.has(table(name)); }

  void process() {
    if (has("rocpd_info_process")) {
      SqliteRows rows(m_file, m_file.select(table("rocpd_info_process"), {"pid"}));
      if (rows.next()) m_pid = rows.integer_or(0, 0);
    }
    if (has("rocpd_info_node")) {
      SqliteRows rows(m_file, m_file.select(table("rocpd_info_node"), {"id", "machine_id"}));
      while (rows.next() && m_machines.size() < 1000) m_machines[rows.integer_or(0, 0)] = rows.text(1).substr(0, 200);
    }
  }

  void agents() {
    if (!has("rocpd_info_agent")) return;
    SqliteRows rows(m_file, m_file.select(table("rocpd_info_agent"), {"id", "nid", "type", "absolute_index", "product_name", "name", "model_name"}));
    while (rows.next() && m_agents.size() < 10'000) {
      const int64_t id = rows.integer_or(0, -1), index = rows.integer_or(3, id);
      Agent& a = m_agents[id];
      a.gpu = rows.text(2) == "GPU" || rows.text(2).empty();
      for (const int column : {4, 5, 6})
        if (a.name.empty()) a.name = rows.text(column);
      a.id = std::to_string(index);
      a.key = m_machines[rows.integer_or(1, 0)] + "/" + a.id;
    }
  }

  void symbols() {
    if (!has("rocpd_info_kernel_symbol")) return;
    SqliteRows rows(m_file, m_file.select(table("rocpd_info_kernel_symbol"), {"id", "display_name", "kernel_name", "arch_vgpr_count", "accum_vgpr_count"}));
    while (rows.next()) {
      std::string_view name = rows.text(1).empty() ? rows.text(2) : rows.text(1);
      if (name.ends_with(".kd")) name.remove_suffix(3);
      const int64_t vgpr = rows.integer_or(3, -1);
      m_symbols[rows.integer_or(0, -1)] = {m_builder.intern(name), vgpr < 0 ? -1 : narrow_or_none(vgpr + std::max<int64_t>(rows.integer_or(4, 0), 0))};
    }
  }

  void tracks() {
    if (!has("rocpd_track")) return;
    SqliteRows rows(m_file, m_file.select(table("rocpd_track"), {"id", "agent_id", "queue_id", "stream_id", "tid"}));
    while (rows.next()) m_tracks[rows.integer_or(0, -1)] = {rows.integer_or(1, -1), rows.integer_or(2, -1), rows.integer_or(3, -1), rows.integer_or(4, 0)};
  }

  // From `column` on: agent, queue, stream and thread of schema 3, then the track of schema 4.
  Track place(const SqliteRows& rows, int column) const {
    if (const auto track = rows.integer(column + 4))
      if (const auto found = m_tracks.find(*track); found != m_tracks.end()) return found->second;
    return {rows.integer_or(column, -1), rows.integer_or(column + 1, -1), rows.integer_or(column + 2, -1), rows.integer_or(column + 3, 0)};
  }

  uint32_t device(int64_t agent) {
    if (agent == m_last_agent && m_last_device != kNone) return m_last_device;
    m_last_agent = agent;
    const auto found = m_agents.find(agent);
    const std::string id = found == m_agents.end() ? std::to_string(agent) : found->second.id;
    m_last_device = m_out.device(found == m_agents.end() ? "agent " + id : found->second.key, id);
    Device& d = m_builder.header().devices[m_last_device];
    if (found != m_agents.end() && d.name.empty()) d.name = found->second.name;
    return m_last_device;
  }

  // Rows of a table with the internal correlation id, which is the stack_id of the row's event.
  std::string with_event(const std::string& name, std::initializer_list<std::string_view> columns) {
    const std::string events = table("rocpd_event");
    std::string sql = "SELECT " + m_file.list(name, "t.", columns);
    const bool known = m_file.has(events) && m_file.has_column(name, "event_id");
    sql += known ? ", " + m_file.list(events, "e.", {"stack_id", "category_id", "extdata"}) : ", NULL, NULL, NULL";
    sql += " FROM " + SqliteFile::quoted(name) + " t";
    if (known) sql += " LEFT JOIN " + SqliteFile::quoted(events) + " e ON e.id = t.event_id";
    return sql;
  }

  int64_t correlation(const SqliteRows& rows, int column) const {
    const int64_t stack = rows.integer_or(column, 0);
    return stack > 0 ? Activities::correlation(m_index, stack) : kNoCorrelation;
  }

  void dispatches() {
    if (!has(kDispatch)) return;
    const std::string name = table(kDispatch);
    const int64_t rows_about = m_file.last_rowid(name);
    SqliteRows rows(m_file, with_event(name, {"start", "end", "kernel_id", "agent_id", "queue_id", "stream_id", "tid", "track_id", "group_segment_size",
                                              "workgroup_size_x", "workgroup_size_y", "workgroup_size_z", "grid_size_x", "grid_size_y", "grid_size_z",
                                              "region_name_id", "graph_node_id"}));
    for (int64_t i = 0; m_import.going(i, rows_about) && rows.next(); ++i) {
      const Track where = place(rows, 3);
      const int64_t kernel = rows.integer_or(2, -1);
      Event e;
      Detail detail;
      if (const auto symbol = m_symbols.find(kernel); symbol != m_symbols.end()) {
        e.name = symbol->second.first;
        detail.registers = symbol->second.second;
      }
      if (const auto renamed = rows.integer(15)) e.name = m_strings.intern(*renamed);
      if (e.name == 0) e.name = m_builder.intern("kernel " + std::to_string(kernel) + " (no symbol in the file)");
      for (int k = 0; k < 3; ++k) {
        const int64_t group = rows.integer_or(9 + k, -1);
        detail.block[static_cast<size_t>(k)] = narrow_or_none(group);
        detail.grid[static_cast<size_t>(k)] = blocks_of(rows.integer_or(12 + k, -1), group);
      }
      detail.lds_bytes = rows.integer_or(8, -1);
      detail.hsa_queue = where.queue;
      if (const int64_t node = rows.integer_or(16, 0); node > 0) detail.graph_node = node;
      e.detail = m_builder.detail(detail);
      e.lane = m_out.lane(m_index, m_pid, device(where.agent), where.queue);
      e.correlation = correlation(rows, 17);
      m_out.add(e, {rows.integer(0), rows.integer(1)});
    }
  }

  bool is_gpu(int64_t agent) const {
    const auto found = m_agents.find(agent);
    return agent >= 0 && (found == m_agents.end() || found->second.gpu);
  }

  void copies() {
    if (!has("rocpd_memory_copy")) return;
    const std::string name = table("rocpd_memory_copy");
    SqliteRows rows(m_file, with_event(name, {"start", "end", "name_id", "dst_agent_id", "src_agent_id", "size", "agent_id", "queue_id", "stream_id", "tid", "track_id"}));
    for (int64_t i = 0; m_import.going(i, 0) && rows.next(); ++i) {
      const int64_t to = rows.integer_or(3, -1), from = rows.integer_or(4, -1);
      if (!is_gpu(to) && !is_gpu(from)) {
        ++m_out.skipped("copies from host to host");
        continue;
      }
      std::string_view what = m_builder.header().strings[m_strings.intern(rows.integer_or(2, -1))];
      constexpr std::string_view kHead = "MEMORY_COPY_";
      if (what.starts_with(kHead)) what.remove_prefix(kHead.size());
      Event e;
      e.kind = EventKind::memcpy;
      e.name = m_builder.intern(what.empty() ? "Memcpy" : "Memcpy " + std::string(what));
      const Track where = place(rows, 6);
      // 0 is the queue of records that have none.
      e.lane = m_out.lane(m_index, m_pid, device(is_gpu(to) ? to : from), where.queue > 0 ? where.queue : Activities::kCopyQueue);
      Detail detail;
      detail.bytes = rows.integer_or(5, -1);
      e.detail = m_builder.detail(detail);
      e.correlation = correlation(rows, 11);
      m_out.add(e, {rows.integer(0), rows.integer(1)});
    }
  }

  // Which domain an event is of: a string, or in schema 4 a category.
  std::string_view category(int64_t id) {
    const auto [found, fresh] = m_categories.try_emplace(id);
    if (fresh && has("rocpd_info_category")) {
      SqliteRows rows(m_file, m_file.select(table("rocpd_info_category"), {"name"}) + " WHERE id = " + std::to_string(id));
      if (rows.next()) found->second = rows.text(0);
    }
    if (fresh && found->second.empty()) found->second = m_strings.text(id);
    return found->second;
  }

  static std::string message(std::string_view json) {
    const auto extra = nlohmann::json::parse(json, nullptr, false);
    const auto found = extra.is_object() ? extra.find("message") : extra.end();
    return extra.is_object() && found != extra.end() && found->is_string() ? found->get<std::string>() : std::string();
  }

  void regions() {
    if (!has("rocpd_region")) return;
    const std::string name = table("rocpd_region");
    const int64_t rows_about = m_file.last_rowid(name);
    SqliteRows rows(m_file, with_event(name, {"start", "end", "name_id", "agent_id", "queue_id", "stream_id", "tid", "track_id"}));
    for (int64_t i = 0; m_import.going(i, rows_about) && rows.next(); ++i) {
      const Span span{rows.integer(0), rows.integer(1)};
      const std::string_view domain = category(rows.integer_or(9, -1));
      const StringId what = m_strings.intern(rows.integer_or(2, -1));
      const int64_t thread = place(rows, 3).thread;
      if (domain.starts_with("MARKER_CORE") || domain.starts_with("rocm_marker")) {
        const std::string text = message(rows.text(10));
        m_out.add_annotation(span, text.empty() ? m_builder.header().strings[what] : text, thread);
      } else if (domain.starts_with("HIP_") || domain.starts_with("RCCL") || domain.starts_with("rocm_hip") || domain.starts_with("rocm_rccl")) {
        m_out.add_call(span, m_builder.header().strings[what], correlation(rows, 8), thread);
      } else {
        ++m_out.skipped(domain.empty() ? "regions without a category" : domain);
      }
    }
  }

  void barriers() {
    if (!has("rocpd_hip_event")) return;
    const std::string name = table("rocpd_hip_event");
    SqliteRows rows(m_file, m_file.select(name, {"start", "end", "name_id", "agent_id", "queue_id", "stream_id", "tid", "track_id", "source_queue_id", "type", "operation"}));
    for (int64_t i = 0; m_import.going(i, 0) && rows.next(); ++i) {
      const Track where = place(rows, 3);
      std::string what = m_strings.text(rows.integer_or(2, -1)) + std::string(rows.text(9)) + std::string(rows.text(10));
      const bool wait = what.find("WAIT") != std::string::npos;
      const Span span{rows.integer(0), rows.integer(1)};
      if (!m_out.add_annotation(span, wait ? kHipWaitName : kHipRecordName, where.queue) || where.agent < 0) continue;
      const auto source = rows.integer(8);
      m_barriers.add({.start_ns = *span.start,
                      .end_ns = *span.end,
                      .lane = m_out.lane(m_index, m_pid, device(where.agent), where.queue),
                      .source_lane = source ? m_out.lane(m_index, m_pid, device(where.agent), *source) : kNone,
                      .wait = wait});
    }
  }

  SqliteImport& m_import;
  SqliteFile& m_file;
  Activities& m_out;
  TraceBuilder& m_builder;
  std::string m_suffix;
  uint32_t m_index;
  HipBarriers& m_barriers;
  StringTable m_strings;
  int64_t m_pid = 0;
  std::map<int64_t, std::string> m_machines;
  std::unordered_map<int64_t, Agent> m_agents;
  std::unordered_map<int64_t, std::pair<StringId, int32_t>> m_symbols;   // name, registers
  std::unordered_map<int64_t, Track> m_tracks;
  std::unordered_map<int64_t, std::string> m_categories;
  int64_t m_last_agent = -1;
  uint32_t m_last_device = kNone;
};

std::string schema_version(SqliteFile& file) {
  for (const std::string& table : file.tables()) {
    if (!table.starts_with("rocpd_metadata")) continue;
    SqliteRows rows(file, "SELECT value FROM " + SqliteFile::quoted(table) + " WHERE tag = 'schema_version'");
    if (rows.next()) return std::string(rows.text(0).substr(0, 20));
  }
  return "";
}

}  // namespace

bool is_rocpd(SqliteFile& file) {
  return std::ranges::any_of(file.tables(), [](const std::string& t) { return t.starts_with(kDispatch) || t.starts_with("rocpd_info_agent"); });
}

void import_rocpd(SqliteImport& import) {
  HipBarriers barriers;
  uint32_t processes = 0;
  for (const std::string& suffix : suffixes(import.file)) RocpdProcess(import, suffix, processes++, barriers).read();
  TraceBuilder& builder = import.out.builder();
  const size_t linked = barriers.link(builder);
  const std::string schema = schema_version(import.file);
  builder.header().collector = {"rocprofv3 (rocpd)", schema.empty() ? "" : "schema " + schema, ClockSource::rocprofiler, 1};
  for (Device& device : builder.header().devices) device.vendor = "amd";
  auto& caveats = import.out.report().caveats;
  if (barriers.count() > 0)
    caveats.push_back(std::to_string(barriers.count()) + " barriers of HIP events; " + std::to_string(linked) + " waits became known dependencies between queues");
  if (processes > 1) caveats.push_back(std::to_string(processes) + " processes: queues of the later ones are labelled with their process");
  if (builder.header().calls.empty() && !builder.header().events.empty())
    caveats.push_back("no HIP calls in this file (--hip-runtime-trace): a late launch cannot be told from other causes of idle time");
}

}  // namespace trace

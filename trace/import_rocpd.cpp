// rocpd, the database of rocprofv3 and of AMD's system profiler, schema 3 and 4. Its physical tables end
// in _<uuid>, one set a process (import_rocpd_parts.h); the un-suffixed views join them so that rows without a
// thread or a name disappear, and are not used. Schema 3 says agent, queue and stream beside each dispatch, schema 4
// through rocpd_track. Grids are in work-items.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "trace/hip_barriers.h"
#include "trace/import_rocpd_parts.h"
#include "trace/import_sqlite.h"
#include "trace/import_sqlite_columns.h"

namespace trace {
namespace {

constexpr size_t kMaxBarriers = 1'000'000;

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
  RocpdProcess(SqliteImport& import, RocpdPart part, uint32_t index, HipBarriers& barriers)
      : m_import(import),
        m_file(import.file),
        m_out(import.out),
        m_builder(import.out.builder()),
        m_part(std::move(part)),
        m_index(index),
        m_barriers(barriers),
        m_strings(m_file, m_builder, table("rocpd_string"), "id", "string", mine(table("rocpd_string"), " AND ")) {}

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
      if (const int64_t rows = m_part.first ? m_file.count(table(name)) : 0) m_out.skipped(name) += rows;
  }

 private:
  std::string table(std::string_view name) const { return std::string(name) + m_part.suffix; }
  bool has(std::string_view name) const { return m_file.has(table(name)); }
  // What leaves other processes' rows out of a table; empty where it holds none.
  std::string mine(const std::string& table, const char* word, const char* prefix = "") const {
    return m_part.guid.empty() || !m_file.has_column(table, "guid") ? "" : std::string(word) + prefix + "guid IS " + m_part.guid;
  }
  std::string select(std::string_view name, std::initializer_list<std::string_view> columns) const {
    const std::string whole = table(name);
    return m_file.select(whole, columns) + mine(whole, " WHERE ");
  }

  void process() {
    if (has("rocpd_info_process")) {
      SqliteRows rows(m_file, select("rocpd_info_process", {"pid"}));
      if (rows.next()) m_pid = rows.integer_or(0, 0);
    }
    if (has("rocpd_info_node")) {
      SqliteRows rows(m_file, select("rocpd_info_node", {"id", "machine_id"}));
      while (rows.next() && m_machines.size() < 1000) m_machines[rows.integer_or(0, 0)] = rows.text(1).substr(0, 200);
    }
  }

  void agents() {
    if (!has("rocpd_info_agent")) return;
    SqliteRows rows(m_file, select("rocpd_info_agent", {"id", "nid", "type", "absolute_index", "product_name", "name", "model_name"}));
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
    SqliteRows rows(m_file, select("rocpd_info_kernel_symbol", {"id", "display_name", "kernel_name", "arch_vgpr_count", "accum_vgpr_count"}));
    while (rows.next()) {
      std::string_view name = rows.text(1).empty() ? rows.text(2) : rows.text(1);
      if (name.ends_with(".kd")) name.remove_suffix(3);
      const int64_t vgpr = rows.integer_or(3, -1);
      m_symbols[rows.integer_or(0, -1)] = {m_builder.intern(name), vgpr < 0 ? -1 : narrow_or_none(vgpr + std::max<int64_t>(rows.integer_or(4, 0), 0))};
    }
  }

  void tracks() {
    if (!has("rocpd_track")) return;
    SqliteRows rows(m_file, select("rocpd_track", {"id", "agent_id", "queue_id", "stream_id", "tid"}));
    while (rows.next()) m_tracks[rows.integer_or(0, -1)] = {rows.integer_or(1, -1), rows.integer_or(2, -1), rows.integer_or(3, -1), rows.integer_or(4, 0)};
  }

  // From `column` on: agent, queue, stream and thread of schema 3, then the track of schema 4.
  Track place(const SqliteColumns& rows, int column) const {
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

  // Columns of a table and, behind them, of the row's event: its stack_id, which is the internal correlation id, and its category.
  SqliteColumns with_event(const std::string& name, std::initializer_list<std::string_view> columns) {
    const std::string events = table("rocpd_event");
    const bool known = m_file.has(events) && m_file.has_column(name, "event_id") && m_file.has_column(events, "id");
    return {m_file, m_file.list(name, "t.", columns) + (known ? ", " + m_file.list(events, "e.", {"stack_id", "category_id"}) : ", NULL, NULL"),
            {name, "t", known ? " LEFT JOIN " + SqliteFile::quoted(events) + " e ON e.id = t.event_id" + mine(events, " AND ", "e.") : "", mine(name, "", "t.")}};
  }

  int64_t correlation(const SqliteColumns& rows, int column) const {
    const int64_t stack = rows.integer_or(column, 0);
    return stack > 0 ? Activities::correlation(m_index, stack) : kNoCorrelation;
  }

  void dispatches() {
    if (!has(kRocpdDispatch)) return;
    const std::string name = table(kRocpdDispatch);
    const int64_t rows_about = m_file.last_rowid(name);
    m_import.expect_kernels(rows_about);
    SqliteColumns rows = with_event(name, {"start", "end", "kernel_id", "agent_id", "queue_id", "stream_id", "tid", "track_id", "group_segment_size",
                                           "workgroup_size_x", "workgroup_size_y", "workgroup_size_z", "grid_size_x", "grid_size_y", "grid_size_z",
                                           "region_name_id", "graph_node_id"});
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
      if (where.queue != m_last_queue) m_queue_agents[m_last_queue = where.queue] = where.agent;
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
    SqliteColumns rows = with_event(name, {"start", "end", "name_id", "dst_agent_id", "src_agent_id", "size", "agent_id", "queue_id", "stream_id", "tid", "track_id"});
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

  enum class Domain : uint8_t { call, marker, barrier, other };
  struct Category {
    std::string name;
    Domain domain = Domain::other;
  };

  // Which domain an event is of: a string, or in schema 4 a category.
  const Category& category(int64_t id) {
    const auto [found, fresh] = m_categories.try_emplace(id);
    Category& c = found->second;
    if (!fresh) return c;
    if (has("rocpd_info_category")) {
      SqliteRows rows(m_file, m_file.select(table("rocpd_info_category"), {"name"}) + " WHERE id = " + std::to_string(id) + mine(table("rocpd_info_category"), " AND "));
      if (rows.next()) c.name = rows.text(0);
    }
    if (c.name.empty()) c.name = m_strings.text(id);
    const auto starts = [&](std::initializer_list<std::string_view> heads) { return std::ranges::any_of(heads, [&](std::string_view head) { return c.name.starts_with(head); }); };
    if (starts({"HIP_EVENT", "rocm_hip_event"})) c.domain = Domain::barrier;   // --hip-event-trace: on a queue, no call
    else if (starts({"MARKER_CORE", "rocm_marker"})) c.domain = Domain::marker;
    else if (starts({"HIP_", "RCCL", "rocm_hip", "rocm_rccl"})) c.domain = Domain::call;
    return c;
  }

  std::string marker_text(int64_t event) {
    if (!m_extra) return {};
    m_extra->bind(event);
    if (!m_extra->next()) return {};
    const auto extra = nlohmann::json::parse(m_extra->text(0), nullptr, false);
    const auto found = extra.is_object() ? extra.find("message") : extra.end();
    return extra.is_object() && found != extra.end() && found->is_string() ? found->get<std::string>() : std::string();
  }

  void regions() {
    if (!has("rocpd_region")) return;
    const std::string name = table("rocpd_region");
    const int64_t rows_about = m_file.last_rowid(name);
    if (has("rocpd_event") && m_file.has_column(table("rocpd_event"), "extdata"))
      m_extra.emplace(m_file, m_file.select(table("rocpd_event"), {"extdata"}) + " WHERE id = ?" + mine(table("rocpd_event"), " AND "));
    SqliteColumns rows = with_event(name, {"start", "end", "name_id", "agent_id", "queue_id", "stream_id", "tid", "track_id", "event_id"});
    for (int64_t i = 0; m_import.going(i, rows_about) && rows.next(); ++i) {
      const Span span{rows.integer(0), rows.integer(1)};
      const Category& c = category(rows.integer_or(10, -1));
      const StringId what = m_strings.intern(rows.integer_or(2, -1));
      const Track where = place(rows, 3);
      switch (c.domain) {
        case Domain::call: m_out.add_call(span, what, correlation(rows, 9), where.thread); break;
        case Domain::marker: {
          const std::string text = marker_text(rows.integer_or(8, -1));
          m_out.add_annotation(span, text.empty() ? m_builder.header().strings[what] : text, where.thread);
          break;
        }
        case Domain::barrier:
          if (m_pending.size() < kMaxBarriers) m_pending.push_back({span, m_builder.header().strings[what], where, rows.integer_or(8, -1)});
          else ++m_out.skipped("barriers of HIP events beyond a million");
          break;
        case Domain::other: ++m_out.skipped(c.name.empty() ? "regions without a category" : c.name);
      }
    }
  }

  // Barriers of HIP events: regions whose queues stand with their event, as JSON or as arguments, or a table of their own.
  struct PendingBarrier {
    Span span;
    std::string what;
    Track where;
    int64_t event = -1, source_queue = -1, handle = -1;
    void take(std::string_view field, int64_t value) {
      if (field == "agent_id") where.agent = value;
      if (field == "queue_id") where.queue = value;
      if (field == "source_queue_id" || field == "src_queue_id") source_queue = value;
      if (field == "hip_event_handle" || field == "hip_event" || field == "event") handle = value;
    }
  };

  // 3, "3", "0x3" or {"handle": 3}.
  static int64_t number_in(const nlohmann::json& value) {
    if (value.is_number_integer()) return value.get<int64_t>();
    if (value.is_object()) return value.contains("handle") ? number_in(value["handle"]) : -1;
    return value.is_string() ? number_in_text(value.get_ref<const std::string&>()) : -1;
  }
  static int64_t number_in_text(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
    const bool hex = text.starts_with("0x");
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data() + (hex ? 2 : 0), text.data() + text.size(), number, hex ? 16 : 10);
    return error == std::errc{} && std::in_range<int64_t>(number) ? static_cast<int64_t>(number) : -1;
  }

  void read_fields() {
    std::unordered_map<int64_t, PendingBarrier*> by_event;
    for (PendingBarrier& b : m_pending) by_event.emplace(b.event, &b);
    for (const auto& [event, b] : by_event) {
      if (!m_extra) break;
      m_extra->bind(event);
      const auto extra = m_extra->next() ? nlohmann::json::parse(m_extra->text(0), nullptr, false) : nlohmann::json();
      if (extra.is_object())
        for (const auto& [key, value] : extra.items()) b->take(key, number_in(value));
    }
    if (m_pending.empty() || !has("rocpd_arg")) return;
    // All at once: the table is large and has no index.
    SqliteRows rows(m_file, m_file.select(table("rocpd_arg"), {"event_id", "name", "value"}) + " WHERE (name LIKE '%queue_id' OR name LIKE '%event%' OR name = 'agent_id')" + mine(table("rocpd_arg"), " AND "));
    for (int64_t i = 0; m_import.going(i, 0) && rows.next(); ++i)
      if (const auto found = by_event.find(rows.integer_or(0, -1)); found != by_event.end()) found->second->take(rows.text(1), number_in_text(rows.text(2)));
  }

  void barriers() {
    read_fields();
    if (has("rocpd_hip_event")) {
      SqliteRows rows(m_file, select("rocpd_hip_event", {"start", "end", "name_id", "type", "operation", "agent_id", "queue_id", "source_queue_id", "hip_event_handle", "track_id"}));
      while (rows.next() && m_pending.size() < kMaxBarriers) {
        PendingBarrier b{{rows.integer(0), rows.integer(1)}, m_strings.text(rows.integer_or(2, -1)) + std::string(rows.text(3)) + std::string(rows.text(4)), {}, -1, rows.integer_or(7, -1), rows.integer_or(8, -1)};
        if (const auto track = m_tracks.find(rows.integer_or(9, -1)); track != m_tracks.end()) b.where = track->second;
        else b.where = {rows.integer_or(5, -1), rows.integer_or(6, -1), -1, 0};
        m_pending.push_back(std::move(b));
      }
    }
    for (PendingBarrier& b : m_pending) {
      const bool wait = b.what.find("WAIT") != std::string::npos || b.what.find("Wait") != std::string::npos;
      if (!m_out.add_annotation(b.span, wait ? kHipWaitName : kHipRecordName, b.where.queue)) continue;
      if (const auto known = m_queue_agents.find(b.where.queue); b.where.agent < 0 && known != m_queue_agents.end()) b.where.agent = known->second;
      if (b.where.agent < 0 || b.where.queue < 0) continue;
      const auto lane_of = [&](int64_t queue) { return queue < 0 ? kNone : m_out.lane(m_index, m_pid, device(b.where.agent), queue); };
      m_barriers.add({.start_ns = *b.span.start, .end_ns = *b.span.end, .lane = lane_of(b.where.queue), .source_lane = lane_of(b.source_queue), .event = Activities::correlation(m_index, b.handle), .wait = wait});
    }
  }

  SqliteImport& m_import;
  SqliteFile& m_file;
  Activities& m_out;
  TraceBuilder& m_builder;
  RocpdPart m_part;
  uint32_t m_index;
  HipBarriers& m_barriers;
  StringTable m_strings;
  int64_t m_pid = 0;
  std::map<int64_t, std::string> m_machines;
  std::unordered_map<int64_t, Agent> m_agents;
  std::unordered_map<int64_t, std::pair<StringId, int32_t>> m_symbols;   // name, registers
  std::unordered_map<int64_t, Track> m_tracks;
  std::unordered_map<int64_t, Category> m_categories;
  std::optional<SqliteRows> m_extra;   // extdata of one event
  std::vector<PendingBarrier> m_pending;
  std::unordered_map<int64_t, int64_t> m_queue_agents;
  int64_t m_last_queue = INT64_MIN;
  int64_t m_last_agent = -1;
  uint32_t m_last_device = kNone;
};

}  // namespace

bool is_rocpd(SqliteFile& file) {
  return std::ranges::any_of(file.tables(), [](const std::string& t) { return t.starts_with(kRocpdDispatch) || t.starts_with("rocpd_info_agent"); });
}

void import_rocpd(SqliteImport& import) {
  HipBarriers barriers;
  uint32_t processes = 0;
  size_t left_out = 0;
  for (RocpdPart& part : rocpd_parts(import.file, left_out)) RocpdProcess(import, std::move(part), processes++, barriers).read();
  TraceBuilder& builder = import.out.builder();
  const size_t linked = barriers.link(builder);
  const std::string schema = rocpd_schema_version(import.file);
  builder.header().collector = {"rocprofv3 (rocpd)", schema.empty() ? "" : "schema " + schema, ClockSource::rocprofiler, 1};
  for (Device& device : builder.header().devices) device.vendor = "amd";
  if (left_out > 0) import.out.report().warnings.push_back("more than " + std::to_string(processes) + " guids in the same tables: the records of the others are left out");
  auto& caveats = import.out.report().caveats;
  if (barriers.count() > 0)
    caveats.push_back(std::to_string(barriers.count()) + " barriers of HIP events; " + std::to_string(linked) + " waits became known dependencies between queues");
  if (processes > 1) caveats.push_back(std::to_string(processes) + " processes: queues of the later ones are labelled with their process");
  if (builder.header().calls.empty() && !builder.header().events.empty())
    caveats.push_back("no HIP calls in this file (--hip-runtime-trace): a late launch cannot be told from other causes of idle time");
}

}  // namespace trace

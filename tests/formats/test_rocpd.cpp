// rocpd: no real database is at hand, so the published schema, both ways it stores where something ran,
// is filled with the 43,915 dispatches of the published rocprofv3 JSON and must give the same figures.
#include <catch2/catch_test_macros.hpp>

#include "tests/support/expected_figures.h"
#include "tests/support/sqlite_maker.h"
#include "tests/support/temp_folder.h"
#include "trace/bubble_text.h"
#include "trace/bubbles.h"
#include "trace/window.h"

namespace {

constexpr const char* kTrain = "rocprofv3_mi350x_train_5queues.json.gz";

std::string text(std::string_view value) {
  std::string out = "'";
  for (const char c : value) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::string n(int64_t value) { return std::to_string(value); }

// One process' tables. `tracks`: schema 4.
class RocpdMaker {
 public:
  RocpdMaker(tests::SqliteMaker& db, std::string suffix, bool tracks, int pid) : m_db(db), m_suffix(std::move(suffix)), m_tracks(tracks) {
    const std::string guid = "id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT, ";
    m_db.table(name("rocpd_metadata"), "id INTEGER PRIMARY KEY, tag TEXT, value TEXT");
    m_db.run("INSERT INTO " + quoted("rocpd_metadata") + " VALUES (1, 'schema_version', '" + (tracks ? "4.1.0" : "3.0.4") + "')");
    m_db.table(name("rocpd_string"), guid + "string TEXT");
    m_db.table(name("rocpd_info_node"), guid + "hash INT, machine_id TEXT");
    m_db.run("INSERT INTO " + quoted("rocpd_info_node") + " VALUES (1, 'g', 5, 'machine')");
    m_db.table(name("rocpd_info_process"), guid + "nid INT, ppid INT, pid INT");
    m_db.run("INSERT INTO " + quoted("rocpd_info_process") + " VALUES (1, 'g', 1, 0, " + n(pid) + ")");
    m_db.table(name("rocpd_info_agent"), guid + "nid INT, pid INT, type TEXT, absolute_index INT, name TEXT, product_name TEXT");
    m_db.run("INSERT INTO " + quoted("rocpd_info_agent") + " VALUES (0, 'g', 1, 1, 'CPU', 0, 'x', 'EPYC'), (2, 'g', 1, 1, 'GPU', 37946, 'gfx950', 'AMD Instinct MI350X')");
    m_db.table(name("rocpd_info_kernel_symbol"), guid + "kernel_name TEXT, display_name TEXT, arch_vgpr_count INT, accum_vgpr_count INT");
    m_db.table(name("rocpd_event"), guid + "category_id INT, stack_id INT, parent_stack_id INT, correlation_id INT, extdata TEXT");
    if (tracks) {
      m_db.table(name("rocpd_track"), guid + "nid INT, pid INT, tid INT, agent_id INT, queue_id INT, stream_id INT");
      m_db.table(name("rocpd_info_category"), guid + "name TEXT");
    }
    const std::string place = tracks ? "track_id INT, " : "nid INT, pid INT, tid INT, agent_id INT, queue_id INT, stream_id INT, ";
    m_db.table(name("rocpd_kernel_dispatch"), guid + place + "kernel_id INT, dispatch_id INT, start INT, end INT, group_segment_size INT, workgroup_size_x INT, workgroup_size_y INT, "
                                                             "workgroup_size_z INT, grid_size_x INT, grid_size_y INT, grid_size_z INT, region_name_id INT, event_id INT");
    m_db.table(name("rocpd_region"), guid + (tracks ? "track_id INT, " : "nid INT, pid INT, tid INT, ") + "start INT, end INT, name_id INT, event_id INT");
    m_db.table(name("rocpd_memory_copy"), guid + (tracks ? "track_id INT, " : "nid INT, pid INT, tid INT, queue_id INT, stream_id INT, ") +
                                              "start INT, end INT, name_id INT, dst_agent_id INT, src_agent_id INT, size INT, event_id INT");
  }

  std::string name(const std::string& table) const { return table + m_suffix; }
  std::string quoted(const std::string& table) const { return tests::SqliteMaker::quoted(name(table)); }

  int64_t symbol(const std::string& kernel) { return insert("rocpd_info_kernel_symbol", "guid, display_name, kernel_name, arch_vgpr_count, accum_vgpr_count", "'g', " + text(kernel) + ", 'k.kd', 32, 8"); }
  int64_t string(const std::string& value) { return insert("rocpd_string", "guid, string", "'g', " + text(value)); }
  int64_t event(const std::string& category, int64_t stack, const std::string& extra = "{}") {
    const int64_t id = m_tracks ? insert("rocpd_info_category", "guid, name", "'g', " + text(category)) : string(category);
    return insert("rocpd_event", "guid, category_id, stack_id, extdata", "'g', " + n(id) + ", " + n(stack) + ", " + text(extra));
  }
  void dispatch(int64_t kernel, int64_t queue, int64_t start, int64_t end, int64_t event) {
    const std::string rest = n(kernel) + ", 1, " + n(start) + ", " + n(end) + ", 512, 64, 1, 1, 1000, 1, 1, NULL, " + (event ? n(event) : "NULL");
    insert("rocpd_kernel_dispatch", "guid, " + where_columns() + "kernel_id, dispatch_id, start, end, group_segment_size, workgroup_size_x, workgroup_size_y, workgroup_size_z, grid_size_x, "
                                    "grid_size_y, grid_size_z, region_name_id, event_id",
           "'g', " + where(queue) + rest);
  }
  void region(const std::string& what, int64_t start, int64_t end, int64_t event) {
    insert("rocpd_region", std::string("guid, ") + (m_tracks ? "track_id, " : "nid, pid, tid, ") + "start, end, name_id, event_id",
           "'g', " + (m_tracks ? n(track(0)) + ", " : std::string("1, 1, 77, ")) + n(start) + ", " + n(end) + ", " + n(string(what)) + ", " + n(event));
  }
  // A barrier of a HIP event, as rocprofv3 writes any buffered record: a region, its members as arguments of the event or as JSON.
  void hip_event(const std::string& what, int64_t start, int64_t end, std::vector<std::pair<std::string, std::string>> members, bool as_json) {
    std::string json;
    for (const auto& [key, value] : members) json += (json.empty() ? "{\"" : ", \"") + key + "\": " + value;
    const int64_t id = event("HIP_EVENT", 50, as_json ? json + "}" : "{}");
    if (!as_json)
      for (const auto& [key, value] : members) insert("rocpd_arg", "guid, event_id, position, type, name, value", "'g', " + n(id) + ", 1, 'uint64_t', " + text(key) + ", " + text(value));
    region(what, start, end, id);
  }
  void arguments() { m_db.table(name("rocpd_arg"), "id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT, event_id INT, position INT, type TEXT, name TEXT, value TEXT"); }
  void copy(int64_t start, int64_t end, int64_t from, int64_t to) {
    insert("rocpd_memory_copy", std::string("guid, ") + (m_tracks ? "track_id, " : "") + "start, end, name_id, dst_agent_id, src_agent_id, size",
           "'g', " + (m_tracks ? n(track(0)) + ", " : std::string()) + n(start) + ", " + n(end) + ", " + n(string("MEMORY_COPY_HOST_TO_DEVICE")) + ", " + n(to) + ", " + n(from) + ", 64");
  }

 private:
  int64_t insert(const std::string& table, const std::string& columns, const std::string& values) {
    m_db.run("INSERT INTO " + quoted(table) + " (" + columns + ") VALUES (" + values + ")");
    return sqlite3_last_insert_rowid(m_db.handle());
  }
  std::string where_columns() const { return m_tracks ? "track_id, " : "nid, pid, tid, agent_id, queue_id, stream_id, "; }
  std::string where(int64_t queue) { return m_tracks ? n(track(queue)) + ", " : "1, 1, 77, 2, " + n(queue) + ", 3, "; }
  int64_t track(int64_t queue) {
    auto [found, fresh] = m_known.try_emplace(queue, 0);
    if (fresh) found->second = insert("rocpd_track", "guid, nid, pid, tid, agent_id, queue_id, stream_id", "'g', 1, 1, 77, 2, " + n(queue) + ", 3");
    return found->second;
  }

  tests::SqliteMaker& m_db;
  std::string m_suffix;
  bool m_tracks;
  std::map<int64_t, int64_t> m_known;
};

trace::Imported import_database(const std::string& path) {
  auto imported = trace::import_file(path);
  if (!imported.ok()) FAIL(imported.error().line());
  tests::check_counts(imported->report);
  return std::move(*imported);
}

}  // namespace

TEST_CASE("rocpd: the dispatches of the published JSON give the same figures, in schema 3 and 4") {
  const auto json = tests::import_published(kTrain);
  const auto& t = *json.trace;
  for (const bool tracks : {false, true}) {
    INFO("schema " << (tracks ? 4 : 3));
    const tests::TempFolder folder;
    tests::SqliteMaker db(folder / "r.db");
    RocpdMaker process(db, "_00001234_aa", tracks, 908);
    std::map<trace::StringId, int64_t> symbols;
    for (const auto& e : t.events) {
      auto [symbol, fresh] = symbols.try_emplace(e.name, 0);
      if (fresh) symbol->second = process.symbol(t.strings[e.name]);
      // No row of rocpd_event or of a thread: views would lose these.
      process.dispatch(symbol->second, t.lanes[e.lane].stream, e.start_ns + t.origin_ns, e.end_ns + t.origin_ns, 0);
    }
    const auto imported = import_database(db.close());
    tests::check_figures(*imported.trace, tests::expected_of(kTrain));
    CHECK(imported.report.version == (tracks ? "schema 4.1.0" : "schema 3.0.4"));
    CHECK(imported.trace->devices.at(0).name == "AMD Instinct MI350X");
    CHECK(imported.trace->origin_ns == t.origin_ns);
    REQUIRE(imported.trace->events.size() == t.events.size());
    for (size_t i = 0; i < t.events.size(); i += 1001) CHECK(imported.trace->name_of(imported.trace->events[i]) == t.name_of(t.events[i]));
  }
}

TEST_CASE("rocpd: calls, ranges, copies and what a dispatch was") {
  for (const bool tracks : {false, true}) {
    INFO("schema " << (tracks ? 4 : 3));
    const tests::TempFolder folder;
    tests::SqliteMaker db(folder / "r.db");
    RocpdMaker process(db, "_u", tracks, 5);
    process.dispatch(process.symbol("it's <a> kernel"), 3, 1000, 1500, process.event("KERNEL_DISPATCH", 42));
    process.dispatch(99, 3, 1500, 1600, process.event("KERNEL_DISPATCH", 42));
    process.region("hipGraphLaunch", 900, 950, process.event("HIP_RUNTIME_API_EXT", 42));
    process.region("roctxThreadRangeA", 800, 2000, process.event("MARKER_CORE_RANGE_API", 43, R"({"message": "step 9"})"));
    process.region("hsa_init", 1, 2, process.event("HSA_CORE_API", 44));
    process.copy(1700, 1800, 0, 2);
    process.copy(1700, 1800, 0, 0);
    const auto imported = import_database(db.close());
    const auto& t = *imported.trace;
    REQUIRE(t.events.size() == 3);
    REQUIRE(t.lanes.size() == 2);
    const auto kernels = t.lane_events(1);
    CHECK(t.name_of(kernels[0]) == "it's <a> kernel");
    CHECK(t.name_of(kernels[1]) == "kernel 99 (no symbol in the file)");
    CHECK(kernels[0].correlation == kernels[1].correlation);
    REQUIRE(kernels[0].call != trace::kNone);
    CHECK(t.strings[t.calls[kernels[0].call].name] == "hipGraphLaunch");
    const auto* d = t.detail_of(kernels[0]);
    CHECK((d->grid[0] == 16 && d->block[0] == 64 && d->registers == 40 && d->lds_bytes == 512 && d->hsa_queue == 3));
    REQUIRE(t.annotations.size() == 1);
    CHECK((t.strings[t.annotations[0].name] == "step 9" && t.annotations[0].thread == 77));
    const auto& copy = t.lane_events(0)[0];
    CHECK((copy.kind == trace::EventKind::memcpy && t.detail_of(copy)->bytes == 64));
    CHECK(imported.report.skipped.at("HSA_CORE_API") == 1);
    CHECK(imported.report.skipped.at("copies from host to host") == 1);
  }
}

TEST_CASE("rocpd: several processes in one file share the GPU, never a queue") {
  const tests::TempFolder folder;
  tests::SqliteMaker db(folder / "r.db");
  RocpdMaker a(db, "_a", false, 5), b(db, "_b\"c", false, 6);
  a.dispatch(a.symbol("ka"), 1, 1000, 1500, 0);
  b.dispatch(b.symbol("kb"), 1, 1200, 1700, 0);
  const auto imported = import_database(db.close());
  const auto& t = *imported.trace;
  CHECK(trace::active_devices(t).size() == 1);
  REQUIRE(t.lanes.size() == 2);
  CHECK(t.lanes[1].label == "process 6, queue 1");
  CHECK(imported.report.overlaps == 0);
  CHECK(tests::any_contains(imported.report.caveats, "2 processes"));
}

TEST_CASE("rocpd: processes that only a guid tells apart, in tables without a suffix") {
  for (const bool tracks : {false, true}) {
    INFO("schema " << (tracks ? 4 : 3));
    const tests::TempFolder folder;
    tests::SqliteMaker db(folder / "r.db");
    std::vector<std::string> tables;
    {
      RocpdMaker a(db, "_a", tracks, 5), b(db, "_b", tracks, 6);
      // Every id of the one is an id of the other, too.
      a.dispatch(a.symbol("ka"), 1, 1000, 1500, a.event("KERNEL_DISPATCH", 42));
      a.region("hipLaunchKernel", 900, 950, a.event("HIP_RUNTIME_API", 42));
      b.dispatch(b.symbol("kb"), 1, 1200, 1700, b.event("KERNEL_DISPATCH", 42));
      b.region("hipGraphLaunch", 1100, 1150, b.event("HIP_RUNTIME_API", 42));
      b.copy(1800, 1900, 0, 2);
      db.run(std::string("CREATE TABLE rocpd_sample_a (id INT, guid TEXT); CREATE TABLE rocpd_sample_b (id INT, guid TEXT); INSERT INTO rocpd_sample_b VALUES (1, 'h')"));
      for (const char* name : {"string", "info_node", "info_process", "info_agent", "info_kernel_symbol", "event", "track", "info_category", "kernel_dispatch", "region", "memory_copy", "sample"})
        if (tracks || (std::string_view(name) != "track" && std::string_view(name) != "info_category")) tables.push_back(std::string("rocpd_") + name);
    }
    for (const std::string& t : tables)
      db.run("UPDATE " + t + "_b SET guid = 'h''s'; CREATE TABLE " + t + " AS SELECT * FROM " + t + "_a UNION ALL SELECT * FROM " + t + "_b; DROP TABLE " + t + "_a; DROP TABLE " + t + "_b");
    const auto imported = import_database(db.close());
    const auto& t = *imported.trace;
    CHECK(trace::active_devices(t).size() == 1);
    REQUIRE(t.events.size() == 3);
    REQUIRE(t.lanes.size() == 3);
    for (const auto& e : t.events) {
      if (e.kind == trace::EventKind::memcpy) {
        CHECK(t.name_of(e) == "Memcpy HOST_TO_DEVICE");
        continue;
      }
      const bool a = t.name_of(e) == "ka";
      CHECK((a || t.name_of(e) == "kb"));
      CHECK(t.lanes[e.lane].label == (a ? "queue 1" : "process 6, queue 1"));
      REQUIRE(e.call != trace::kNone);
      CHECK(t.strings[t.calls[e.call].name] == (a ? "hipLaunchKernel" : "hipGraphLaunch"));
    }
    CHECK(imported.report.overlaps == 0);
    CHECK(imported.report.skipped.at("rocpd_sample") == 1);
    CHECK(tests::any_contains(imported.report.caveats, "2 processes"));
  }
}

TEST_CASE("rocpd: barriers of HIP events become known dependencies, and the gap says so") {
  for (const bool as_json : {false, true})
    for (const bool by_handle : {false, true}) {
      INFO("as JSON " << as_json << ", source by the event's handle " << by_handle);
      const tests::TempFolder folder;
      tests::SqliteMaker db(folder / "r.db");
      RocpdMaker process(db, "_u", false, 5);
      process.arguments();
      const int64_t a = process.symbol("produce"), b = process.symbol("consume");
      process.dispatch(a, 3, 1000, 5000, 0);
      process.dispatch(b, 4, 900, 950, 0);
      process.dispatch(b, 4, 8200, 9000, 0);
      process.hip_event("HIP_EVENT_RECORD", 4990, 5005, {{"queue_id", "3"}, {"source_queue_id", "3"}, {"hip_event_handle", "93"}}, as_json);
      std::vector<std::pair<std::string, std::string>> wait{{"queue_id", "4"}, {"hip_event_handle", "93"}};
      if (!by_handle) wait.emplace_back("source_queue_id", "3");
      process.hip_event("HIP_EVENT_WAIT", 960, 8100, wait, as_json);
      const auto imported = import_database(db.close());
      const auto& t = *imported.trace;
      CHECK(t.calls.empty());   // barriers stand on a queue: no call of the host launched anything
      REQUIRE(t.edges.size() == 1);
      CHECK(t.name_of(t.events[t.edges[0].from]) == "produce");
      CHECK(t.events[t.edges[0].to].start_ns + t.origin_ns == 8200);
      CHECK(tests::any_contains(imported.report.caveats, "2 barriers of HIP events; 1 waits became known dependencies"));
      const auto report = trace::classify(t, trace::whole(t, 0));
      REQUIRE(report.bubbles.size() == 2);
      const auto& stall = report.bubbles.back();
      CHECK((stall.kind == trace::BubbleKind::stall && !stall.cause_is_guess));
      CHECK(trace::evidence(t, stall).find("hipStreamWaitEvent barrier on queue 4") != std::string::npos);
    }
}

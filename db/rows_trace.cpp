#include "db/rows_trace.h"

#include <string>
#include <vector>

#include "db/read_rows.h"
#include "db/rows_events.h"
#include "db/sql.h"
#include "trace/trace_check.h"

namespace db {
namespace {

using trace::kNone;
using trace::Trace;

// ---- one function a table and direction

void write_header(SQLite::Database& database, int64_t run, const Trace& t) {
  const std::string clock = key_of(t.collector.clock);
  Inserter(database, "INSERT INTO trace VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .integer(run).text(t.title).text(t.source).text(t.collector.name).text(t.collector.version).text(clock)
      .integer(t.collector.resolution_ns).integer(t.origin_ns).row();
}

bool read_header(const SQLite::Database& database, int64_t run, Trace& t) {
  Query query(database,
              "SELECT title, source, collector, collector_version, clock, resolution_ns, origin_ns "
              "FROM trace WHERE run = ?", run);
  if (!query.next()) return false;
  t.title = query.text();
  t.source = query.text();
  t.collector.name = query.text();
  t.collector.version = query.text();
  t.collector.clock = read_key<trace::ClockSource>(query);
  t.collector.resolution_ns = query.integer();
  t.origin_ns = query.integer();
  return true;
}

void write_lanes(SQLite::Database& database, int64_t run, const Trace& t) {
  Inserter device(database, "INSERT INTO device VALUES (?, ?, ?, ?, ?)");
  for (size_t i = 0; i < t.devices.size(); ++i)
    device.integer(run).integer(static_cast<int64_t>(i)).text(t.devices[i].id).text(t.devices[i].name)
        .text(t.devices[i].vendor).row();
  Inserter lane(database, "INSERT INTO lane VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (size_t i = 0; i < t.lanes.size(); ++i) {
    const trace::Lane& l = t.lanes[i];
    const std::string kind = key_of(l.kind);
    lane.integer(run).integer(static_cast<int64_t>(i)).integer(l.device).integer(l.stream).text(kind).text(l.label)
        .integer(l.logical).row();
  }
}

void read_lanes(const SQLite::Database& database, int64_t run, Trace& t) {
  t.devices = read_rows<trace::Device>(database, run, "SELECT i, id, name, vendor FROM device WHERE run = ? ORDER BY i",
                                       [](Query& q) {
                                         trace::Device d;
                                         d.id = q.text();
                                         d.name = q.text();
                                         d.vendor = q.text();
                                         return d;
                                       });
  t.lanes = read_rows<trace::Lane>(database, run,
                                   "SELECT i, device, stream, kind, label, logical FROM lane WHERE run = ? ORDER BY i",
                                   [](Query& q) {
                                     trace::Lane l;
                                     l.device = q.index<uint32_t>();
                                     l.stream = q.integer();
                                     l.kind = read_key<trace::LaneKind>(q);
                                     l.label = q.text();
                                     l.logical = q.index<uint32_t>();
                                     return l;
                                   });
}

void write_texts(SQLite::Database& database, int64_t run, const char* sql, const std::vector<std::string>& texts) {
  Inserter insert(database, sql);
  for (size_t i = 0; i < texts.size(); ++i)
    insert.integer(run).integer(static_cast<int64_t>(i)).text(texts[i]).row();
}

// Lanes hold which events are theirs; events are sorted by lane, which check_trace() verifies.
void count_lane_events(Trace& t) {
  for (const trace::Event& e : t.events) {
    if (e.lane >= t.lanes.size()) throw BadData("event.lane: no such lane: " + std::to_string(e.lane));
    ++t.lanes[e.lane].count;
  }
  for (size_t i = 1; i < t.lanes.size(); ++i) t.lanes[i].first = t.lanes[i - 1].first + t.lanes[i - 1].count;
}

void write_details(SQLite::Database& database, int64_t run, const Trace& t) {
  Inserter insert(database, "INSERT INTO detail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (size_t i = 0; i < t.details.size(); ++i) {
    const trace::Detail& d = t.details[i];
    insert.integer(run).integer(static_cast<int64_t>(i));
    for (const int32_t v : d.grid) insert.integer_or_null(v, -1);
    for (const int32_t v : d.block) insert.integer_or_null(v, -1);
    insert.integer_or_null(d.registers, -1).integer_or_null(d.lds_bytes, -1).integer_or_null(d.bytes, -1)
        .integer_or_null(d.flops, -1).integer_or_null(d.graph_node, -1).integer_or_null(d.hsa_queue, -1)
        .integer_or_null(d.layer, -1).row();
  }
}

void read_details(const SQLite::Database& database, int64_t run, Trace& t) {
  t.details = read_rows<trace::Detail>(
      database, run,
      "SELECT i, grid_x, grid_y, grid_z, block_x, block_y, block_z, registers, lds_bytes, bytes, flops, graph_node, "
      "hsa_queue, layer FROM detail WHERE run = ? ORDER BY i",
      [](Query& q) {
        trace::Detail d;
        for (int32_t& v : d.grid) v = q.index_or<int32_t>(-1);
        for (int32_t& v : d.block) v = q.index_or<int32_t>(-1);
        d.registers = q.index_or<int32_t>(-1);
        for (int64_t* v : {&d.lds_bytes, &d.bytes, &d.flops, &d.graph_node, &d.hsa_queue}) *v = q.integer_or(-1);
        d.layer = q.index_or<int32_t>(-1);
        return d;
      });
}

void write_host(SQLite::Database& database, int64_t run, const Trace& t) {
  Inserter call(database, "INSERT INTO call VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (size_t i = 0; i < t.calls.size(); ++i) {
    const trace::HostCall& c = t.calls[i];
    call.integer(run).integer(static_cast<int64_t>(i)).integer(c.start_ns).integer(c.end_ns - c.start_ns)
        .integer(c.name).integer_or_null(c.correlation, trace::kNoCorrelation).integer(c.thread).row();
  }
  Inserter annotation(database, "INSERT INTO annotation VALUES (?, ?, ?, ?, ?, ?)");
  for (size_t i = 0; i < t.annotations.size(); ++i) {
    const trace::Annotation& a = t.annotations[i];
    annotation.integer(run).integer(static_cast<int64_t>(i)).integer(a.start_ns).integer(a.end_ns - a.start_ns)
        .integer(a.name).integer(a.thread).row();
  }
  Inserter edge(database, "INSERT INTO edge VALUES (?, ?, ?, ?)");
  for (size_t i = 0; i < t.edges.size(); ++i)
    edge.integer(run).integer(static_cast<int64_t>(i)).integer(t.edges[i].from).integer(t.edges[i].to).row();
}

void read_host(const SQLite::Database& database, int64_t run, Trace& t) {
  t.calls = read_rows<trace::HostCall>(
      database, run,
      "SELECT i, start_ns, duration_ns, name, correlation, thread FROM call WHERE run = ? ORDER BY i", [](Query& q) {
        trace::HostCall c;
        c.start_ns = q.integer();
        c.end_ns = read_end(q, c.start_ns);
        c.name = q.index<uint32_t>();
        c.correlation = q.integer_or(trace::kNoCorrelation);
        c.thread = q.integer();
        return c;
      });
  t.annotations = read_rows<trace::Annotation>(
      database, run, "SELECT i, start_ns, duration_ns, name, thread FROM annotation WHERE run = ? ORDER BY i",
      [](Query& q) {
        trace::Annotation a;
        a.start_ns = q.integer();
        a.end_ns = read_end(q, a.start_ns);
        a.name = q.index<uint32_t>();
        a.thread = q.integer();
        return a;
      });
  t.edges = read_rows<trace::Edge>(database, run, "SELECT i, from_event, to_event FROM edge WHERE run = ? ORDER BY i",
                                   [](Query& q) {
                                     trace::Edge e;
                                     e.from = q.index<uint32_t>();
                                     e.to = q.index<uint32_t>();
                                     return e;
                                   });
}

}  // namespace

void write_trace(SQLite::Database& database, int64_t run, const Trace& t) {
  write_header(database, run, t);
  write_lanes(database, run, t);
  write_texts(database, run, "INSERT INTO string VALUES (?, ?, ?)", t.strings);
  write_texts(database, run, "INSERT INTO op VALUES (?, ?, ?)", t.ops);
  write_events(database, run, t.events);
  write_details(database, run, t);
  write_host(database, run, t);
}

trace::TracePtr read_trace(const SQLite::Database& database, int64_t run) {
  auto t = std::make_shared<Trace>();
  if (!read_header(database, run, *t)) return nullptr;
  const auto text = [](Query& q) { return q.text(); };
  read_lanes(database, run, *t);
  t->strings = read_rows<std::string>(database, run, "SELECT i, text FROM string WHERE run = ? ORDER BY i", text);
  t->ops = read_rows<std::string>(database, run, "SELECT i, key FROM op WHERE run = ? ORDER BY i", text);
  t->events = read_events(database, run);
  count_lane_events(*t);
  read_details(database, run, *t);
  read_host(database, run, *t);
  const trace::Status status = trace::check_trace(*t);
  if (!status) throw BadData("trace of run " + std::to_string(run) + ": " + status.error().what);
  return t;
}

}  // namespace db

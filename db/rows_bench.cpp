// Benches as rows: see rows_run.h.
#include "db/rows_run.h"
#include "db/sql.h"

namespace db {

void insert_bench(SQLite::Database& database, int64_t run, const trace::Bench& b) {
  const trace::BenchCeilings& c = b.ceilings;
  Inserter bench(database, "INSERT INTO bench VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  bench.integer(run).text(b.kind).text(b.cache).integer(b.workers);
  for (const double v : {c.read_gbps, c.copy_gbps, c.bf16_tflops, c.fp8_tflops, c.empty_node_us}) bench.real(v);
  bench.row();
  Inserter read(database, "INSERT INTO bench_read VALUES (?, ?, ?, ?)");
  for (size_t i = 0; i < c.reads.size(); ++i)
    read.integer(run).integer(static_cast<int64_t>(i)).integer(c.reads[i].bytes).real(c.reads[i].us).row();
  Inserter row(database, "INSERT INTO bench_row VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (size_t i = 0; i < b.rows.size(); ++i) {
    const trace::BenchRow& r = b.rows[i];
    row.integer(run).integer(static_cast<int64_t>(i)).text(r.op).text(r.what).real(r.us).integer(r.launches);
    row.integer(r.bytes).integer(r.flops).real(r.floor_us).integer(r.streams_weights).real(r.floor_35_us).row();
  }
}

std::optional<trace::Bench> read_bench(const SQLite::Database& database, int64_t run) {
  trace::Bench b;
  trace::BenchCeilings& c = b.ceilings;
  Query bench(database,
              "SELECT kind, cache, workers, read_gbps, copy_gbps, bf16_tflops, fp8_tflops, empty_node_us "
              "FROM bench WHERE run = ?", run);
  if (!bench.next()) return std::nullopt;
  b.kind = bench.text(), b.cache = bench.text();
  b.workers = bench.index<int>();
  for (double* v : {&c.read_gbps, &c.copy_gbps, &c.bf16_tflops, &c.fp8_tflops, &c.empty_node_us}) *v = bench.real();
  Query read(database, "SELECT i, bytes, us FROM bench_read WHERE run = ? ORDER BY i", run);
  while (read.next()) {
    read.expect_row(c.reads.size());
    trace::ReadPoint& point = c.reads.emplace_back();
    point.bytes = read.integer(), point.us = read.real();
  }
  Query row(database, "SELECT i, op, what, us, launches, bytes, flops, floor_us, streams_weights, floor_35_us FROM bench_row WHERE run = ? ORDER BY i", run);
  while (row.next()) {
    row.expect_row(b.rows.size());
    trace::BenchRow& r = b.rows.emplace_back();
    r.op = row.text(), r.what = row.text(), r.us = row.real(), r.launches = row.index<int>();
    r.bytes = row.integer(), r.flops = row.integer(), r.floor_us = row.real(), r.streams_weights = row.flag(), r.floor_35_us = row.real();
  }
  return b;
}

std::map<int64_t, std::string> list_benches(const SQLite::Database& database) {
  std::map<int64_t, std::string> kinds;
  Query query(database, "SELECT run, kind FROM bench");
  while (query.next()) {
    const int64_t run = query.integer();
    kinds[run] = query.text();
  }
  return kinds;
}

}  // namespace db

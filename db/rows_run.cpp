#include "db/rows_run.h"

#include <libdeflate.h>

#include <algorithm>
#include <ctime>
#include <sstream>

#include "db/connection.h"
#include "db/rows_trace.h"
#include "db/sql.h"
#include "trace/json_enums.h"
#include "trace/run_json.h"
#include "trace/trace_check.h"

namespace db {
namespace {

constexpr const char* kRunColumns =
    "id, name, created, origin, program, host, backend, device, standing, spec, report, traced_step_us, "
    "step_median_us, step_lo_us, step_hi_us, step_n, kernels_per_step, tags, note, starred, "
    "(SELECT id FROM ab WHERE run_a = run.id), (SELECT id FROM ab WHERE run_b = run.id)";

template <class T>
T parse(Query& query, const std::string& where) {
  auto value = trace::read_json_text<T>(query.text(), where);
  if (!value) query.refuse(value.error().what);
  return std::move(*value);
}

trace::Run read_columns(Query& q) {
  trace::Run run;
  run.id = q.integer();
  run.name = q.text();
  run.created = q.text();
  const auto& origins = trace::EnumKeys<trace::Origin>::keys;
  const auto origin = std::find(origins.begin(), origins.end(), q.text());
  if (origin == origins.end()) q.refuse("no such origin");
  run.origin = static_cast<trace::Origin>(origin - origins.begin());
  for (std::string* text : {&run.program, &run.host, &run.backend, &run.device, &run.standing}) *text = q.text();
  if (!q.is_null_then_skip()) run.spec = parse<trace::RunSpec>(q, "spec");
  if (!q.is_null_then_skip()) run.report = parse<trace::ImportReport>(q, "report");
  for (double* value : {&run.traced_step_us, &run.step.median, &run.step.lo, &run.step.hi}) *value = q.real();
  run.step.n = q.integer();
  run.kernels_per_step = q.real();
  run.tags = q.text();
  run.note = q.text();
  run.starred = q.flag();
  const int64_t as_a = q.integer_or(0), as_b = q.integer_or(0);
  run.ab_id = as_a ? as_a : as_b;
  run.ab_arm = as_a ? 'a' : as_b ? 'b' : 0;
  return run;
}

void bind_run(Inserter& insert, const trace::Run& run) {
  const std::string created = run.created.empty() ? utc_now() : run.created;
  const std::string origin(trace::EnumKeys<trace::Origin>::keys[static_cast<size_t>(run.origin)]);
  const std::string spec = run.spec ? trace::write_json_text(*run.spec) : "";
  const std::string report = run.report ? trace::write_json_text(*run.report) : "";
  trace::Run dated = run;
  dated.created = created;
  insert.text(run.name).text(created).text(origin).text(run.program).text(run.host).text(run.backend)
      .text(run.device).text(run.standing);
  run.spec ? insert.text(spec) : insert.null();
  run.report ? insert.text(report) : insert.null();
  insert.real(run.traced_step_us).real(run.step.median).real(run.step.lo).real(run.step.hi).integer(run.step.n)
      .real(run.kernels_per_step).text(run.tags).text(run.note).integer(run.starred).integer(content_hash(dated))
      .row();
}

std::vector<std::string> words_of(std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// The part of a WHERE clause that a filter stands for, and the texts to bind to its question marks in order.
struct Where {
  std::string sql;
  std::vector<std::string> parameters;
  void add(const char* condition, std::vector<std::string> values) {
    sql += std::string(" AND ") + condition;
    parameters.insert(parameters.end(), values.begin(), values.end());
  }
};

constexpr const char* kContainsWord =
    "instr(lower(name || ' ' || note || ' ' || tags || ' ' || device || ' ' || backend || ' ' || host || ' ' || "
    "coalesce(json_extract(spec, '$.model.name'), '')), lower(?)) > 0";

Where where_of(const RunFilter& filter) {
  Where where{filter.removed ? "removed_at IS NOT NULL" : "removed_at IS NULL", {}};
  for (const std::string& word : words_of(filter.text))
    where.add(kContainsWord, {word});
  for (const std::string& tag : filter.tags) where.add("instr(' ' || tags || ' ', ?) > 0", {" " + tag + " "});
  for (const auto& [key, value] : filter.toggles)
    where.add("EXISTS (SELECT 1 FROM run_toggle WHERE run = run.id AND key = ? AND value = ?)", {key, value});
  if (filter.origin)
    where.add("origin = ?", {std::string(trace::EnumKeys<trace::Origin>::keys[static_cast<size_t>(*filter.origin)])});
  if (filter.starred) where.add("starred = 1", {});
  return where;
}

}  // namespace

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::string clean_tags(const std::string& text) {
  std::vector<std::string> kept;
  std::string out;
  for (const std::string& word : words_of(text)) {
    if (std::find(kept.begin(), kept.end(), word) != kept.end()) continue;
    kept.push_back(word);
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

int64_t insert_run(SQLite::Database& database, const trace::Run& run, const std::string& where) {
  if (run.trace) {
    const trace::Status status = trace::check_trace(*run.trace);
    if (!status)
      throw Refusal(
          trace::Error{"the trace of run \"" + run.name + "\" can't be stored: " + status.error().what, where});
  }
  Inserter insert(database,
                  "INSERT INTO run (name, created, origin, program, host, backend, device, standing, spec, report, "
                  "traced_step_us, step_median_us, step_lo_us, step_hi_us, step_n, kernels_per_step, tags, note, "
                  "starred, content_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  bind_run(insert, run);
  const int64_t id = database.getLastInsertRowid();
  if (run.spec) {
    Inserter toggle(database, "INSERT INTO run_toggle VALUES (?, ?, ?)");
    for (const trace::ToggleInfo& row : trace::toggle_table()) {
      const std::string key(row.name), value(run.spec->toggles.value(row.key));
      toggle.integer(id).text(key).text(value).row();
    }
  }
  Inserter step(database, "INSERT INTO step_time VALUES (?, ?, ?)");
  for (size_t i = 0; i < run.step_us.size(); ++i)
    step.integer(id).integer(static_cast<int64_t>(i)).real(run.step_us[i]).row();
  if (run.trace) write_trace(database, id, *run.trace);
  return id;
}

void require_run(const SQLite::Database& database, int64_t id, bool removed, const std::string& where) {
  Query run(database, "SELECT removed_at IS NOT NULL FROM run WHERE id = ?", id);
  const std::string number = std::to_string(id);
  if (run.next()) {
    const bool is_removed = run.flag();
    if (is_removed == removed) return;
    throw Refusal(trace::Error{"run " + number + (is_removed ? " was removed" : " was not removed"), where});
  }
  Query rest(database, "SELECT count(*), max(id) FROM run WHERE removed_at IS NULL");
  rest.next();
  const int64_t count = rest.integer(), newest = rest.integer_or(0);
  std::string there = "it holds no runs";
  if (count > 10) {
    there = "it holds " + std::to_string(count) + " runs, the newest is " + std::to_string(newest);
  } else if (count > 0) {
    there = count == 1 ? "it holds run" : "it holds runs";
    Query ids(database, "SELECT id FROM run WHERE removed_at IS NULL ORDER BY id");
    for (bool first = true; ids.next(); first = false) there += (first ? " " : ", ") + std::to_string(ids.integer());
  }
  throw Refusal(trace::Error{"no such run: " + number + " (" + there + ")", where});
}

trace::Run read_run(const SQLite::Database& database, int64_t id, const std::string& where) {
  require_run(database, id, false, where);
  return read_any_run(database, id, where);
}

trace::Run load_run(const SQLite::Database& database, int64_t id, const std::string& where) {
  trace::Run run = read_run(database, id, where);
  run.trace = read_trace(database, id);
  return run;
}

trace::Run read_any_run(const SQLite::Database& database, int64_t id, const std::string& where) {
  Query query(database, std::string("SELECT ") + kRunColumns + " FROM run WHERE id = ?", id);
  if (!query.next()) throw Refusal(trace::Error{"no such run: " + std::to_string(id), where});
  trace::Run run = read_columns(query);
  Query steps(database, "SELECT i, us FROM step_time WHERE run = ? ORDER BY i", id);
  while (steps.next()) {
    steps.expect_row(run.step_us.size());
    run.step_us.push_back(steps.real());
  }
  return run;
}

void write_attachment(SQLite::Database& database, int64_t run, const std::string& key, const std::string& value) {
  Inserter remove(database, "DELETE FROM attachment WHERE run = ? AND key = ?");
  remove.integer(run).text(key).row();
  if (value.empty()) return;
  Inserter insert(database, "INSERT INTO attachment VALUES (?, ?, ?)");
  insert.integer(run).text(key).text(value).row();
}

std::map<std::string, std::string> read_attachments(const SQLite::Database& database, int64_t run) {
  std::map<std::string, std::string> all;
  Query query(database, "SELECT key, value FROM attachment WHERE run = ? LIMIT 100", run);
  while (query.next()) {
    const std::string key = query.text();
    all[key] = query.text();
  }
  return all;
}

std::vector<trace::Run> list_runs(const SQLite::Database& database, const RunFilter& filter) {
  const Where where = where_of(filter);
  std::string sql = std::string("SELECT ") + kRunColumns + " FROM run WHERE " + where.sql + " ORDER BY id DESC";
  if (filter.limit > 0) sql += " LIMIT " + std::to_string(filter.limit);
  Query query(database, sql);
  for (size_t i = 0; i < where.parameters.size(); ++i)
    query.bind(static_cast<int>(i) + 1, where.parameters[i]);
  std::vector<trace::Run> runs;
  while (query.next()) runs.push_back(read_columns(query));
  return runs;
}

bool same_content(const trace::Run& x, const trace::Run& y) {
  const auto bare = [](trace::Run run) {
    run.id = run.ab_id = 0;
    run.ab_arm = 0;
    run.starred = false;
    run.name = run.tags = run.note = "";
    return trace::write_json_text(run);
  };
  if (bare(x) != bare(y) || !x.trace != !y.trace) return false;
  return !x.trace || *x.trace == *y.trace;
}

int64_t content_hash(const trace::Run& run) {
  // Of fields whose meaning will not change, so that a later version finds the same runs.
  uint32_t hash = libdeflate_crc32(0, run.created.data(), run.created.size());
  const auto add = [&hash](const void* bytes, size_t size) { hash = libdeflate_crc32(hash, bytes, size); };
  add(run.host.data(), run.host.size());
  add(run.step_us.data(), run.step_us.size() * sizeof(double));
  if (!run.trace) return hash;
  for (const trace::Event& e : run.trace->events) {
    const int64_t span[] = {e.start_ns, e.end_ns};
    add(span, sizeof span);
  }
  return hash;
}

}  // namespace db

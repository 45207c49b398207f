// A/B records: see rows_run.h.
#include "db/connection.h"
#include "db/rows_run.h"
#include "db/sql.h"
#include "trace/run_json.h"

namespace db {
namespace {

void write_instances(SQLite::Database& database, int64_t ab, const std::vector<trace::Instance>& instances) {
  Inserter instance(database, "INSERT INTO ab_instance VALUES (?, ?, ?)");
  Inserter quad(database, "INSERT INTO ab_quad VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  Inserter step(database, "INSERT INTO ab_step VALUES (?, ?, ?, ?, ?)");
  for (size_t i = 0; i < instances.size(); ++i) {
    const trace::Instance& in = instances[i];
    const auto number = static_cast<int64_t>(i);
    instance.integer(ab).integer(number).integer(in.null_arm).row();
    for (size_t q = 0; q < in.quads.size(); ++q) {
      quad.integer(ab).integer(number).integer(static_cast<int64_t>(q));
      for (const double us : in.quads[q].block_us) quad.real(us);
      quad.integer(in.quads[q].dropped).row();
    }
    for (const auto* arm : {&in.a_us, &in.b_us})
      for (size_t s = 0; s < arm->size(); ++s)
        step.integer(ab).integer(number).integer(arm == &in.b_us).integer(static_cast<int64_t>(s)).real((*arm)[s])
            .row();
  }
}

trace::Instance& instance_at(std::vector<trace::Instance>& instances, const Query& query, int64_t index) {
  if (index < 0 || index >= static_cast<int64_t>(instances.size()))
    query.refuse("no such instance: " + std::to_string(index));
  return instances[static_cast<size_t>(index)];
}

std::vector<trace::Instance> read_instances(const SQLite::Database& database, int64_t ab) {
  std::vector<trace::Instance> instances;
  Query instance(database, "SELECT i, null_arm FROM ab_instance WHERE ab = ? ORDER BY i", ab);
  while (instance.next()) {
    instance.expect_row(instances.size());
    instances.emplace_back().null_arm = instance.flag();
  }
  Query quad(database,
             "SELECT instance, i, a1_us, b1_us, b2_us, a2_us, dropped FROM ab_quad WHERE ab = ? ORDER BY instance, i",
             ab);
  while (quad.next()) {
    auto& quads = instance_at(instances, quad, quad.integer()).quads;
    quad.expect_row(quads.size());
    trace::Quad& q = quads.emplace_back();
    for (double& us : q.block_us) us = quad.real();
    q.dropped = quad.flag();
  }
  Query step(database, "SELECT instance, arm, i, us FROM ab_step WHERE ab = ? ORDER BY instance, arm, i", ab);
  while (step.next()) {
    trace::Instance& in = instance_at(instances, step, step.integer());
    auto& us = step.flag() ? in.b_us : in.a_us;
    step.expect_row(us.size());
    us.push_back(step.real());
  }
  return instances;
}

// Binds the texts of a record, runs the statement.
void bind_record(Inserter& statement, const trace::AbResult& result) {
  const std::string texts[] = {trace::write_json_text(result.spec),        trace::write_json_text(result.estimate),
                               trace::write_json_text(result.equivalence), trace::write_json_text(result.removed),
                               trace::write_json_text(result.added),       trace::write_json_text(result.notes)};
  for (const std::string& text : texts) statement.text(text);
  statement.row();
}

template <class T>
void parse(Query& query, T& value) {
  auto read = trace::read_json_text<T>(query.text(), "");
  if (!read) query.refuse(read.error().what);
  value = std::move(*read);
}

}  // namespace

int64_t insert_ab(SQLite::Database& database, const trace::AbResult& result, int64_t run_a, int64_t run_b) {
  Inserter insert(database,
                  "INSERT INTO ab (run_a, run_b, spec, estimate, equivalence, removed, added, notes) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  insert.integer(run_a).integer(run_b);
  bind_record(insert, result);
  const int64_t ab = database.getLastInsertRowid();
  write_instances(database, ab, result.instances);
  return ab;
}

void replace_ab(SQLite::Database& database, int64_t ab, const trace::AbResult& result) {
  Inserter update(database,
                  "UPDATE ab SET spec = ?2, estimate = ?3, equivalence = ?4, removed = ?5, added = ?6, notes = ?7 "
                  "WHERE id = ?1");
  update.integer(ab);
  bind_record(update, result);
  for (const char* sql : {"DELETE FROM ab_instance WHERE ab = ?", "DELETE FROM ab_quad WHERE ab = ?",
                          "DELETE FROM ab_step WHERE ab = ?"})
    Inserter(database, sql).integer(ab).row();
  write_instances(database, ab, result.instances);
}

trace::AbResult read_ab(const SQLite::Database& database, int64_t ab, const std::string& where) {
  Query query(database, "SELECT spec, estimate, equivalence, removed, added, notes FROM ab WHERE id = ?", ab);
  if (!query.next()) throw Refusal(trace::Error{"no such A/B: " + std::to_string(ab), where});
  trace::AbResult result;
  parse(query, result.spec);
  parse(query, result.estimate);
  parse(query, result.equivalence);
  parse(query, result.removed);
  parse(query, result.added);
  parse(query, result.notes);
  result.instances = read_instances(database, ab);
  return result;
}

AbLink ab_of_run(const SQLite::Database& database, int64_t run) {
  Query query(database, "SELECT id, run_a, run_b FROM ab WHERE run_a = ?1 OR run_b = ?1", run);
  if (!query.next()) return {};
  AbLink link;
  for (int64_t* id : {&link.ab, &link.a, &link.b}) *id = query.integer();
  return link;
}

std::vector<AbLink> list_ab(const SQLite::Database& database) {
  std::vector<AbLink> links;
  Query query(database, "SELECT id, run_a, run_b FROM ab ORDER BY id");
  while (query.next()) {
    AbLink link;
    for (int64_t* id : {&link.ab, &link.a, &link.b}) *id = query.integer();
    links.push_back(link);
  }
  return links;
}

}  // namespace db

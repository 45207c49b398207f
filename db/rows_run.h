// Runs and A/B records as rows. REQUIRES for every insert: in a transaction. All throw: Refusal for what a person
// can act on, else what sql.h says.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "db/store.h"
#include "trace/ab.h"
#include "trace/bench.h"
#include "trace/run.h"

namespace db {

std::string utc_now();                        // "2025-11-21T08:18:09Z"
std::string clean_tags(const std::string&);   // words once each, single spaces

// With switches, step times and trace; its id. Throws Refusal for a trace that breaks a promise of trace.h.
int64_t insert_run(SQLite::Database&, const trace::Run&, const std::string& where);
// With step_us; without trace. Throws Refusal when there is no such run, or when it was removed.
trace::Run read_run(const SQLite::Database&, int64_t id, const std::string& where);
// With its trace.
trace::Run load_run(const SQLite::Database&, int64_t id, const std::string& where);
// The same for removed runs too.
trace::Run read_any_run(const SQLite::Database&, int64_t id, const std::string& where);
// Texts beside a run. An empty value removes one.
void write_attachment(SQLite::Database&, int64_t run, const std::string& key, const std::string& value);
std::map<std::string, std::string> read_attachments(const SQLite::Database&, int64_t run);
std::vector<trace::Run> list_runs(const SQLite::Database&, const RunFilter&);
// Throws Refusal naming the runs there are.
void require_run(const SQLite::Database&, int64_t id, bool removed, const std::string& where);

// What a bench found, beside its run; none of most runs.
void insert_bench(SQLite::Database&, int64_t run, const trace::Bench&);
std::optional<trace::Bench> read_bench(const SQLite::Database&, int64_t run);
// "kernels" or "step" of every run that is a bench.
std::map<int64_t, std::string> list_benches(const SQLite::Database&);

int64_t insert_ab(SQLite::Database&, const trace::AbResult&, int64_t run_a, int64_t run_b);
// REQUIRES: there is such an A/B.
void replace_ab(SQLite::Database&, int64_t ab, const trace::AbResult&);
// The A/B with this id, a and b left null.
trace::AbResult read_ab(const SQLite::Database&, int64_t ab, const std::string& where);

struct AbLink {
  int64_t ab = 0, a = 0, b = 0;   // ab 0: none
};
AbLink ab_of_run(const SQLite::Database&, int64_t run);
std::vector<AbLink> list_ab(const SQLite::Database&);

// Whether two runs are the same measurement: everything but ids, name, tags, note, star and A/B.
bool same_content(const trace::Run&, const trace::Run&);
// Equal for runs of the same content, across versions of the program.
int64_t content_hash(const trace::Run&);

}  // namespace db

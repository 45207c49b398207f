#include "db/rows_events.h"

#include <array>
#include <future>
#include <limits>
#include <optional>
#include <string>
#include <system_error>

#include "db/connection.h"
#include "db/read_rows.h"

namespace db {
namespace {

// From so many rows on a second thread pays.
constexpr int64_t kSharedFrom = 100'000;

// Categories: a file has its own codes, so that a category may be added anywhere in the enumeration

using Codes = std::array<int64_t, trace::kCategories>;   // by Category

Codes write_categories(SQLite::Database& database) {
  Inserter insert(database,
                  "INSERT OR IGNORE INTO category (code, key) "
                  "VALUES ((SELECT coalesce(max(code) + 1, 0) FROM category), ?)");
  Codes codes{};
  for (int i = 0; i < trace::kCategories; ++i) {
    const std::string key = key_of(static_cast<trace::Category>(i));
    insert.text(key).row();
    SQLite::Statement code(database, "SELECT code FROM category WHERE key = ?");
    code.bind(1, key);
    code.executeStep();
    codes[static_cast<size_t>(i)] = code.getColumn(0).getInt64();
  }
  return codes;
}

struct CategoryTable {
  std::vector<std::pair<int64_t, trace::Category>> rows;   // by code

  trace::Category of(int64_t code, const RowCells& cells) const {
    if (code >= 0 && code < static_cast<int64_t>(rows.size()) && rows[static_cast<size_t>(code)].first == code)
      return rows[static_cast<size_t>(code)].second;
    const auto found = std::lower_bound(rows.begin(), rows.end(), code,
                                        [](const auto& row, int64_t wanted) { return row.first < wanted; });
    if (found == rows.end() || found->first != code) cells.refuse("no such category: " + std::to_string(code));
    return found->second;
  }
};

CategoryTable read_categories(const SQLite::Database& database) {
  CategoryTable table;
  Query query(database, "SELECT code, key FROM category ORDER BY code LIMIT 1000");
  while (query.next()) {
    const int64_t code = query.integer();
    table.rows.emplace_back(code, trace::category_from(query.text()));
  }
  return table;
}

// About how many rows: i of the last one and one. A file may lie.
int64_t event_rows(const SQLite::Database& database, int64_t run) {
  Query query(database, "SELECT coalesce(max(i), -1) + 1 FROM event WHERE run = ?", run);
  return query.next() ? query.integer() : 0;
}

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

constexpr const char* kColumns[] = {"i", "lane", "start_ns", "duration_ns", "name", "op", "kind", "category", "step", "correlation", "call", "detail"};

// Those with first <= i < end; from 0 on, any that lie before it too: they are refused, not left out.
// `room`: for about so many at once, so that they need not be moved; no more than a million are believed.
std::vector<trace::Event> read_range(const SQLite::Database& database, int64_t run, int64_t first, int64_t end, int64_t room) {
  const CategoryTable categories = read_categories(database);
  std::vector<trace::Event> events;
  events.reserve(static_cast<size_t>(std::clamp<int64_t>(room, 0, 1'000'000)));
  each_row(database, kColumns, "FROM event WHERE run = ? AND i >= ? AND i < ?",
           {run, first == 0 ? std::numeric_limits<int64_t>::min() : first, end}, [&](RowCells& q) {
    const size_t at = static_cast<size_t>(first) + events.size();
    if (at >= kMaxRows) q.refuse("more than 50,000,000 rows");
    q.expect_row(at);
    trace::Event e;
    e.lane = q.index<uint32_t>();
    e.start_ns = q.integer();
    e.end_ns = read_end(q, e.start_ns);
    e.name = q.index<uint32_t>();
    e.op = q.index_or<uint16_t>(0);
    e.kind = static_cast<trace::EventKind>(q.index<uint8_t>());
    e.category = categories.of(q.integer(), q);
    e.step = q.index_or<int32_t>(-1);
    e.correlation = q.integer_or(trace::kNoCorrelation);
    e.call = q.index_or<uint32_t>(trace::kNone);
    e.detail = q.index_or<uint32_t>(trace::kNone);
    events.push_back(e);
  });
  return events;
}

std::optional<int64_t> content_of(const SQLite::Database& database, int64_t run) {
  Query query(database, "SELECT content_hash FROM run WHERE id = ?", run);
  return query.next() ? std::optional(query.integer()) : std::nullopt;
}

// The same range on a connection of its own. nullopt where that does not work or sees another state of the file: who
// asked reads the range on his own then, and finds the words for what is wrong.
std::optional<std::vector<trace::Event>> read_beside(const std::string& path, int64_t run, std::optional<int64_t> content, int64_t first, int64_t end) {
  std::optional<std::vector<trace::Event>> events;
  (void)guarded(path, nullptr, [&] {
    const auto database = open_read_only(path, {});
    SQLite::Transaction snapshot(*database);
    if (content_of(*database, run) != content) return;
    auto read = read_range(*database, run, first, end, end - first);
    if (static_cast<int64_t>(read.size()) == end - first) events = std::move(read);
  });
  return events;
}

}  // namespace

void write_events(SQLite::Database& database, int64_t run, const std::vector<trace::Event>& events) {
  const Codes codes = write_categories(database);
  Inserter insert(database, "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (size_t i = 0; i < events.size(); ++i) {
    const trace::Event& e = events[i];
    insert.integer(run).integer(static_cast<int64_t>(i)).integer(e.lane).integer(e.start_ns).integer(e.duration_ns())
        .integer(e.name).integer_or_null(e.op, 0).integer(static_cast<int64_t>(e.kind))
        .integer(codes[static_cast<size_t>(e.category)]).integer_or_null(e.step, -1)
        .integer_or_null(e.correlation, trace::kNoCorrelation).integer_or_null(e.call, trace::kNone)
        .integer_or_null(e.detail, trace::kNone).row();
  }
}

std::vector<trace::Event> read_events(const SQLite::Database& database, int64_t run) {
  const int64_t rows = event_rows(database, run), half = rows / 2;
  const char* const file = sqlite3_db_filename(database.getHandle(), "main");   // "" in memory
  if (rows < kSharedFrom || rows > static_cast<int64_t>(kMaxRows) || !file || *file == '\0') return read_range(database, run, 0, kAll, rows);
  std::future<std::optional<std::vector<trace::Event>>> beside;
  try {
    beside = std::async(std::launch::async, read_beside, std::string(file), run, content_of(database, run), half, rows);
  } catch (const std::system_error&) {   // no thread to be had
    return read_range(database, run, 0, kAll, rows);
  }
  std::vector<trace::Event> events = read_range(database, run, 0, half, rows);
  std::optional<std::vector<trace::Event>> rest = beside.get();
  if (!rest) rest = read_range(database, run, half, kAll, rows - half);
  events.insert(events.end(), rest->begin(), rest->end());
  return events;
}

}  // namespace db

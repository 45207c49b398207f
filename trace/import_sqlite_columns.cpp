#include "trace/import_sqlite_columns.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <stop_token>
#include <system_error>
#include <thread>
#include <vector>

namespace trace {
namespace {

constexpr size_t kBlockRows = 2048;
constexpr size_t kBlocks = 4;
// Of one turn: as many as a reader holds decoded while the other's are taken.
constexpr uint64_t kRangeRows = kBlockRows * kBlocks;
// Where ids lie far apart the ranges are wider, so that a file cannot make the readers ask for ever.
constexpr uint64_t kMostRanges = 1 << 14;
constexpr size_t kMostReaders = 2;   // as measured on two cores; whether more pay on more is not known

bool is_whole(double value) { return value >= -0x1p53 && value <= 0x1p53 && value == static_cast<double>(static_cast<int64_t>(value)); }

// The row ids of a table, cut into `count` ranges of `width`. One that stands for all rows where the table has none.
struct RowIdRanges {
  int64_t first = 0, last = 0;
  uint64_t width = 0, count = 1;
  bool bounded() const { return width > 0; }
  int64_t begin(uint64_t i) const { return static_cast<int64_t>(static_cast<uint64_t>(first) + i * width); }
  int64_t end(uint64_t i) const { return i + 1 == count ? last : begin(i + 1) - 1; }   // the last id of it
};

// A column may have the name of the row id; it is no key then.
RowIdRanges ranges_of(SqliteFile& file, const std::string& table) {
  RowIdRanges out;
  const auto ids = file.has(table) && !file.has_column(table, "_rowid_") ? file.rowids(table) : std::nullopt;
  if (!ids || ids->first >= ids->second) return out;
  out.first = ids->first, out.last = ids->second;
  const uint64_t span = static_cast<uint64_t>(out.last) - static_cast<uint64_t>(out.first);   // one less than there may be rows
  if (span < 2 * kRangeRows) return out;
  out.width = std::max(kRangeRows, span / kMostRanges + 1);
  out.count = span / out.width + 1;
  return out;
}

}  // namespace

// A thread, and the ring of blocks between it and the caller: its block i lies in slot i % kBlocks. Of the ranges it
// takes `turn`, `turn + step` and so on; each ends with a block that says so.
class SqliteColumns::Reader {
 public:
  struct Block {
    std::vector<int64_t> values;
    int row_values = 0;
    bool ends_range = false;
  };

  Reader(SqliteFile& file, const std::string& sql, const RowIdRanges& ranges, uint64_t turn, uint64_t step)
      : m_cancel(file.m_cancel), m_ranges(ranges), m_turn(turn), m_step(step), m_most_rows(file.bytes() / 2 + 100) {
    auto handle = file.connection();
    if (!handle) {
      m_problem = handle.error().what;
      m_ended = true;
      return;
    }
    m_handle = *handle;
    // DIRECTONLY: no view or index of the file may call it.
    sqlite3_create_function(m_handle, "decodescope_take", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, this, nullptr, take_row, end_rows);
    // A query may search for long before it finds a row.
    sqlite3_progress_handler(m_handle, 100'000, [](void* self) { return static_cast<Reader*>(self)->stopped() ? 1 : 0; }, this);
    if (sqlite3_prepare_v2(m_handle, sql.c_str(), -1, &m_statement, nullptr) != SQLITE_OK) {
      m_problem = sqlite3_errmsg(m_handle);
      m_ended = true;
      return;
    }
    try {
      m_thread = std::jthread([this](std::stop_token stop) { run(stop); });
    } catch (const std::system_error& error) {
      m_problem = error.what();
      m_ended = true;
    }
  }

  ~Reader() {
    if (m_thread.joinable()) {
      m_thread.request_stop();
      m_thread.join();
    }
    sqlite3_finalize(m_statement);
    sqlite3_close(m_handle);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  const std::string& problem() const { return m_problem; }   // once next() gave nothing

  // Gives the block before back, waits for one; nullptr at the end.
  const Block* next() {
    std::unique_lock lock(m_mutex);
    m_taken = m_given;
    m_changed.notify_all();
    m_changed.wait(lock, [&] { return m_filled > m_given || m_ended; });
    if (m_filled == m_given) return nullptr;
    return &m_ring[m_given++ % kBlocks];
  }

 private:
  void run(std::stop_token stop) {
    m_stop = stop;
    std::string problem;
    for (uint64_t i = m_turn; i < m_ranges.count && problem.empty() && !stopped(); i += m_step) problem = read_range(i);
    const std::unique_lock lock(m_mutex);
    m_problem = std::move(problem);
    m_ended = true;
    m_changed.notify_all();
  }

  // What went wrong; empty where nothing did.
  std::string read_range(uint64_t range) {
    sqlite3_reset(m_statement);
    if (m_ranges.bounded()) {
      sqlite3_bind_int64(m_statement, 1, m_ranges.begin(range));
      sqlite3_bind_int64(m_statement, 2, m_ranges.end(range));
    }
    const int code = sqlite3_step(m_statement);
    const bool whole = code == SQLITE_ROW || code == SQLITE_DONE;
    if (m_at ? whole || m_at != m_block->values.data() : whole && next_slot(0)) hand_over(whole);
    if (m_too_many) return kTooManyRows;
    if (m_no_memory) return "out of memory";
    return whole ? "" : sqlite3_errmsg(m_handle);
  }

  bool stopped() const { return m_stop.stop_requested() || (m_cancel && m_cancel->load()); }

  static void take_row(sqlite3_context* context, int count, sqlite3_value** values) {
    if (!static_cast<Reader*>(sqlite3_user_data(context))->take(count, values)) sqlite3_result_error(context, "stopped", -1);
  }
  static void end_rows(sqlite3_context*) {}

  bool take(int count, sqlite3_value** values) {
    if (!m_at && !next_slot(count)) return false;
    // The smallest row takes two bytes.
    if (m_too_many = ++m_rows > m_most_rows; m_too_many) return false;
    int64_t kinds = 0;
    for (int i = 0; i < count; ++i) {
      const int type = sqlite3_value_type(values[i]);
      int64_t value = 0;
      if (type == SQLITE_INTEGER) kinds |= int64_t{1} << (i + 32), value = sqlite3_value_int64(values[i]);
      else if (type == SQLITE_NULL) kinds |= int64_t{1} << i;
      else value = other_value(values[i], int64_t{1} << (i + 32), kinds);
      *m_at++ = value;
    }
    *m_at++ = kinds;
    if (m_at < m_end) return true;
    hand_over(false);
    return !stopped();
  }

  static int64_t other_value(sqlite3_value* from, int64_t whole, int64_t& kinds) {
    const int type = sqlite3_value_numeric_type(from);
    if (type == SQLITE_INTEGER || (type == SQLITE_FLOAT && is_whole(sqlite3_value_double(from)))) kinds |= whole;
    return sqlite3_value_int64(from);
  }

  // Waits for room; a block's memory is taken once and used again.
  bool next_slot(int count) {
    std::unique_lock lock(m_mutex);
    if (!m_changed.wait(lock, m_stop, [&] { return m_filled - m_taken < kBlocks; })) return false;
    m_block = &m_ring[m_filled % kBlocks];
    m_block->row_values = count + 1;   // 0 columns: the end of a range without rows
    try {
      m_block->values.resize(kBlockRows * static_cast<size_t>(count + 1));
    } catch (const std::bad_alloc&) {   // which may not pass through SQLite
      m_no_memory = true;
      return false;
    }
    m_at = m_block->values.data();
    m_end = m_at + m_block->values.size();
    return true;
  }

  void hand_over(bool ends_range) {
    m_block->values.resize(static_cast<size_t>(m_at - m_block->values.data()));
    m_block->ends_range = ends_range;
    m_at = m_end = nullptr;
    const std::unique_lock lock(m_mutex);
    ++m_filled;
    m_changed.notify_all();
  }

  sqlite3* m_handle = nullptr;
  sqlite3_stmt* m_statement = nullptr;
  std::array<Block, kBlocks> m_ring;
  const std::atomic<bool>* m_cancel;
  // The thread's own:
  std::stop_token m_stop;
  const RowIdRanges m_ranges;
  const uint64_t m_turn, m_step;
  Block* m_block = nullptr;   // being filled, from m_at on
  int64_t* m_at = nullptr;
  int64_t* m_end = nullptr;
  int64_t m_rows = 0;
  const int64_t m_most_rows;
  bool m_too_many = false, m_no_memory = false;
  // Of both:
  std::mutex m_mutex;
  std::condition_variable_any m_changed;
  uint64_t m_filled = 0, m_given = 0, m_taken = 0;   // blocks
  bool m_ended = false;
  std::string m_problem;
  std::jthread m_thread;
};

SqliteColumns::SqliteColumns(SqliteFile& file, const std::string& columns, const SqliteFrom& from) : m_file(file) {
  const RowIdRanges ranges = ranges_of(file, from.table);
  std::string sql = "SELECT decodescope_take(" + columns + ") FROM " + SqliteFile::quoted(from.table) + " " + from.alias + from.join;
  if (ranges.bounded()) sql += " WHERE " + from.alias + "._rowid_ BETWEEN ?1 AND ?2" + (from.where.empty() ? "" : " AND (" + from.where + ")");
  else if (!from.where.empty()) sql += " WHERE " + from.where;
  const size_t readers = ranges.count > 1 ? kMostReaders : 1;
  for (size_t i = 0; i < readers; ++i) m_readers.push_back(std::make_unique<Reader>(file, sql, ranges, i, readers));
}

SqliteColumns::~SqliteColumns() = default;

bool SqliteColumns::next_block() {
  m_row = m_end = nullptr;
  m_row_values = 0;
  while (const Reader::Block* block = m_readers[m_turn]->next()) {
    if (block->ends_range) m_turn = (m_turn + 1) % m_readers.size();
    if (block->values.empty()) continue;
    m_row_values = block->row_values;
    m_row = block->values.data();
    m_end = m_row + block->values.size();
    return true;
  }
  if (!m_readers[m_turn]->problem().empty()) m_file.note_problem(m_readers[m_turn]->problem());
  return false;
}

}  // namespace trace

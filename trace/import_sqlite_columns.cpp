#include "trace/import_sqlite_columns.h"

#include <array>
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

bool is_whole(double value) { return value >= -0x1p53 && value <= 0x1p53 && value == static_cast<double>(static_cast<int64_t>(value)); }

}  // namespace

// The thread, and the ring of blocks between it and the caller: block i of the table lies in slot i % kBlocks.
class SqliteColumns::Reader {
 public:
  Reader(SqliteFile& file, const std::string& columns, const std::string& from) : m_most_rows(file.bytes() / 2 + 100) {
    auto handle = file.connection();
    if (!handle) {
      m_problem = handle.error().what;
      m_ended = true;
      return;
    }
    m_handle = *handle;
    // DIRECTONLY: no view or index of the file may call it.
    sqlite3_create_function(m_handle, "decodescope_take", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, this, nullptr, take_row, end_rows);
    const std::string sql = "SELECT decodescope_take(" + columns + ") " + from;
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
      sqlite3_interrupt(m_handle);   // a query may search for long before it finds a row
      m_thread.join();
    }
    sqlite3_finalize(m_statement);
    sqlite3_close(m_handle);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  int row_values() const { return m_row_values; }
  const std::string& problem() const { return m_problem; }   // once next() gave nothing

  // Gives the block before back, waits for one; nullptr at the end.
  const std::vector<int64_t>* next() {
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
    const int code = sqlite3_step(m_statement);
    if (m_at && m_at != m_block->data()) hand_over();
    const std::unique_lock lock(m_mutex);
    if (m_too_many) m_problem = kTooManyRows;
    else if (m_problem.empty() && code != SQLITE_ROW && code != SQLITE_DONE) m_problem = sqlite3_errmsg(m_handle);
    m_ended = true;
    m_changed.notify_all();
  }

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
    hand_over();
    return !m_stop.stop_requested();
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
    m_row_values = count + 1;
    m_block = &m_ring[m_filled % kBlocks];
    try {
      m_block->resize(kBlockRows * static_cast<size_t>(m_row_values));
    } catch (const std::bad_alloc&) {   // which may not pass through SQLite
      m_problem = "out of memory";
      return false;
    }
    m_at = m_block->data();
    m_end = m_at + m_block->size();
    return true;
  }

  void hand_over() {
    m_block->resize(static_cast<size_t>(m_at - m_block->data()));
    m_at = m_end = nullptr;
    const std::unique_lock lock(m_mutex);
    ++m_filled;
    m_changed.notify_all();
  }

  sqlite3* m_handle = nullptr;
  sqlite3_stmt* m_statement = nullptr;
  std::array<std::vector<int64_t>, kBlocks> m_ring;
  // The thread's own:
  std::stop_token m_stop;
  std::vector<int64_t>* m_block = nullptr;   // being filled, from m_at on
  int64_t* m_at = nullptr;
  int64_t* m_end = nullptr;
  int64_t m_rows = 0;
  const int64_t m_most_rows;
  bool m_too_many = false;
  // Of both:
  std::mutex m_mutex;
  std::condition_variable_any m_changed;
  uint64_t m_filled = 0, m_given = 0, m_taken = 0;   // blocks
  int m_row_values = 0;
  bool m_ended = false;
  std::string m_problem;
  std::jthread m_thread;
};

SqliteColumns::SqliteColumns(SqliteFile& file, const std::string& columns, const std::string& from) : m_file(file), m_reader(std::make_unique<Reader>(file, columns, from)) {}

SqliteColumns::~SqliteColumns() = default;

bool SqliteColumns::next_block() {
  const std::vector<int64_t>* block = m_reader->next();
  if (!block) {
    m_row = m_end = nullptr;
    m_row_values = 0;
    if (!m_reader->problem().empty()) m_file.note_problem(m_reader->problem());
    return false;
  }
  m_row_values = m_reader->row_values();
  m_row = block->data();
  m_end = m_row + block->size();
  return true;
}

}  // namespace trace

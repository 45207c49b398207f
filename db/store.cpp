#include "db/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <cassert>
#include <cstdlib>
#include <ctime>

#include "db/rows_run.h"
#include "db/rows_trace.h"
#include "db/store_access.h"

namespace db {
namespace {

template <class F>
auto in_transaction(SQLite::Database& database, F&& f) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  if constexpr (std::is_void_v<decltype(f())>) {
    f();
    transaction.commit();
  } else {
    auto result = f();
    transaction.commit();
    return result;
  }
}

// Changes one run by a statement of its id (?1) and maybe a text (?2). `removed`: which kind of run it must be.
trace::Status update_run(SQLite::Database& database, const std::string& where, int64_t run, bool removed,
                         const char* sql, const std::string* text = nullptr) {
  return guarded(where, &database, [&] {
    in_transaction(database, [&] {
      require_run(database, run, removed, where);
      Inserter update(database, sql);
      update.integer(run);
      if (text) update.text(*text);
      update.row();
    });
  });
}

}  // namespace

const char* sqlite_version() {
  return sqlite3_libversion();
}
const char* sqlitecpp_version() {
  return SQLITECPP_VERSION;
}

std::string default_store_path() {
  const char* data = std::getenv("XDG_DATA_HOME");
  // Relative paths there are to be ignored, says the XDG specification.
  if (data && data[0] == '/') return std::string(data) + "/decodescope/runs.db";
  const char* home = std::getenv("HOME");
  return std::string(home ? home : ".") + "/.local/share/decodescope/runs.db";
}

Store::Store(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

const std::string& Store::path() const { return m_impl->path; }

trace::Result<Store> StoreAccess::open(const std::string& path, Mode mode, const OpenOptions& options) {
  return guarded(path, nullptr, [&] {
    auto impl = std::make_unique<Store::Impl>();
    impl->path = path;
    impl->mode = mode;
    impl->database = mode == Mode::read_only ? open_read_only(path, options) : open_read_write(path, options);
    return Store(std::move(impl));
  });
}

trace::Result<Store> Store::open(const std::string& path, Mode mode) { return StoreAccess::open(path, mode, {}); }

trace::Result<int64_t> Store::save(const trace::Run& run) {
  auto& database = *m_impl->database;
  return guarded(path(), &database,
                 [&] { return in_transaction(database, [&] { return insert_run(database, run, path()); }); });
}

trace::Result<int64_t> Store::save_bench(const trace::Run& run, const trace::Bench& bench) {
  auto& database = *m_impl->database;
  return guarded(path(), &database, [&] {
    return in_transaction(database, [&] {
      const int64_t id = insert_run(database, run, path());
      insert_bench(database, id, bench);
      return id;
    });
  });
}

trace::Result<std::optional<trace::Bench>> Store::bench(int64_t run) {
  auto& database = *m_impl->database;
  return guarded(path(), &database, [&] {
    SQLite::Transaction snapshot(database);
    require_run(database, run, false, path());
    return read_bench(database, run);
  });
}

trace::Result<std::map<int64_t, std::string>> Store::benches() {
  return guarded(path(), m_impl->database.get(), [&] { return list_benches(*m_impl->database); });
}

trace::Result<SavedAb> Store::save_ab(const trace::AbResult& result) {
  assert(result.a && result.b && "an A/B has two runs");
  auto& database = *m_impl->database;
  return guarded(path(), &database, [&] {
    return in_transaction(database, [&] {
      SavedAb saved;
      saved.a = insert_run(database, *result.a, path());
      saved.b = insert_run(database, *result.b, path());
      saved.ab = insert_ab(database, result, saved.a, saved.b);
      return saved;
    });
  });
}

trace::Status Store::update_ab(int64_t ab, const trace::AbResult& result) {
  auto& database = *m_impl->database;
  return guarded(path(), &database, [&] {
    in_transaction(database, [&] {
      read_ab(database, ab, path());   // says so when there is none
      replace_ab(database, ab, result);
    });
  });
}

trace::Result<std::vector<trace::Run>> Store::list(const RunFilter& filter) {
  return guarded(path(), m_impl->database.get(), [&] { return list_runs(*m_impl->database, filter); });
}

trace::Result<trace::Run> Store::load(int64_t run) {
  auto& database = *m_impl->database;
  return guarded(path(), &database, [&] {
    // One view of the file, though another process may write between two queries.
    SQLite::Transaction snapshot(database);
    return load_run(database, run, path());
  });
}

trace::Result<trace::AbResult> Store::load_ab(int64_t run) {
  auto& database = *m_impl->database;
  return guarded(path(), &database, [&] {
    SQLite::Transaction snapshot(database);
    require_run(database, run, false, path());
    const AbLink link = ab_of_run(database, run);
    if (link.ab == 0) throw Refusal(trace::Error{"run " + std::to_string(run) + " is not an arm of an A/B", path()});
    trace::AbResult result = read_ab(database, link.ab, path());
    result.a = std::make_shared<const trace::Run>(load_run(database, link.a, path()));
    result.b = std::make_shared<const trace::Run>(load_run(database, link.b, path()));
    return result;
  });
}

trace::Status Store::remove(int64_t run) {
  const std::string now = utc_now();
  return update_run(*m_impl->database, path(), run, false, "UPDATE run SET removed_at = ?2 WHERE id = ?1", &now);
}

trace::Status Store::undo_remove(int64_t run) {
  return update_run(*m_impl->database, path(), run, true, "UPDATE run SET removed_at = NULL WHERE id = ?1");
}

trace::Result<int64_t> Store::purge(std::chrono::seconds age) {
  auto& database = *m_impl->database;
  return guarded(path(), &database, [&] {
    const int64_t purged = in_transaction(database, [&] {
      // Both sides by strftime: removed_at is a text of that very form.
      SQLite::Statement purge(database,
                              "DELETE FROM run WHERE removed_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now', ?)");
      purge.bind(1, "-" + std::to_string(age.count()) + " seconds");
      return int64_t{purge.exec()};
    });
    if (purged > 0) database.exec("PRAGMA incremental_vacuum");   // the space goes back to the disk
    return purged;
  });
}

trace::Status Store::set_name(int64_t run, const std::string& name) {
  return update_run(*m_impl->database, path(), run, false, "UPDATE run SET name = ?2 WHERE id = ?1", &name);
}

trace::Status Store::set_note(int64_t run, const std::string& note) {
  return update_run(*m_impl->database, path(), run, false, "UPDATE run SET note = ?2 WHERE id = ?1", &note);
}

trace::Status Store::set_tags(int64_t run, const std::string& text) {
  const std::string tags = clean_tags(text);
  return update_run(*m_impl->database, path(), run, false, "UPDATE run SET tags = ?2 WHERE id = ?1", &tags);
}

trace::Status Store::set_starred(int64_t run, bool starred) {
  const char* sql = starred ? "UPDATE run SET starred = 1 WHERE id = ?1" : "UPDATE run SET starred = 0 WHERE id = ?1";
  return update_run(*m_impl->database, path(), run, false, sql);
}

trace::Status Store::attach(int64_t run, const std::string& key, const std::string& value) {
  auto& database = *m_impl->database;
  return guarded(path(), &database, [&] {
    in_transaction(database, [&] {
      require_run(database, run, false, path());
      write_attachment(database, run, key, value);
    });
  });
}

trace::Result<std::string> Store::attachment(int64_t run, const std::string& key) {
  auto& database = *m_impl->database;
  return guarded(path(), &database, [&] {
    require_run(database, run, false, path());
    const auto all = read_attachments(database, run);
    const auto found = all.find(key);
    return found == all.end() ? std::string() : found->second;
  });
}

}  // namespace db

#include "db/bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "db/bundle_file.h"
#include "db/rows_run.h"
#include "db/rows_trace.h"
#include "db/store_access.h"

namespace db {
namespace fs = std::filesystem;
namespace {

// ---- writing

// A file that takes the place of another when it is complete, and leaves nothing behind when it never is.
class PartFile {
 public:
  explicit PartFile(const std::string& target)
      : m_target(target), m_part(target + ".part-" + std::to_string(::getpid())) {
    discard();   // of an earlier process with this number
  }
  ~PartFile() { discard(); }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const std::string& path() const { return m_part; }
  void publish() {
    sync(m_part);
    if (::rename(m_part.c_str(), m_target.c_str()) != 0) fail("can't be put in place");
    const fs::path folder = fs::absolute(m_target).parent_path();
    sync(folder.string());
  }

 private:
  void discard() {
    ::unlink(m_part.c_str());
    ::unlink((m_part + "-journal").c_str());
  }
  void sync(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) fail("can't be written to disk");
    const int failed = ::fsync(file);
    const int error = errno;
    ::close(file);
    errno = error;
    // Some file systems can't sync a folder, and say so with EINVAL.
    if (failed && error != EINVAL) fail("can't be written to disk");
  }
  [[noreturn]] void fail(const char* what) {
    throw Refusal(trace::Error{std::string(what) + ": " + std::strerror(errno), m_target});
  }

  std::string m_target, m_part;
};

void check_target(const Store& store, const std::string& path) {
  std::error_code error;
  const fs::path folder = fs::absolute(path, error).parent_path();
  if (path.empty()) throw Refusal(trace::Error{"no file name given for the bundle", "--to"});
  if (fs::is_directory(path, error)) throw Refusal(trace::Error{"is a folder", path});
  if (!fs::is_directory(folder, error)) throw Refusal(trace::Error{"no such folder", folder.string()});
  if (fs::equivalent(path, store.path(), error)) throw Refusal(trace::Error{"is the store itself", path});
}

void fill_bundle(Store& store, const std::vector<int64_t>& runs, const std::string& file, const BundleOptions& options) {
  auto bundle = create_bundle(file, {});
  SQLite::Transaction transaction(*bundle);
  trace::Scrubber* scrubber = options.scrubber;
  const auto clean = [scrubber](const std::string& text) { return scrubber ? scrubber->text(text) : text; };
  std::map<int64_t, int64_t> new_ids;
  const SQLite::Database& source = StoreAccess::database(store);
  for (const int64_t id : runs) {
    if (new_ids.contains(id)) continue;
    const trace::Run run = value_or_throw(store.load(id));
    const int64_t new_id = new_ids[id] = insert_run(*bundle, scrubber ? scrubber->run(run) : run, store.path());
    if (const auto bench = read_bench(source, id)) insert_bench(*bundle, new_id, *bench);
    for (const auto& [key, value] : read_attachments(source, id)) write_attachment(*bundle, new_id, key, clean(value));
    if (!options.view.empty()) write_attachment(*bundle, new_id, "view", clean(options.view));
  }
  for (const auto& [id, new_id] : new_ids) {
    const AbLink link = ab_of_run(source, id);
    if (!link.ab || link.a != id || !new_ids.contains(link.b)) continue;
    trace::AbResult ab = read_ab(source, link.ab, store.path());
    for (std::string& note : ab.notes) note = clean(note);
    if (scrubber) ab.spec = scrubber->ab(std::move(ab.spec));
    insert_ab(*bundle, ab, new_id, new_ids.at(link.b));
  }
  transaction.commit();
}

// ---- reading

// The run of the store that is the same measurement, removed or not; 0 = none.
int64_t find_same(SQLite::Database& database, const trace::Run& run, const std::string& where) {
  std::vector<int64_t> candidates;
  Query query(database, "SELECT id FROM run WHERE content_hash = ? ORDER BY id", content_hash(run));
  while (query.next()) candidates.push_back(query.integer());
  const auto among = [&](bool scrubbed) -> int64_t {
    for (const int64_t id : candidates) {
      trace::Run stored = read_any_run(database, id, where);
      stored.trace = read_trace(database, id);
      if (same_content(scrubbed ? trace::Scrubber().run(stored) : stored, run)) return id;
    }
    return 0;
  };
  if (const int64_t same = among(false); same != 0 || !run.host.empty()) return same;
  // Scrubbed on its way: the run that becomes this one when it is scrubbed too.
  candidates.clear();
  Query alike(database, "SELECT id FROM run WHERE created = ? AND host <> '' ORDER BY id LIMIT 20");
  alike.bind(1, run.created);
  while (alike.next()) candidates.push_back(alike.integer());
  return among(true);
}

ImportedRun import_run(SQLite::Database& database, const trace::Run& run, const std::map<std::string, std::string>& attachments,
                       const std::optional<trace::Bench>& bench, const std::string& where) {
  ImportedRun imported{.name = run.name};
  imported.id = find_same(database, run, where);
  imported.existed = imported.id != 0;
  if (imported.existed) {
    SQLite::Statement restore(database, "UPDATE run SET removed_at = NULL WHERE id = ? AND removed_at IS NOT NULL");
    restore.bind(1, imported.id);
    imported.restored = restore.exec() > 0;
  } else {
    imported.id = insert_run(database, run, where);
    if (bench) insert_bench(database, imported.id, *bench);
    for (const auto& [key, value] : attachments) write_attachment(database, imported.id, key, value);
  }
  return imported;
}

BundleImport import_all(const BundleFile& bundle, SQLite::Database& database, const std::string& path,
                        const std::string& store_path) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  BundleImport result;
  std::map<int64_t, int64_t> new_ids;
  const auto ids = guarded(path, nullptr, [&] { return bundle.run_ids(); });
  for (const int64_t id : value_or_throw(ids)) {
    const auto run = guarded(path, nullptr, [&] { return load_run(bundle.database(), id, path); });
    const auto attachments = guarded(path, nullptr, [&] { return read_attachments(bundle.database(), id); });
    const auto bench = guarded(path, nullptr, [&] { return read_bench(bundle.database(), id); });
    result.runs.push_back(import_run(database, value_or_throw(run), value_or_throw(attachments), value_or_throw(bench), store_path));
    new_ids[id] = result.runs.back().id;
  }
  const auto links = guarded(path, nullptr, [&] { return list_ab(bundle.database()); });
  for (const AbLink& link : value_or_throw(links)) {
    if (!new_ids.contains(link.a) || !new_ids.contains(link.b)) continue;
    const int64_t a = new_ids.at(link.a), b = new_ids.at(link.b);
    if (a == b || ab_of_run(database, a).ab || ab_of_run(database, b).ab) continue;   // there already
    const auto record = guarded(path, nullptr, [&] { return read_ab(bundle.database(), link.ab, path); });
    insert_ab(database, value_or_throw(record), a, b);
    ++result.abs;
  }
  transaction.commit();
  return result;
}

}  // namespace

bool is_bundle(const std::string& path) { return has_our_header(path); }

trace::Status export_bundle(Store& store, const std::vector<int64_t>& runs, const std::string& path, const BundleOptions& options) {
  return guarded(path, nullptr, [&] {
    if (runs.empty()) throw Refusal(trace::Error{"no runs given to export", path});
    check_target(store, path);
    PartFile part(path);
    fill_bundle(store, runs, part.path(), options);
    if (fs::file_size(part.path()) > static_cast<uintmax_t>(kMaxBundleBytes))
      throw Refusal(trace::Error{"these runs are more than one bundle can hold (4 GiB)", path});
    part.publish();
  });
}

trace::Result<BundleImport> import_bundle(const std::string& path, Store& store) {
  if (StoreAccess::mode(store) == Mode::read_only) return trace::Error{"the store is open read-only", store.path()};
  // What goes wrong is said of the file in which it went wrong.
  auto bundle = guarded(path, nullptr, [&] { return std::make_unique<BundleFile>(path); });
  if (!bundle) return bundle.error();
  SQLite::Database& database = StoreAccess::database(store);
  return guarded(store.path(), &database, [&] { return import_all(**bundle, database, path, store.path()); });
}

trace::Result<std::vector<trace::Run>> read_bundle(const std::string& path) {
  return guarded(path, nullptr, [&] {
    const BundleFile bundle(path);
    std::vector<trace::Run> runs;
    for (const int64_t id : bundle.run_ids()) {
      runs.push_back(load_run(bundle.database(), id, path));
      runs.back().id = 0;
    }
    return runs;
  });
}

trace::Result<std::vector<std::string>> read_bundle_attachments(const std::string& path, const std::string& key) {
  return guarded(path, nullptr, [&] {
    const BundleFile bundle(path);
    std::vector<std::string> out;
    for (const int64_t id : bundle.run_ids()) {
      const auto all = read_attachments(bundle.database(), id);
      const auto found = all.find(key);
      out.push_back(found == all.end() ? std::string() : found->second);
    }
    return out;
  });
}

}  // namespace db

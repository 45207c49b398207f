// The store: every run on disk, in one SQLite file (schema.h says how). Runs are values: what is loaded equals what
// was saved. One transaction a change, with a write-ahead log: a crash loses at most the run being written, and other
// processes read on meanwhile. Saving waits up to five seconds for another writer.
//
// Errors: one clear line (not a database, another program's, a newer schema, locked, disk full, read-only, no such
// run ...); whatever fails has changed nothing.
// Thread rule: one thread at a time. Threads and processes each open their own Store on the same file.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trace/ab.h"
#include "trace/bench.h"
#include "trace/result.h"
#include "trace/run.h"

namespace db {

enum class Mode { read_write, read_only };

// $XDG_DATA_HOME/decodescope/runs.db, or ~/.local/share/decodescope/runs.db.
std::string default_store_path();

// Of the libraries underneath, for people who ask what this is made of.
const char* sqlite_version();
const char* sqlitecpp_version();

// Which runs to list. Everything that is set must hold.
struct RunFilter {
  std::string text;                // each word occurs in name, note, tags, device, backend, host or model
  std::vector<std::string> tags;   // carries all of them
  std::vector<std::pair<std::string, std::string>> toggles;   // switch and value, as in a ToggleSet
  std::optional<trace::Origin> origin;
  bool starred = false;
  bool removed = false;            // the removed ones instead of those there are
  int limit = 0;                   // newest first; 0 = all
};

struct SavedAb {
  int64_t ab = 0, a = 0, b = 0;    // ids of the A/B and of its two runs
};

class Store {
 public:
  // read_write creates file and folder and migrates an older schema forward.
  static trace::Result<Store> open(const std::string& path, Mode = Mode::read_write);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  const std::string& path() const;

  // A new run with a new id, whatever id, ab_id and ab_arm say. An empty `created` becomes now.
  // error: a trace that breaks a promise of trace.h; nothing is stored.
  trace::Result<int64_t> save(const trace::Run&);
  // A bench: its run, which has no trace, and what it found.
  trace::Result<int64_t> save_bench(const trace::Run&, const trace::Bench&);
  // Both runs and the record that links them, in one transaction. REQUIRES: a and b are set.
  trace::Result<SavedAb> save_ab(const trace::AbResult&);
  // Replaces the record (spec, instances, estimate ...) of a stored A/B that was resumed; its runs stay as they are.
  trace::Status update_ab(int64_t ab, const trace::AbResult&);

  // Newest first, without traces and without step_us (`step` has their median).
  trace::Result<std::vector<trace::Run>> list(const RunFilter& = {});
  trace::Result<trace::Run> load(int64_t run);
  // What the bench found that this run is; none of other runs.
  trace::Result<std::optional<trace::Bench>> bench(int64_t run);
  // "kernels" or "step", by run, of all that are benches.
  trace::Result<std::map<int64_t, std::string>> benches();
  // The A/B that this run is an arm of, with both runs and their traces.
  trace::Result<trace::AbResult> load_ab(int64_t run);

  // Hides the run; undo_remove() brings it back until purge(). Its A/B can't be loaded meanwhile.
  trace::Status remove(int64_t run);
  trace::Status undo_remove(int64_t run);
  // Deletes for good what was removed at least this long ago. An A/B goes with either of its runs.
  // Result: how many runs.
  trace::Result<int64_t> purge(std::chrono::seconds age);

  trace::Status set_name(int64_t run, const std::string&);
  trace::Status set_note(int64_t run, const std::string&);
  // Words separated by spaces or commas; kept in this order, each once.
  trace::Status set_tags(int64_t run, const std::string&);
  trace::Status set_starred(int64_t run, bool);
  // Texts laid beside a run, by key: "serving", "view". An empty value takes one away; none reads as "".
  trace::Status attach(int64_t run, const std::string& key, const std::string& value);
  trace::Result<std::string> attachment(int64_t run, const std::string& key);

 private:
  friend struct StoreAccess;   // bundle.cpp and tests of migrations
  struct Impl;
  explicit Store(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> m_impl;
};

}  // namespace db

// What the window needs of engine and store, and nothing more. The window codes against these;
// engine_local.cpp and store_local.cpp implement them, tests bring their own.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "trace/ab.h"
#include "trace/messages.h"
#include "trace/result.h"
#include "trace/run.h"

namespace app {

enum class LinkPhase : uint8_t { up, connecting, down };
struct LinkState {
  LinkPhase phase = LinkPhase::up;
  std::string text;              // "connecting to mi355x-01", or why there is no link
  int64_t receiving_bytes = 0, coming_bytes = 0;   // of a long message on its way: what is there, and the whole; 0 = none
};

// Requests out, replies in; both return at once. Main thread only.
class EngineLink {
 public:
  virtual ~EngineLink() = default;
  virtual void post(trace::Request request) = 0;
  virtual std::vector<trace::Reply> poll() = 0;
  virtual LinkState state() const { return {}; }
};

struct StoreListing {
  std::string path;
  int64_t bytes = 0;
  std::vector<trace::Run> runs;  // without traces, newest first
};

// The run store. Every call may touch the disk: the worker thread calls them, one at a time.
class StoreLink {
 public:
  virtual ~StoreLink() = default;
  virtual trace::Result<StoreListing> list() = 0;
  virtual trace::Result<trace::RunPtr> load(int64_t id) = 0;
  virtual trace::Result<int64_t> save(const trace::Run&) = 0;
  // Ids of arms a and b, stored as two linked runs.
  virtual trace::Result<std::pair<int64_t, int64_t>> save_ab(const trace::AbResult&) = 0;
  // The A/B that this run is an arm of.
  virtual trace::Result<trace::AbResult> load_ab(int64_t run) = 0;
  virtual trace::Status remove(const std::vector<int64_t>& ids) = 0;
  virtual trace::Status undo_remove() = 0;
  virtual trace::Status set_note(int64_t id, const std::string&) = 0;
  virtual trace::Status set_tags(int64_t id, const std::string&) = 0;
  virtual trace::Status set_star(int64_t id, bool) = 0;
  // Without names of people and machines; how many such words went is said. `view`: how the window shows the runs.
  virtual trace::Result<int64_t> export_bundle(const std::vector<int64_t>& ids, const std::string& path, const std::string& view) = 0;
  virtual trace::Result<std::string> view_of(int64_t id) = 0;   // "" = none
  virtual trace::Result<std::vector<int64_t>> import_bundle(const std::string& path) = 0;
};

std::unique_ptr<EngineLink> local_engine();
// A store that can't be opened answers every call with why.
std::unique_ptr<StoreLink> local_store(const std::string& path);

}  // namespace app

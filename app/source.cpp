#include "app/source.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "app/rules.h"
#include "app/store_access.h"
#include "db/bundle.h"
#include "trace/bubbles.h"

namespace app {

namespace fs = std::filesystem;

namespace {

// What the classifier adds to the importer's report.
void add_caveats(const trace::Trace& t, trace::ImportReport& report) {
  const auto devices = trace::active_devices(t);
  if (devices.empty()) return;
  const auto bubbles = trace::classify(t, trace::whole(t, devices.front()));
  report.caveats.insert(report.caveats.end(), bubbles.caveats.begin(), bubbles.caveats.end());
}

std::string device_name(const trace::Trace& t) {
  const auto devices = trace::active_devices(t);
  if (devices.empty()) return "no GPU activity";
  const auto& device = t.devices[devices.front()];
  return device.name.empty() ? "device " + device.id : device.name;
}

}  // namespace

trace::Result<trace::Imported> import_by_own_rules(const std::string& path, trace::ImportOptions options) {
  const auto& own = own_rules();
  if (!own) return own.error();
  options.rules = own->rules;
  auto imported = trace::import_file(path, options);
  if (imported && own->rules) imported->report.caveats.push_back("kernels are named by the rules of " + own->path + " before the built-in ones");
  return imported;
}

trace::ImportOptions import_progress(ProgressLine& line) {
  // Ctrl+C ends the reading and not the process, so that what was unpacked for it is taken away.
  static std::atomic<bool> cancel{false};
  install_interrupt();
  trace::ImportOptions options;
  options.cancel = &cancel;
  options.progress = [&line](int64_t done, int64_t total) {
    if (interrupted()) cancel = true;
    // Files that are read in an instant need no progress.
    if (done > (64 << 20)) line.show("reading", total > 0 ? static_cast<double>(done) / static_cast<double>(total) : -1);
  };
  return options;
}

trace::Result<std::vector<trace::Run>> runs_from_file(const std::string& path, const trace::ImportOptions& options) {
  if (db::is_bundle(path)) return db::read_bundle(path);
  auto imported = import_by_own_rules(path, options);
  if (!imported) return imported.error();
  trace::Run run;
  run.name = fs::path(path).filename().string();
  run.created = now_utc();
  run.origin = trace::Origin::imported;
  run.program = program_name();
  run.host = host_name();
  run.standing = "imported, not measured here";
  run.trace = imported->trace;
  run.device = device_name(*run.trace);
  add_caveats(*run.trace, imported->report);
  run.report = std::move(imported->report);
  std::vector<trace::Run> runs;
  runs.push_back(std::move(run));
  return runs;
}

trace::Result<trace::Run> run_from(const std::string& file_or_id, const std::string& db, const trace::ImportOptions& options) {
  std::error_code ignored;
  if (fs::exists(file_or_id, ignored)) {
    auto runs = runs_from_file(file_or_id, options);
    if (!runs) return runs.error();
    if (runs->size() != 1) {
      return trace::Error{"this bundle holds " + std::to_string(runs->size()) + " runs, import it and name one by its id", file_or_id};
    }
    return std::move(runs->front());
  }
  auto id = run_id(file_or_id);
  if (!id) return trace::Error{"no such file, and not a run id", file_or_id};
  auto store = open_store(db);
  if (!store) return store.error();
  return store->load(*id);
}

trace::Result<int64_t> run_id(const std::string& text) {
  int64_t id = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || id <= 0) {
    return trace::Error{"a run id is a positive number", text};
  }
  return id;
}

}  // namespace app

// import: traces and bundles into the store.
#include <CLI/CLI.hpp>

#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/source.h"
#include "app/store_access.h"
#include "app/views.h"
#include "db/bundle.h"

namespace app {

using nlohmann::json;

namespace {

struct ImportArgs {
  CommonArgs common;
  std::vector<std::string> files;
  std::string name, note, tags;   // of the one run a single file gives
};

struct ImportTotals {
  json ids = json::array(), reports = json::array();
  bool bad = false;
};

void import_one(const std::string& path, db::Store& store, const trace::ImportOptions& options, const ImportArgs& args, ImportTotals& totals) {
  const bool json_wanted = args.common.json;
  const auto fail = [&](const trace::Error& error) {
    totals.bad = true;
    refuse(error);
  };
  const auto said = [&](int64_t id, const trace::Run& run) {
    totals.ids.push_back(id);
    if (!json_wanted) fmt::print("run {}  {}\n", id, run.name);
  };
  if (db::is_bundle(path)) {
    auto imported = db::import_bundle(path, store);
    if (!imported) return fail(imported.error());
    size_t existed = 0;
    for (const auto& run : imported->runs) {
      existed += run.existed ? 1 : 0;
      totals.ids.push_back(run.id);
      if (json_wanted) continue;
      fmt::print("run {}  {}{}\n", run.id, run.name, run.restored ? "  (was removed here, and is back)" : run.existed ? "  (the same run was already here)" : "");
    }
    totals.reports.push_back({{"file", path}, {"format", "decodescope bundle"}, {"runs", imported->runs.size()}, {"already_there", existed}});
    return;
  }
  auto runs = runs_from_file(path, options);
  if (!runs) return fail(runs.error());
  for (auto& run : *runs) {
    if (!args.name.empty()) run.name = args.name;
    run.note = args.note;
    run.tags = args.tags;
    auto id = store.save(run);
    if (!id) return fail(id.error());
    said(*id, run);
    const auto& report = *run.report;
    totals.reports.push_back(report_json(report));
    if (json_wanted) continue;
    fmt::print("       {}: {} records, {} used; {}{}{}\n", report.format, report.read, report.used, report.collector,
               report.version.empty() ? "" : " (" + report.version + ")", report.window_rule.empty() ? "" : "; " + report.window_rule);
    for (const auto& [reason, count] : report.skipped) fmt::print("       left out {:>9}  {}\n", count, reason);
    for (const auto& warning : report.warnings) fmt::print("       warning: {}\n", warning);
    for (const auto& caveat : report.caveats) fmt::print("       note: {}\n", caveat);
  }
}

int run_import(const ImportArgs& args) {
  if (args.files.size() > 1 && !(args.name.empty() && args.note.empty())) {
    return refuse({"a name or note belongs to one file", "--name, --note with " + std::to_string(args.files.size()) + " files"});
  }
  install_interrupt();
  auto store = open_store(args.common.db);
  if (!store) return refuse(store.error());
  ImportTotals totals;
  ProgressLine line;
  std::atomic<bool> cancel{false};
  trace::ImportOptions options;
  options.cancel = &cancel;
  for (const auto& path : args.files) {
    options.progress = [&](int64_t done, int64_t total) {
      if (interrupted()) cancel = true;
      if (done > (64 << 20)) line.show("reading " + path, total > 0 ? static_cast<double>(done) / static_cast<double>(total) : -1);
    };
    import_one(path, *store, options, args, totals);
    line.clear();
    if (interrupted()) break;
  }
  if (args.common.json) print_json({{"runs", totals.ids}, {"report", totals.reports}});
  return interrupted() ? kFailed : totals.bad ? kRefusedExit : kDone;
}

}  // namespace

void add_import(CLI::App& cli, Context& context) {
  auto in = std::make_shared<ImportArgs>();
  auto* import = cli.add_subcommand("import", "Store traces and bundles as runs; the good ones are kept when one is bad (exit code 2).");
  import->footer("Example: decodescope import trace.json.gz colleague.decodescope --json");
  import->add_option("files", in->files, "Kineto/Chrome JSON, rocprofv3 JSON, CSV or rocpd, RPD, Nsight Systems SQLite (plain, gzip, zstd), .decodescope bundles")->required()->type_name("FILE");
  import->add_option("--name", in->name, "name of the run (default: the file's)")->type_name("T");
  import->add_option("--note", in->note, "note of the run")->type_name("T");
  import->add_option("--tags", in->tags, "tags of the runs, separated by commas")->type_name("T");
  add_common(*import, in->common);
  import->callback([&context, in] { context.run = [in] { return run_import(*in); }; });
}

}  // namespace app

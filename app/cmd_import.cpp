// import: traces and bundles into the store.
#include <CLI/CLI.hpp>

#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/import_ranks.h"
#include "app/output.h"
#include "app/rules.h"
#include "app/source.h"
#include "app/store_access.h"
#include "app/views.h"
#include "db/bundle.h"
#include "trace/decimal_time.h"

namespace app {

using nlohmann::json;

namespace {

struct ImportArgs {
  CommonArgs common;
  std::vector<std::string> files;
  std::string name, note, tags;   // of the one run a single file gives
  std::string from, to, device, most, memory;
  bool ranks = false;
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

// All files as one run.
void import_job(db::Store& store, const trace::ImportOptions& options, const ImportArgs& args, ImportTotals& totals) {
  const auto fail = [&](const trace::Error& error) {
    totals.bad = true;
    refuse(error);
  };
  auto job = import_ranks(args.files, options);
  if (!job) return fail(job.error());
  if (!args.name.empty()) job->run.name = args.name;
  job->run.note = args.note;
  job->run.tags = args.tags;
  auto id = store.save(job->run);
  if (!id) return fail(id.error());
  totals.ids.push_back(*id);
  json report = report_json(*job->run.report);
  report.update(ranks_json(job->ranks));
  totals.reports.push_back(std::move(report));
  if (args.common.json) return;
  fmt::print("run {}  {}\n", *id, job->run.name);
  for (const auto& warning : job->run.report->warnings) fmt::print("       warning: {}\n", warning);
  for (const auto& caveat : job->run.report->caveats) fmt::print("       {}\n", caveat);
}

// "1.5s", "250ms", "30us", "1000ns": exact to the nanosecond.
trace::Result<int64_t> parse_time(const std::string& text, const char* option) {
  const size_t unit = text.find_first_not_of("0123456789.-");
  const trace::Error bad{"a time is a number with its unit, s, ms, us or ns", std::string(option) + " " + text};
  if (unit == std::string::npos || unit == 0) return bad;
  const std::string word = text.substr(unit);
  const auto us = trace::microseconds_to_ns(text.substr(0, unit));
  if (!us) return bad;
  const auto scaled = [&](int64_t by, int64_t divided) -> trace::Result<int64_t> {
    int64_t ns = 0;
    if (__builtin_mul_overflow(*us, by, &ns)) return bad;
    return ns / divided;
  };
  if (word == "s") return scaled(1'000'000, 1);
  if (word == "ms") return scaled(1'000, 1);
  if (word == "us") return scaled(1, 1);
  if (word == "ns") return scaled(1, 1'000);
  return bad;
}

// "512MiB", "4GiB".
trace::Result<int64_t> parse_bytes(const std::string& text, const char* option) {
  const size_t unit = text.find_first_not_of("0123456789");
  const auto number = trace::parse_integer(text.substr(0, unit));
  const std::string word = unit == std::string::npos ? "" : text.substr(unit);
  const int shift = word == "KiB" ? 10 : word == "MiB" ? 20 : word == "GiB" ? 30 : word.empty() ? 0 : -1;
  if (!number || *number <= 0 || shift < 0 || *number > (INT64_MAX >> shift)) return trace::Error{"a size is a whole number of KiB, MiB or GiB", std::string(option) + " " + text};
  return *number << shift;
}

trace::Result<trace::ImportOptions> import_options(const ImportArgs& args) {
  trace::ImportOptions options;
  options.device = args.device;
  for (const auto& [text, option, into] : {std::tuple{&args.from, "--from", &options.from_ns}, {&args.to, "--to", &options.to_ns}}) {
    if (text->empty()) continue;
    auto ns = parse_time(*text, option);
    if (!ns) return ns.error();
    *into = *ns;
  }
  if (options.from_ns.value_or(0) >= options.to_ns.value_or(INT64_MAX)) return trace::Error{"the stretch of time is empty", "--from " + args.from + " --to " + args.to};
  for (const auto& [text, option, into] : {std::tuple{&args.most, "--max-size", &options.max_bytes}, {&args.memory, "--max-memory", &options.max_memory_bytes}}) {
    if (text->empty()) continue;
    auto bytes = parse_bytes(*text, option);
    if (!bytes) return bytes.error();
    *into = *bytes;
  }
  return options;
}

int run_import(const ImportArgs& args) {
  if (args.files.size() > 1 && !args.ranks && !(args.name.empty() && args.note.empty())) {
    return refuse({"a name or note belongs to one file", "--name, --note with " + std::to_string(args.files.size()) + " files"});
  }
  auto options = import_options(args);
  if (!options) return refuse(options.error());
  install_interrupt();
  auto store = open_store(args.common.db);
  if (!store) return refuse(store.error());
  ImportTotals totals;
  ProgressLine line;
  std::atomic<bool> cancel{false};
  options->cancel = &cancel;
  if (args.ranks) {
    options->progress = [&](int64_t done, int64_t) {
      if (interrupted()) cancel = true;
      if (done > (64 << 20)) line.show("reading ranks", -1);
    };
    import_job(*store, *options, args, totals);
    line.clear();
  }
  for (const auto& path : args.files) {
    if (args.ranks) break;
    options->progress = [&](int64_t done, int64_t total) {
      if (interrupted()) cancel = true;
      if (done > (64 << 20)) line.show("reading " + path, total > 0 ? static_cast<double>(done) / static_cast<double>(total) : -1);
    };
    import_one(path, *store, *options, args, totals);
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
  import->footer("Example: decodescope import trace.json.gz colleague.decodescope --json\n         decodescope import huge.json --from 2s --to 2.5s --device 0\n         decodescope import rank*.json.gz --ranks --name 'tp 8'");
  import->add_option("files", in->files, "Kineto/Chrome JSON, rocprofv3 JSON, CSV or rocpd, RPD, Nsight Systems SQLite (plain, gzip, zstd), .decodescope bundles")->required()->type_name("FILE");
  import->add_option("--name", in->name, "name of the run (default: the file's)")->type_name("T");
  import->add_option("--note", in->note, "note of the run")->type_name("T");
  import->add_option("--tags", in->tags, "tags of the runs, separated by commas")->type_name("T");
  import->add_flag("--ranks", in->ranks, "the files are ranks of one job: one run on one clock, aligned on collectives; skew, transfer and the straggler are told");
  import->add_option("--from", in->from, "only what runs from here on: time after the first GPU activity, as in 1.5s, 250ms, 30us")->type_name("T");
  import->add_option("--to", in->to, "only what starts before")->type_name("T");
  import->add_option("--device", in->device, "only this device, by the id the trace gives it")->type_name("N");
  import->add_option("--max-size", in->most, "stop reading after so much decompressed input (default: 64GiB)")->type_name("N[KiB|MiB|GiB]");
  import->add_option("--max-memory", in->memory, "keep no more than about so much of it in memory (default: 16GiB)")->type_name("N[KiB|MiB|GiB]");
  add_rules(*import);
  add_common(*import, in->common);
  import->callback([&context, in] { context.run = [in] { return run_import(*in); }; });
}

}  // namespace app

// bench ui|import: how fast the program itself is. bench kernels|step: the engine against what the machine can do.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/source.h"
#include "app/store_access.h"
#include "app/views.h"
#include "engine/accounting.h"
#include "engine/bench.h"
#include "trace/bench_import.h"
#include "trace/generate_profiles.h"
#include "trace/generate_kineto.h"

namespace app {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct BenchArgs {
  CommonArgs common;
  int64_t events = 1'000'000;
  std::vector<std::string> files;
};

constexpr int64_t kMostEvents = 100'000'000;

int bench_ui(const Context& context, const BenchArgs& args) {
  if (!context.window->bench_ui) return refuse({"decodescope-record has no window to measure", "bench ui"});
  if (args.events < 1 || args.events > kMostEvents) return refuse({fmt::format("between 1 and {} events", kMostEvents), "--events"});
  const json out = context.window->bench_ui(args.events);
  if (args.common.json) print_json(out);
  else fmt::print("{}\n", out.dump(2));
  return kDone;
}

json row_json(const trace::ImportBenchRow& row) {
  return {{"file", row.file}, {"events", row.events}, {"raw_mib", static_cast<double>(row.raw_bytes) / (1 << 20)}, {"seconds", row.seconds}, {"cpu_seconds", row.cpu_seconds},
          {"events_per_cpu_s", row.cpu_seconds > 0 ? static_cast<double>(row.events) / row.cpu_seconds : 0},
          {"events_per_s", row.seconds > 0 ? static_cast<double>(row.events) / row.seconds : 0},
          {"peak_mib", static_cast<double>(row.peak_rss_bytes) / (1 << 20)}, {"simdjson_seconds", row.simdjson_seconds},
          {"of_simdjson", row.simdjson_seconds > 0 ? row.seconds / row.simdjson_seconds : 0},
          {"peak_of_raw", row.raw_bytes > 0 ? static_cast<double>(row.peak_rss_bytes) / static_cast<double>(row.raw_bytes) : 0}};
}

// A folder for the generated file that goes away whatever happens.
struct ScratchFolder {
  std::string path = (fs::temp_directory_path() / "decodescope-bench-XXXXXX").string();
  bool made = mkdtemp(path.data()) != nullptr;
  ~ScratchFolder() {
    std::error_code ignored;
    if (made) fs::remove_all(path, ignored);
  }
};

int bench_import(const BenchArgs& args) {
  if (args.events < 100 || args.events > kMostEvents) return refuse({fmt::format("between 100 and {} events", kMostEvents), "--events"});
  std::vector<std::string> files = args.files;
  ScratchFolder scratch;
  if (files.empty()) {
    if (!scratch.made) return refuse({"can't make a temporary folder", fs::temp_directory_path().string()});
    const std::string file = scratch.path + "/kineto.json";
    note("generating {} events of Kineto JSON and as many kernels of every other format", args.events);
    auto made = trace::generate_kineto_file({args.events, 1}, file);
    if (!made) return refuse(made.error());
    files.push_back(file);
    for (const trace::ProfileFormat format : trace::kProfileFormats) {
      const std::string other = scratch.path + "/" + std::string(trace::file_name(format));
      if (auto written = trace::generate_profile(format, args.events, other); !written) return refuse(written.error());
      files.push_back(other);
    }
  }
  json rows = json::array();
  Table table({"file", "events", "raw MiB", "s", "events/s", "CPU s", "of a bare simdjson pass", "peak MiB", "of raw"});
  for (const auto& file : files) {
    note("importing {}", file);
    auto row = trace::bench_import(file);
    if (!row) return refuse(row.error());
    json one = row_json(*row);
    table.row({fs::path(file).filename().string(), std::to_string(row->events), fmt::format("{:.1f}", one["raw_mib"].get<double>()), fmt::format("{:.3f}", row->seconds),
               fmt::format("{:.0f}", one["events_per_s"].get<double>()), fmt::format("{:.3f}", row->cpu_seconds), row->simdjson_seconds > 0 ? fmt::format("{:.2f}", one["of_simdjson"].get<double>()) : "-",
               fmt::format("{:.1f}", one["peak_mib"].get<double>()), fmt::format("{:.2f}", one["peak_of_raw"].get<double>())});
    rows.push_back(std::move(one));
  }
  if (args.common.json) print_json({{"files", rows}});
  else fmt::print("{}", table.text());
  return kDone;
}

struct EngineBenchArgs {
  CommonArgs common;
  EngineArgs engine;
  std::string cache = "cold";
  bool store = true;
};

int bench_engine(const EngineBenchArgs& args, bool whole_step) {
  if (args.cache != "cold" && args.cache != "warm") return refuse({"the cache state is cold or warm", "--cache " + args.cache});
  auto spec = spec_from(args.engine);
  if (!spec) return refuse(spec.error());
  std::optional<db::Store> store;
  if (args.store) {  // before the work, so that a bad store loses nothing
    auto opened = open_store(args.common.db);
    if (!opened) return refuse(opened.error());
    store = std::move(*opened);
  }
  ProgressLine line;
  install_interrupt();
  engine::BenchOptions options;
  options.program = program_name();
  options.whole_step = whole_step;
  options.cold = args.cache == "cold";
  options.progress = [&](const std::string& what, double done) { line.show(what, done); };
  options.cancelled = [] { return interrupted(); };
  auto result = engine::bench(*spec, options);
  line.clear();
  if (!result) return refuse(result.error());
  auto& [run, bench] = *result;
  if (args.engine.name.empty()) run.name = fmt::format("bench {}, {}", bench.kind, run.spec->model.name);
  if (store) {
    auto id = store->save_bench(run, bench);
    if (!id) return refuse(id.error());
    run.id = *id;
  }
  if (args.common.json) print_json(bench_json(run, bench));
  else fmt::print("{}", bench_text(run, bench));
  if (store && !args.common.json) fmt::print("run {} in {}\n", run.id, store->path());
  return kDone;
}

void add_engine_bench(CLI::App& bench, Context& context, const char* name, const char* what) {
  auto args = std::make_shared<EngineBenchArgs>();
  const bool whole_step = std::string_view(name) == "step";
  auto* command = bench.add_subcommand(name, what);
  command->footer(fmt::format("Example: decodescope bench {} --model tiny --json\n"
                              "         decodescope bench {} --model glm-5 --layers 2 --tp 8 --batch 1 --set workers=2 --name before\n"
                              "Stored as a run: `runs` lists it, `show` prints it again, `compare` lays two side by side.", name, name));
  if (!whole_step) command->add_option("--cache", args->cache, "cold: caches are emptied before every run; warm: they are not")->capture_default_str();
  command->add_flag("--store,!--no-store", args->store, "keep it in the run store (default)");
  add_engine(*command, args->engine);
  add_common(*command, args->common);
  command->callback([&context, args, whole_step] { context.run = [args, whole_step] { return bench_engine(*args, whole_step); }; });
}

int bench_accounting(const EngineBenchArgs& args) {
  auto spec = spec_from(args.engine);
  if (!spec) return refuse(spec.error());
  ProgressLine line;
  auto report = engine::account(*spec, [&](const std::string& what, double done) { line.show(what, done); });
  line.clear();
  if (!report) return refuse(report.error());
  if (args.common.json) print_json(accounting_json(*report));
  else fmt::print("{}", accounting_text(*report));
  return kDone;
}

void add_accounting(CLI::App& bench, Context& context) {
  auto args = std::make_shared<EngineBenchArgs>();
  auto* command = bench.add_subcommand("accounting", "On a GPU: the same steps bare, with the device's own clock, under the profiler, with both: who counts dispatch where.");
  command->footer("Example: decodescope bench accounting --model tiny --set launch=eager --json");
  add_engine(*command, args->engine);
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return bench_accounting(*args); }; });
}

}  // namespace

void add_bench(CLI::App& cli, Context& context) {
  auto* command = cli.add_subcommand("bench", "How fast: ui (frames of the timeline), import (a large trace), kernels and step (the engine against this machine's ceilings).");
  command->footer("Example: decodescope bench ui --events 1000000 --json\n         decodescope bench step --model tiny --json");
  command->require_subcommand(1);
  auto ui = std::make_shared<BenchArgs>();
  auto* ui_command = command->add_subcommand("ui", "View-model and draw list of a synthetic trace at every zoom.");
  ui_command->footer("Example: decodescope bench ui --events 1000000 --json");
  ui_command->add_option("--events", ui->events, "events of the trace")->capture_default_str();
  add_common(*ui_command, ui->common);
  ui_command->callback([&context, ui] { context.run = [&context, ui] { return bench_ui(context, *ui); }; });

  auto import = std::make_shared<BenchArgs>();
  auto* import_command = command->add_subcommand("import", "Importing a generated file of every format, or those given; JSON beside a bare simdjson pass.");
  import_command->footer("Example: decodescope bench import --json");
  import_command->add_option("files", import->files, "files to import (default: generated ones)");
  import_command->add_option("--events", import->events, "records of the generated Kineto file, kernels of each other")->capture_default_str();
  add_common(*import_command, import->common);
  import_command->callback([&context, import] { context.run = [import] { return bench_import(*import); }; });

  add_engine_bench(*command, context, "kernels", "Every launch of a model's decode step by itself, against the measured ceilings of this machine.");
  add_accounting(*command, context);
  add_engine_bench(*command, context, "step", "Whole decode steps as they run live, op by op, against the measured ceilings of this machine.");
}

}  // namespace app

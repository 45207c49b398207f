// bench ui|import: how fast the program itself is. The engine's kernels and steps are not available yet.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/output.h"
#include "trace/bench_import.h"
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
  return {{"file", row.file}, {"events", row.events}, {"raw_mib", static_cast<double>(row.raw_bytes) / (1 << 20)}, {"seconds", row.seconds},
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
    const std::string file = scratch.path + "/generated.json";
    note("generating {} events of Kineto JSON", args.events);
    auto made = trace::generate_kineto_file({args.events, 1}, file);
    if (!made) return refuse(made.error());
    files.push_back(file);
  }
  json rows = json::array();
  Table table({"file", "events", "raw MiB", "s", "events/s", "of a bare simdjson pass", "peak MiB", "of raw"});
  for (const auto& file : files) {
    note("importing {}", file);
    auto row = trace::bench_import(file);
    if (!row) return refuse(row.error());
    json one = row_json(*row);
    table.row({fs::path(file).filename().string(), std::to_string(row->events), fmt::format("{:.1f}", one["raw_mib"].get<double>()), fmt::format("{:.3f}", row->seconds),
               fmt::format("{:.0f}", one["events_per_s"].get<double>()), fmt::format("{:.2f}", one["of_simdjson"].get<double>()),
               fmt::format("{:.1f}", one["peak_mib"].get<double>()), fmt::format("{:.2f}", one["peak_of_raw"].get<double>())});
    rows.push_back(std::move(one));
  }
  if (args.common.json) print_json({{"files", rows}});
  else fmt::print("{}", table.text());
  return kDone;
}

}  // namespace

void add_bench(CLI::App& cli, Context& context) {
  auto* command = cli.add_subcommand("bench", "How fast the program is: ui (frames of the timeline), import (a large trace).");
  command->footer("Example: decodescope bench ui --events 1000000 --json\n         decodescope bench import --json");
  command->require_subcommand(1);
  auto ui = std::make_shared<BenchArgs>();
  auto* ui_command = command->add_subcommand("ui", "View-model and draw list of a synthetic trace at every zoom.");
  ui_command->footer("Example: decodescope bench ui --events 1000000 --json");
  ui_command->add_option("--events", ui->events, "events of the trace")->capture_default_str();
  add_common(*ui_command, ui->common);
  ui_command->callback([&context, ui] { context.run = [&context, ui] { return bench_ui(context, *ui); }; });

  auto import = std::make_shared<BenchArgs>();
  auto* import_command = command->add_subcommand("import", "Importing a generated Kineto file, or those given, beside a bare simdjson pass.");
  import_command->footer("Example: decodescope bench import --json");
  import_command->add_option("files", import->files, "files to import (default: a generated one)");
  import_command->add_option("--events", import->events, "events of the generated file")->capture_default_str();
  add_common(*import_command, import->common);
  import_command->callback([&context, import] { context.run = [import] { return bench_import(*import); }; });

  for (const char* name : {"kernels", "step"}) {
    auto* later = command->add_subcommand(name, "Not available yet: it needs the complete engine's memory ceilings.");
    later->allow_extras();
    later->callback([&context, name] {
      context.run = [name] { return refuse({fmt::format("bench {} is not available yet: the engine has no measured ceilings to hold its ops against", name), fmt::format("bench {}", name)}); };
    });
  }
}

}  // namespace app

// export: runs as files that others can open: traces, reports, pictures, bundles.
#include <CLI/CLI.hpp>

#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/export_file.h"
#include "app/floor_args.h"
#include "app/output.h"
#include "app/rules.h"
#include "app/source.h"
#include "app/store_access.h"
#include "db/bundle.h"
#include "trace/report.h"

namespace app {

namespace {

struct ExportArgs {
  CommonArgs common;
  ScreenshotArgs shot;
  FloorArgs floor;
  std::vector<std::string> runs;
  std::string to;
  bool unscrubbed = false;
};

constexpr const char* kEndings = ".json, .json.gz, .pftrace, .html, .csv, .md, .png, .decodescope";

trace::Result<std::vector<int64_t>> run_ids(const std::vector<std::string>& texts) {
  std::vector<int64_t> ids;
  for (const auto& text : texts) {
    auto id = run_id(text);
    if (!id) return id.error();
    ids.push_back(*id);
  }
  return ids;
}

// What a bundle no longer says, for the one who sends it.
void tell_scrubbed(const std::vector<trace::ScrubbedText>& gone) {
  constexpr size_t kShown = 20;
  if (gone.empty()) fmt::print(stderr, "scrubbed: nothing, no host or user name, path, address or command line was in it\n");
  for (size_t i = 0; i < std::min(gone.size(), kShown); ++i)
    fmt::print(stderr, "scrubbed: {:<7} {}{} ({} x)\n", gone[i].kind, gone[i].was, gone[i].became.empty() ? "" : " -> " + gone[i].became, gone[i].count);
  if (gone.size() > kShown) fmt::print(stderr, "scrubbed: {} more, --json lists all\n", gone.size() - kShown);
  if (!gone.empty()) fmt::print(stderr, "scrubbed: names of kernels, times and notes stay; --no-scrub leaves everything in\n");
}

trace::Status export_bundle(const ExportArgs& args, std::vector<trace::ScrubbedText>& gone) {
  auto ids = run_ids(args.runs);
  if (!ids) return ids.error();
  auto store = open_store(args.common.db);
  if (!store) return store.error();
  trace::Scrubber scrubber;
  auto done = db::export_bundle(*store, *ids, args.to, {.scrubber = args.unscrubbed ? nullptr : &scrubber, .view = {}});
  if (!done) return done;
  gone = scrubber.gone();
  if (!args.unscrubbed) tell_scrubbed(gone);
  return done;
}

trace::Status export_trace(const ExportArgs& args) {
  if (args.runs.size() != 1) return trace::Error{"a trace file holds one run", "export of " + std::to_string(args.runs.size()) + " runs to " + args.to};
  ProgressLine line;
  auto run = run_from(args.runs.front(), args.common.db, import_progress(line));
  line.clear();
  if (!run) return run.error();
  return write_trace({std::make_shared<const trace::Run>(std::move(*run))}, args.to);
}

// The A/B whose two arms these runs are, in whichever order they were named.
std::optional<trace::AbResult> ab_of(const std::vector<trace::RunPtr>& runs, const std::string& db) {
  if (runs.size() != 2 || runs[0]->ab_id == 0 || runs[0]->ab_id != runs[1]->ab_id) return std::nullopt;
  auto store = open_store(db);
  if (!store) return std::nullopt;
  auto ab = store->load_ab(runs[0]->id);
  if (!ab) return std::nullopt;
  return std::move(*ab);
}

// The benchmark's figures that lie beside a stored run.
std::optional<trace::Serving> serving_of(const trace::Run& run, const std::string& db) {
  if (run.id == 0) return std::nullopt;
  auto store = open_store(db);
  if (!store) return std::nullopt;
  auto text = store->attachment(run.id, "serving");
  if (!text || text->empty()) return std::nullopt;
  auto serving = trace::serving_from_json(*text);
  return serving ? std::optional(std::move(*serving)) : std::nullopt;
}

trace::Status export_report(const ExportArgs& args, std::vector<trace::ScrubbedText>& gone) {
  trace::ReportInput input;
  auto floors = floor_request(args.floor);
  if (!floors) return floors.error();
  if (floors->any()) input.floors = std::move(*floors);
  for (const auto& source : args.runs) {
    ProgressLine line;
    auto run = run_from(source, args.common.db, import_progress(line));
    line.clear();
    if (!run) return run.error();
    input.runs.push_back(std::make_shared<const trace::Run>(std::move(*run)));
  }
  const auto ab = ab_of(input.runs, args.common.db);
  if (ab) {
    input.ab = &*ab;
    input.runs = {ab->a, ab->b};
  }
  for (const auto& run : input.runs) input.serving.push_back(serving_of(*run, args.common.db));
  input.program = "Decodescope " + program_name();
  input.created = now_utc();
  trace::Scrubber scrubber;
  auto done = write_report(input, args.to, args.unscrubbed ? nullptr : &scrubber);
  if (!done) return done;
  gone = scrubber.gone();
  if (!gone.empty()) tell_scrubbed(gone);
  return done;
}

int export_picture(const ExportArgs& args, const Context& context) {
  auto size = parse_size(args.shot.size);
  if (!size) return refuse(size.error());
  WindowRequest request;
  request.open = args.runs;
  request.db = args.common.db;
  request.screenshot = args.to;
  request.panel = args.shot.panel;
  request.theme = args.shot.theme;
  std::tie(request.width, request.height) = *size;
  return open_window(context, request);
}

int run_export(const ExportArgs& args, const Context& context) {
  if (ends_with(args.to, ".png")) return export_picture(args, context);
  trace::Status done = trace::Ok{};
  std::vector<trace::ScrubbedText> gone;
  if (ends_with(args.to, ".decodescope")) done = export_bundle(args, gone);
  else if (ends_with(args.to, ".json") || ends_with(args.to, ".json.gz") || ends_with(args.to, ".pftrace")) done = export_trace(args);
  else if (ends_with(args.to, ".html") || ends_with(args.to, ".csv") || ends_with(args.to, ".md")) done = export_report(args, gone);
  else return refuse({std::string("the ending names the format, one of ") + kEndings, "--to " + args.to});
  if (!done) return refuse(done.error());
  if (args.common.json) {
    nlohmann::json out = {{"file", args.to}, {"runs", args.runs}};
    if (!ends_with(args.to, ".json") && !ends_with(args.to, ".json.gz") && !ends_with(args.to, ".pftrace")) {   // a trace stays as it is
      out["scrubbed"] = nlohmann::json::array();
      for (const auto& g : gone) out["scrubbed"].push_back({{"kind", g.kind}, {"was", g.was}, {"became", g.became}, {"count", g.count}});
    }
    print_json(out);
  }
  else fmt::print("{}\n", args.to);
  return kDone;
}

}  // namespace

void add_export(CLI::App& cli, Context& context) {
  auto args = std::make_shared<ExportArgs>();
  auto* command = cli.add_subcommand("export", "Write runs to a file that others can open: a trace, a report, a picture, a bundle.");
  command->footer("Example: decodescope export 3 4 --to out/report.html\n         decodescope export 3 4 --to out/pair.decodescope\n"
                  "         decodescope export trace.json.gz --to out/report.html --batch 4 --context 8192 --hw MI355X");
  command->add_option("runs", args->runs, "run ids; for reports and traces also trace files. Two are compared, the arms of an A/B with its verdict")->required()->type_name("RUN|FILE");
  command->add_option("--to", args->to, std::string("target; its ending names the format: ") + kEndings)->required()->type_name("F");
  command->add_flag("--no-scrub", args->unscrubbed, "leave host and user names, paths, addresses and command lines in a bundle or report (else they go, and what goes is shown)");
  add_floor_options(*command, args->floor);
  add_rules(*command);
  add_common(*command, args->common);
  command->add_option("--size", args->shot.size, "size of a .png")->capture_default_str()->type_name("WxH");
  command->add_option("--panel", args->shot.panel, "panel of a .png")->type_name("NAME");
  command->add_option("--theme", args->shot.theme, "theme of a .png")->type_name("NAME");
  command->callback([&context, args] { context.run = [&context, args] { return run_export(*args, context); }; });
}

}  // namespace app

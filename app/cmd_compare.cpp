// compare: where the microseconds between two runs went, and whether that fails a build.
#include <CLI/CLI.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>

#include "app/args.h"
#include "app/commands.h"
#include "app/json_number.h"
#include "app/output.h"
#include "app/rules.h"
#include "app/source.h"
#include "app/store_access.h"
#include "app/views.h"
#include "trace/fail_if.h"
#include "trace/file_writer.h"
#include "trace/report.h"

namespace app {

namespace {

using nlohmann::json;

struct CompareArgs {
  CommonArgs common;
  std::string a, b, window, fail_if, markdown;
};

// What of a run is compared: asked for, else one step of an engine run (the medoid, so a recorded one), else all.
trace::Result<trace::Window> compared_window(const trace::Run& run, const std::string& asked) {
  const trace::Trace& t = *run.trace;
  const auto devices = trace::active_devices(t);
  if (devices.empty()) return trace::Error{"there is no GPU activity to compare", run.name};
  const std::string kind = !asked.empty() ? asked : run.origin == trace::Origin::engine ? "step" : "all";
  if (kind == "all") return trace::whole(t, devices.front());
  const auto layers = trace::find_layers(t, devices.front());
  const auto window = kind == "step" ? trace::medoid_step(layers) : trace::medoid_layer(layers);
  if (!window) return trace::Error{fmt::format("there is no {} window: {}", kind, layers.rule), run.name};
  return *window;
}

// "3,4,5": several runs of one side. A file whose name holds commas is one.
std::vector<std::string> split_sources(const std::string& text) {
  std::error_code ignored;
  if (std::filesystem::exists(text, ignored)) return {text};
  std::vector<std::string> out;
  for (size_t from = 0; from <= text.size();) {
    const size_t next = std::min(text.find(',', from), text.size());
    if (next > from) out.push_back(text.substr(from, next - from));
    from = next + 1;
  }
  return out;
}

trace::Result<std::vector<trace::Run>> load_side(const std::string& text, const std::string& db) {
  std::vector<trace::Run> runs;
  std::set<std::string> named;
  for (const auto& source : split_sources(text)) {
    // Once more would be no further recording, only a narrower interval.
    if (std::error_code ignored; !named.insert(std::filesystem::exists(source, ignored) ? std::filesystem::weakly_canonical(source, ignored).string() : source).second)
      return trace::Error{"this run is named twice on one side", source};
    ProgressLine line;
    auto run = run_from(source, db, import_progress(line));
    line.clear();
    if (!run) return run.error();
    if (!run->trace) return trace::Error{"this run has no trace", source};
    runs.push_back(std::move(*run));
  }
  if (runs.empty()) return trace::Error{"name a run or a file", text};
  return runs;
}

std::vector<trace::TracePtr> traces_of(const std::vector<trace::Run>& runs) {
  std::vector<trace::TracePtr> out;
  for (const auto& run : runs) out.push_back(run.trace);
  return out;
}

json conditions_json(const std::vector<trace::ConditionResult>& results) {
  json out = json::array();
  for (const auto& r : results)
    out.push_back({{"condition", r.condition.text}, {"state", trace::to_string(r.state)}, {"value", json_number(r.value)}, {"ci95", {json_number(r.lo), json_number(r.hi)}}, {"n_a", r.n_a}, {"n_b", r.n_b}, {"samples", r.samples}, {"reason", r.reason}});
  return out;
}

std::string conditions_text(const std::vector<trace::ConditionResult>& results) {
  std::string out;
  for (const auto& r : results) {
    out += fmt::format("fail if {}: {}", r.condition.text, trace::to_string(r.state));
    if (std::isfinite(r.value)) out += fmt::format(", {:+.3f}, 95 % interval {:+.3f} .. {:+.3f} of {} and {} {}", r.value, r.lo, r.hi, r.n_a, r.n_b, r.samples);
    if (!r.reason.empty()) out += fmt::format(" ({})", r.reason);
    out += "\n";
  }
  return out;
}

trace::Status write_markdown(const CompareArgs& args, const trace::Run& a, const trace::Run& b, const std::string& conditions) {
  trace::ReportInput input;
  for (const auto* run : {&a, &b}) input.runs.push_back(std::make_shared<const trace::Run>(*run));
  input.program = "Decodescope " + program_name();
  input.created = now_utc();
  auto text = trace::markdown_report(input);
  if (!text) return text.error();
  if (!conditions.empty()) *text = "```\n" + conditions + "```\n\n" + *text;
  if (args.markdown == "-") {
    fmt::print(stderr, "{}", *text);
    return trace::Ok{};
  }
  return trace::write_file_whole(args.markdown, [&](const std::function<void(std::string_view)>& write) { write(*text); });
}

struct StoredBench {
  trace::Run run;
  trace::Bench bench;
};

// The bench that this id of the store is; none for files and for runs with a trace. What is wrong with the text shows
// when it is loaded as a trace.
std::optional<StoredBench> stored_bench(const std::string& text, const std::string& db) {
  std::error_code ignored;
  const auto id = run_id(text);
  if (std::filesystem::exists(text, ignored) || !id) return std::nullopt;
  auto store = open_store(db);
  if (!store) return std::nullopt;
  auto bench = store->bench(*id);
  if (!bench || !*bench) return std::nullopt;
  auto run = store->load(*id);
  if (!run) return std::nullopt;
  return StoredBench{std::move(*run), std::move(**bench)};
}

// Two benches row by row; none: neither side is one. What is for traces (windows, conditions, reports) has nothing to say.
std::optional<int> compare_benches(const CompareArgs& args) {
  const auto a = stored_bench(args.a, args.common.db), b = stored_bench(args.b, args.common.db);
  if (!a && !b) return std::nullopt;
  if (!a || !b) return refuse({"a bench is compared with a bench, not with a trace", args.a + " and " + args.b});
  for (const auto& [given, option] : {std::pair{!args.window.empty(), "--window"}, {!args.fail_if.empty(), "--fail-if"}, {!args.markdown.empty(), "--markdown"}}) {
    if (given) return refuse({"is for traces, and these are benches", option});
  }
  const BenchSide side_a{a->run, a->bench}, side_b{b->run, b->bench};
  if (args.common.json) print_json(bench_comparison_json(side_a, side_b));
  else fmt::print("{}", bench_comparison_text(side_a, side_b));
  return kDone;
}

int run_compare(const CompareArgs& args) {
  if (const auto done = compare_benches(args)) return *done;
  if (!args.window.empty()) {
    if (auto kind = window_kind(args.window); !kind) return refuse(kind.error());
  }
  std::vector<trace::Condition> conditions;
  if (!args.fail_if.empty()) {
    auto parsed = trace::parse_conditions(args.fail_if);
    if (!parsed) return refuse(parsed.error());
    conditions = std::move(*parsed);
  }
  auto side_a = load_side(args.a, args.common.db);
  if (!side_a) return refuse(side_a.error());
  auto side_b = load_side(args.b, args.common.db);
  if (!side_b) return refuse(side_b.error());
  const trace::Run &a = side_a->front(), &b = side_b->front();
  auto window_a = compared_window(a, args.window);
  if (!window_a) return refuse(window_a.error());
  auto window_b = compared_window(b, args.window);
  if (!window_b) return refuse(window_b.error());
  ComparisonView view;
  view.a = &a;
  view.b = &b;
  view.comparison = trace::compare(*a.trace, *window_a, *b.trace, *window_b);
  if (a.origin == trace::Origin::engine && b.origin == trace::Origin::engine && a.step.n && b.step.n) {
    // Both windows are one traced step: what tracing itself changed closes the gap to the untraced headline.
    trace::add_tracing(view.comparison.waterfall, std::llround((b.step.median - a.step.median) * 1000));
  }
  const auto results = trace::judge(conditions, traces_of(*side_a), traces_of(*side_b));
  const std::string judged = conditions_text(results);
  if (args.common.json) {
    json out = comparison_json(view);
    if (!results.empty()) out["fail_if"] = conditions_json(results);
    print_json(out);
  } else {
    fmt::print("{}{}{}", comparison_text(view), judged.empty() ? "" : "\n", judged);
  }
  if (!args.markdown.empty()) {
    if (auto written = write_markdown(args, a, b, judged); !written) return refuse(written.error());
  }
  for (const auto& r : results)
    if (r.state == trace::ConditionState::met) return kFailed;
  return kDone;
}

}  // namespace

void add_compare(CLI::App& cli, Context& context) {
  auto args = std::make_shared<CompareArgs>();
  auto* command = cli.add_subcommand("compare", "Where the microseconds between two runs or traces went; sums exactly.");
  command->footer("Example: decodescope compare before.json.gz after.json.gz\n         decodescope compare 3 4 --json       (two runs, or two stored benches: ratios row by row)\n"
                  "         decodescope compare 3,4,5 6,7,8 --fail-if 'wall_pct > 2 or op:topk_us > 5' --markdown comment.md\n"
                  "Exit code 1 when a condition is met with confidence: its 95 % interval over 3 or more runs a side (or 5 or more\n"
                  "steps or layers of one) lies beyond the bound. Fewer: unknown, exit code 0.");
  command->add_option("a", args->a, "the baseline: a run id or a trace file; several, separated by commas")->required()->type_name("RUN|FILE");
  command->add_option("b", args->b, "the candidate")->required()->type_name("RUN|FILE");
  command->add_option("--window", args->window, "all, step or layer (default: the medoid step of engine runs, else all)");
  command->add_option("--fail-if", args->fail_if, "condition on B minus A: wall_pct, idle_us, stall_us, kernels, op:NAME_us with > >= < <=, joined by `or`")->type_name("EXPR");
  command->add_option("--markdown", args->markdown, "also write the comparison as Markdown; - for stderr")->type_name("F.md");
  add_rules(*command);
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_compare(*args); }; });
}

}  // namespace app

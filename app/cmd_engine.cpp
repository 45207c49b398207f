// record, ab: the engine run from the command line.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <optional>

#include "app/args.h"
#include "app/commands.h"
#include "app/engine_client.h"
#include "app/exec_ab.h"
#include "app/output.h"
#include "app/source.h"
#include "app/store_access.h"
#include "app/views.h"

namespace app {

namespace {

struct RecordArgs {
  CommonArgs common;
  EngineArgs engine;
};

int run_record(const RecordArgs& args) {
  auto spec = spec_from(args.engine);
  if (!spec) return refuse(spec.error());
  auto store = open_store(args.common.db);   // before the work, so that a bad store loses nothing
  if (!store) return refuse(store.error());
  EngineClient client;
  Outcome outcome = client.record(*spec);
  if (outcome.exit_code) return outcome.exit_code;
  trace::Run run = *outcome.run;
  auto id = store->save(run);
  if (!id) return refuse(id.error());
  run.id = *id;
  if (args.common.json) {
    print_json(record_json(run, store->path()));
  } else {
    const std::string model = model_label(*run.spec);
    fmt::print("run {}  {}: {} us a step (median of {}, 95 % {} .. {}), {:g} launches a step, tracing costs {:+.2f} %\n{}\n", run.id,
               run.name == run.spec->model.name ? model : run.name + "  " + model, us(run.step.median), run.step.n, us(run.step.lo),
               us(run.step.hi), run.kernels_per_step, trace::tracing_overhead_pct(run), store->path());
  }
  return kDone;
}

struct AbArgs {
  CommonArgs common;
  EngineArgs engine;
  std::string toggle;
  ExecAbSpec exec;
  int instances = 0, quads = 0;
  bool full = false;
  int64_t resume = 0;
};

int print_ab(const trace::AbResult& result, const CommonArgs& common) {
  if (common.json) print_json(ab_json(result));
  else fmt::print("{}", ab_text(result));
  return result.equivalence.ok ? kDone : kFailed;
}

// More instances of a stored A/B: measured anew with the stored settings, judged together. The stored runs keep the
// timelines and headlines they were recorded with.
int resume_ab(const AbArgs& args) {
  if (!args.toggle.empty()) return refuse({"a resumed A/B compares what it compared before: leave --toggle out", "--resume " + std::to_string(args.resume)});
  auto store = open_store(args.common.db);
  if (!store) return refuse(store.error());
  auto earlier = store->load_ab(args.resume);
  if (!earlier) return refuse(earlier.error());
  if (earlier->spec.of_commands()) return refuse({"an A/B of two commands is not resumed, it is run again: ab --exec-a ... --exec-b ...", "--resume " + std::to_string(args.resume)});
  trace::AbSpec spec = earlier->spec;
  spec.resume = args.resume;
  spec.first_instance = static_cast<int>(earlier->instances.size());
  spec.full = args.full, spec.instances = args.instances, spec.quads = args.quads;
  EngineClient client;
  Outcome outcome = client.run_ab(spec);
  if (outcome.exit_code) return outcome.exit_code;
  const trace::AbResult& more = *outcome.ab;
  trace::AbResult all = std::move(*earlier);
  all.spec.full = all.spec.full || spec.full;
  all.instances.insert(all.instances.end(), more.instances.begin(), more.instances.end());
  all.estimate = trace::infer(all.instances);
  all.equivalence.ok = all.equivalence.ok && more.equivalence.ok;
  all.equivalence.compared += more.equivalence.compared;
  all.equivalence.max_abs = std::max(all.equivalence.max_abs, more.equivalence.max_abs);
  if (all.equivalence.first_difference.empty()) all.equivalence.first_difference = more.equivalence.first_difference;
  all.notes.push_back(fmt::format("resumed: {} instances added on {}", more.instances.size(), now_utc()));
  for (const auto& text : more.notes) {
    if (std::find(all.notes.begin(), all.notes.end(), text) == all.notes.end()) all.notes.push_back(text);
  }
  if (auto updated = store->update_ab(all.a->ab_id, all); !updated) return refuse(updated.error());
  const int code = print_ab(all, args.common);
  return interrupted() ? kFailed : code;
}

// Two commands of somebody's. Readings of traces are stored as two linked runs; a metric or a time is printed alone, as a
// run is a recording.
int run_exec(const AbArgs& args) {
  if (!args.toggle.empty() || args.resume) return refuse({"two commands are compared, or a switch of the engine", "--exec-a with --toggle or --resume"});
  ExecAbSpec spec = args.exec;
  spec.instances = args.instances > 0 ? args.instances : args.full ? 8 : 3;
  spec.quads = args.quads > 0 ? args.quads : args.full ? 25 : 8;
  spec.seed = args.engine.seed.value_or(1);
  std::optional<db::Store> store;
  if (!spec.trace.empty()) {   // opened before the work, so that a bad one loses nothing
    auto opened = open_store(args.common.db);
    if (!opened) return refuse(opened.error());
    store.emplace(std::move(*opened));
  }
  install_interrupt();
  ProgressLine line;
  auto result = run_exec_ab(spec, [&](const std::string& arm, double fraction) { line.show("running " + arm, fraction); });
  line.clear();
  if (!result) {
    fmt::print(stderr, "error: {}\n", result.error().line());
    return interrupted() ? kFailed : result.error().where.starts_with("--exec-") ? kFailed : kRefusedExit;
  }
  trace::RunPtr a, b;
  std::optional<trace::Error> unsaved;
  if (store) {
    auto stored = store_ab(*store, exec_ab_record(*result));
    if (stored) a = stored->a, b = stored->b;
    else unsaved = stored.error();
  }
  if (args.common.json) {
    auto out = exec_ab_json(*result);
    if (a) out["runs"] = {a->id, b->id};
    print_json(out);
  } else {
    fmt::print("{}", exec_ab_text(*result));
    if (a) fmt::print("stored as runs {} (a) and {} (b) in {}; a page of it: export {} {} --to ab.html\n", a->id, b->id, store->path(), a->id, b->id);
  }
  return unsaved ? refuse(*unsaved) : kDone;   // behind the readings, which took long
}

int run_ab(const AbArgs& args) {
  if (!args.exec.a.empty() || !args.exec.b.empty()) return run_exec(args);
  if (args.resume) return resume_ab(args);
  if (args.toggle.empty()) return refuse({"name the switch to compare, e.g. --toggle cat_skip", "--toggle"});
  auto ab = ab_spec_from(args.engine, args.toggle);
  if (!ab) return refuse(ab.error());
  auto store = open_store(args.common.db);
  if (!store) return refuse(store.error());
  ab->full = args.full, ab->instances = args.instances, ab->quads = args.quads;
  EngineClient client;
  Outcome outcome = client.run_ab(*ab);
  if (outcome.exit_code) return outcome.exit_code;
  auto stored = store_ab(*store, *outcome.ab);
  if (!stored) return refuse(stored.error());
  const int code = print_ab(*stored, args.common);
  return interrupted() ? kFailed : code;  // kept, but not all that was asked for
}

}  // namespace

void add_record(CLI::App& cli, Context& context) {
  auto args = std::make_shared<RecordArgs>();
  auto* command = cli.add_subcommand("record", "Run the engine and store the run: an untraced pass for the headline, a traced one for the timeline.");
  command->footer("Example: decodescope record --model tiny --batch 4 --context 2048 --set cat_skip=on --name 'cat skipped'\n"
                  "         decodescope record --model tiny --batch 2 --context 512 --prefill\n"
                  "         decodescope record --model ~/models/GLM-5-FP8 --layers 4 --tp 8 --set rank=3");
  add_engine(*command, args->engine);
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_record(*args); }; });
}

void add_ab(CLI::App& cli, Context& context) {
  auto args = std::make_shared<AbArgs>();
  auto* command = cli.add_subcommand("ab", "What a switch buys, and whether the output stays the same: interleaved A/B with interval and proof.");
  command->footer("Example: decodescope ab --toggle cat_skip --model tiny --json\n"
                  "         decodescope ab --toggle index_layout,page_size=1:64,logits_init --context 4096 --batch 4\n"
                  "         decodescope ab --resume 5 --full\n"
                  "         decodescope ab --exec-a './bench --old' --exec-b './bench --new' --metric 'TPOT: ([0-9.]+) ms'\n"
                  "KEY alone compares its first with its last value. Ctrl-C keeps the instances that are finished, two or more;\n"
                  "--resume goes on from there. Exit code 1 when the arms are not equivalent.");
  command->add_option("--toggle", args->toggle, "KEY[=A:B][,KEY...]")->type_name("KEY[=A:B]");
  command->add_flag("--full", args->full, "8 instances of 25 quads or more instead of the quick 3 of 8");
  command->add_option("--resume", args->resume, "add instances to the stored A/B of this run")->type_name("RUN");
  command->add_option("--exec-a", args->exec.a, "compare two commands instead: the baseline")->type_name("CMD");
  command->add_option("--exec-b", args->exec.b, "the candidate command")->type_name("CMD");
  command->add_option("--metric", args->exec.metric, "of the commands' output: the number in the last match (its first group) is the reading; default: seconds of wall clock")->type_name("REGEX");
  command->add_option("--trace", args->exec.trace, "the commands write traces: the median step of the newest file is the reading")->type_name("GLOB");
  command->add_flag("--higher-is-better", args->exec.higher_is_better, "of the metric, such as tokens a second");
  command->add_option("--instances", args->instances, "how many instances (default 3, with --full 8)");
  command->add_option("--quads", args->quads, "quads A B B A in each (default 8, with --full 25 or, of switches, as many as a pilot asks for)");
  command->add_option("--timeout", args->exec.timeout_s, "of commands: seconds that one run may take")->capture_default_str();
  add_engine(*command, args->engine);
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_ab(*args); }; });
}

}  // namespace app

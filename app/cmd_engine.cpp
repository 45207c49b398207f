// record, ab: the engine run from the command line.
#include <CLI/CLI.hpp>

#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/engine_client.h"
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
    fmt::print("run {}  {}  {} us a step (median of {}, 95 % {} .. {}), {:g} launches a step, tracing costs {:+.2f} %\n{}\n", run.id, run.name,
               us(run.step.median), run.step.n, us(run.step.lo), us(run.step.hi), run.kernels_per_step, trace::tracing_overhead_pct(run), store->path());
  }
  return kDone;
}

struct AbArgs {
  CommonArgs common;
  EngineArgs engine;
  std::string toggle, exec_a, exec_b;
  bool full = false;
  int64_t resume = 0;
};

// Store both arms as two linked runs and print. Shared with `start`.
int finish_ab(const trace::AbResult& result, const CommonArgs& common, db::Store& store) {
  auto stored = store_ab(store, result);
  if (!stored) return refuse(stored.error());
  if (common.json) print_json(ab_json(*stored));
  else fmt::print("{}", ab_text(*stored));
  return stored->equivalence.ok ? kDone : kFailed;
}

int run_ab(const AbArgs& args) {
  if (!args.exec_a.empty() || !args.exec_b.empty()) {
    return refuse({"an A/B of two commands is not available yet: the runner drives the engine's own arms so far", "--exec-a, --exec-b"});
  }
  if (args.toggle.empty()) return refuse({"name the switch to compare, e.g. --toggle cat_skip", "--toggle"});
  auto spec = spec_from(args.engine);
  if (!spec) return refuse(spec.error());
  auto arms = trace::parse_arms(args.toggle, spec->toggles);
  if (!arms) return refuse(arms.error());
  auto store = open_store(args.common.db);
  if (!store) return refuse(store.error());
  trace::AbSpec ab;
  ab.base = *spec;
  ab.base.toggles = arms->a;
  ab.keys = arms->keys;
  ab.a = arms->a;
  ab.b = arms->b;
  ab.full = args.full;
  ab.resume = args.resume;
  if (args.resume) {
    auto earlier = store->load_ab(args.resume);
    if (!earlier) return refuse(earlier.error());
    ab = earlier->spec;
    ab.resume = args.resume;
  }
  EngineClient client;
  Outcome outcome = client.run_ab(ab);
  if (outcome.exit_code) return outcome.exit_code;
  return finish_ab(*outcome.ab, args.common, *store);
}

}  // namespace

void add_record(CLI::App& cli, Context& context) {
  auto args = std::make_shared<RecordArgs>();
  auto* command = cli.add_subcommand("record", "Run the engine and store the run: an untraced pass for the headline, a traced one for the timeline.");
  command->footer("Example: decodescope record --model tiny --batch 4 --context 2048 --set cat_skip=on --name 'cat skipped'");
  add_engine(*command, args->engine);
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_record(*args); }; });
}

void add_ab(CLI::App& cli, Context& context) {
  auto args = std::make_shared<AbArgs>();
  auto* command = cli.add_subcommand("ab", "What a switch buys, and whether the output stays the same: interleaved A/B with interval and proof.");
  command->footer("Example: decodescope ab --toggle cat_skip --model tiny --json\n"
                  "         decodescope ab --toggle index_layout,page_size=1:64,logits_init --context 4096 --batch 4\n"
                  "KEY alone compares its first with its last value. Exit code 1 when the arms are not equivalent.");
  command->add_option("--toggle", args->toggle, "KEY[=A:B][,KEY...]")->type_name("KEY[=A:B]");
  command->add_flag("--full", args->full, "8 instances of 25 quads or more instead of the quick 3 of 8");
  command->add_option("--resume", args->resume, "add instances to the stored A/B of this run")->type_name("RUN");
  command->add_option("--exec-a", args->exec_a, "compare two commands instead: the baseline")->type_name("CMD");
  command->add_option("--exec-b", args->exec_b, "the candidate command")->type_name("CMD");
  add_engine(*command, args->engine);
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_ab(*args); }; });
}

}  // namespace app

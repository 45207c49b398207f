// runs, show, delete, note: the store from the command line.
#include <CLI/CLI.hpp>

#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/source.h"
#include "app/store_access.h"
#include "app/views.h"
#include "trace/run_json.h"
#include "trace/serving.h"

namespace app {

using nlohmann::json;

namespace {

int list_runs(const CommonArgs& common, const std::string& text) {
  auto store = open_store(common.db);
  if (!store) return refuse(store.error());
  db::RunFilter filter;
  filter.text = text;
  auto runs = store->list(filter);
  if (!runs) return refuse(runs.error());
  auto benches = store->benches();
  if (!benches) return refuse(benches.error());
  const auto bench_of = [&](const trace::Run& run) {
    const auto found = benches->find(run.id);
    return found == benches->end() ? std::string() : found->second;
  };
  if (common.json) {
    json out = json::array();
    for (const auto& run : *runs) {
      json row = run_json_row(run);
      row["bench"] = bench_of(run).empty() ? json(nullptr) : json(bench_of(run));
      row["steps"] = run.step.n;   // a listing carries no step times
      out.push_back(std::move(row));
    }
    print_json(out);
    return kDone;
  }
  if (runs->empty()) {
    fmt::print("no runs{} in {}\n", text.empty() ? "" : " with \"" + text + "\"", store->path());
    return kDone;
  }
  Table table({"run", "created", "origin", "step us", "model", "backend", "device", "name", "tags"});
  for (const auto& run : *runs) {
    table.row({std::to_string(run.id) + (run.starred ? "*" : ""), run.created, bench_of(run).empty() ? std::string(trace::to_string(run.origin)) : "bench " + bench_of(run),
               run.step.n ? us(run.step.median) : "-", run.spec ? model_label(*run.spec) : "", run.backend, run.device, run.name, run.tags});
  }
  fmt::print("{}", table.text());
  return kDone;
}

json split_json(const trace::Serving& s, const trace::ServingSplit& split) {
  return {{"figures", json::parse(trace::serving_json(s))}, {"tpot_us", split.tpot_us}, {"step_us", split.step_us}, {"host_prefill_scheduling_us", split.rest_us()}, {"step_from", split.step_from}, {"caveats", split.caveats}};
}

json serving_view(const trace::Run& run, const std::string& text) {
  auto serving = trace::serving_from_json(text);
  if (!serving) return {{"problem", serving.error().line()}};
  auto split = trace::split_tpot(run, *serving);
  if (!split) return {{"figures", json::parse(trace::serving_json(*serving))}, {"problem", split.error().line()}};
  return split_json(*serving, *split);
}

struct AttachArgs {
  CommonArgs common;
  std::string run, serving;
  int line = 0;
  bool remove = false;
};

int attach(const AttachArgs& args) {
  auto id = run_id(args.run);
  if (!id) return refuse(id.error());
  if (args.serving.empty() != args.remove) return refuse({"give either --serving FILE.jsonl or --remove", "attach"});
  auto store = open_store(args.common.db);
  if (!store) return refuse(store.error());
  if (args.remove) {
    if (auto done = store->attach(*id, "serving", ""); !done) return refuse(done.error());
    if (args.common.json) print_json({{"run", *id}, {"serving", nullptr}});
    else fmt::print("run {}: nothing is attached any more\n", *id);
    return kDone;
  }
  auto serving = trace::read_serving(args.serving, args.line);
  if (!serving) return refuse(serving.error());
  auto run = store->load(*id);
  if (!run) return refuse(run.error());
  auto split = trace::split_tpot(*run, *serving);
  if (!split) return refuse(split.error());
  if (auto done = store->attach(*id, "serving", trace::serving_json(*serving)); !done) return refuse(done.error());
  if (args.common.json) print_json({{"run", *id}, {"serving", split_json(*serving, *split)}});
  else fmt::print("run {}: {}", *id, trace::serving_text(*serving, *split));
  return kDone;
}

int show_run(const CommonArgs& common, const std::string& text) {
  auto id = run_id(text);
  if (!id) return refuse(id.error());
  auto store = open_store(common.db);
  if (!store) return refuse(store.error());
  auto run = store->load(*id);
  if (!run) return refuse(run.error());
  json out = run_json_row(*run);
  out["program"] = run->program;
  out["host"] = run->host;
  out["standing"] = run->standing;
  out["step_us"] = run->step.n ? estimate_json(run->step) : json(nullptr);
  out["kernels_per_step"] = run->kernels_per_step;
  out["tracing_overhead_pct"] = trace::tracing_overhead_pct(*run);
  out["spec"] = run->spec ? trace::write_json(*run->spec) : json(nullptr);
  out["report"] = run->report ? report_json(*run->report) : json(nullptr);
  out["ab"] = run->ab_id ? json{{"id", run->ab_id}, {"arm", std::string(1, run->ab_arm)}} : json(nullptr);
  out["events"] = run->trace ? run->trace->events.size() : 0;
  auto bench = store->bench(*id);
  if (!bench) return refuse(bench.error());
  out["bench"] = *bench ? bench_json(*run, **bench) : json(nullptr);
  auto serving = store->attachment(*id, "serving");
  if (!serving) return refuse(serving.error());
  out["serving"] = serving->empty() ? json(nullptr) : serving_view(*run, *serving);
  if (common.json) return print_json(out), kDone;
  if (*bench) out.erase("bench");  // a table below
  fmt::print("{}\n", out.dump(2, ' ', false, json::error_handler_t::replace));
  if (*bench) fmt::print("\n{}", bench_text(*run, **bench));
  return kDone;
}

// delete and note: change one run, say what was done.
template <class Change>
int change_run(const CommonArgs& common, const std::string& text, const char* what, Change change) {
  auto id = run_id(text);
  if (!id) return refuse(id.error());
  auto store = open_store(common.db);
  if (!store) return refuse(store.error());
  trace::Status done = change(*store, *id);
  if (!done) return refuse(done.error());
  if (common.json) print_json({{"run", *id}, {"done", what}});
  else fmt::print("run {} {}\n", *id, what);
  return kDone;
}

struct Args {
  CommonArgs common;
  std::string run, text;
  bool undo = false;
};

}  // namespace

void add_runs(CLI::App& cli, Context& context) {
  auto listing = std::make_shared<Args>();
  auto* runs = cli.add_subcommand("runs", "The stored runs, newest first.");
  runs->footer("Example: decodescope runs cat_skip --json");
  runs->add_option("text", listing->text, "only runs with these words in name, note, tags, device or model");
  add_common(*runs, listing->common);
  runs->callback([&context, listing] { context.run = [listing] { return list_runs(listing->common, listing->text); }; });

  auto shown = std::make_shared<Args>();
  auto* show = cli.add_subcommand("show", "One run with its full specification.");
  show->footer("Example: decodescope show 3");
  show->add_option("run", shown->run, "run id")->required()->type_name("RUN");
  add_common(*show, shown->common);
  show->callback([&context, shown] { context.run = [shown] { return show_run(shown->common, shown->run); }; });

  auto deleted = std::make_shared<Args>();
  auto* remove = cli.add_subcommand("delete", "Remove a run; --undo brings it back.");
  remove->footer("Example: decodescope delete 3\n         decodescope delete 3 --undo");
  remove->add_option("run", deleted->run, "run id")->required()->type_name("RUN");
  remove->add_flag("--undo", deleted->undo, "bring a removed run back");
  add_common(*remove, deleted->common);
  remove->callback([&context, deleted] {
    context.run = [deleted] {
      const bool undo = deleted->undo;
      return change_run(deleted->common, deleted->run, undo ? "is back" : "deleted; `delete --undo` brings it back",
                        [undo](db::Store& store, int64_t id) { return undo ? store.undo_remove(id) : store.remove(id); });
    };
  });

  auto attached = std::make_shared<AttachArgs>();
  auto* attaching = cli.add_subcommand("attach", "Lay a serving benchmark's figures beside a run: TPOT = decode step + host, prefill and scheduling.");
  attaching->footer("Example: decodescope attach 3 --serving bench_serving.jsonl\n         decodescope attach 3 --remove");
  attaching->add_option("run", attached->run, "run id")->required()->type_name("RUN");
  attaching->add_option("--serving", attached->serving, "output of sglang's or vLLM's bench_serving: a JSON object a line")->type_name("FILE.jsonl");
  attaching->add_option("--line", attached->line, "which line, from 1 (default: the last)")->check(CLI::PositiveNumber)->type_name("N");
  attaching->add_flag("--remove", attached->remove, "take it away again");
  add_common(*attaching, attached->common);
  attaching->callback([&context, attached] { context.run = [attached] { return attach(*attached); }; });

  auto noted = std::make_shared<Args>();
  auto* note = cli.add_subcommand("note", "Write a run's note.");
  note->footer("Example: decodescope note 3 'clocks were locked'");
  note->add_option("run", noted->run, "run id")->required()->type_name("RUN");
  note->add_option("text", noted->text, "the note; replaces the former one")->required();
  add_common(*note, noted->common);
  note->callback([&context, noted] {
    context.run = [noted] {
      return change_run(noted->common, noted->run, "noted", [&](db::Store& store, int64_t id) { return store.set_note(id, noted->text); });
    };
  });
}

}  // namespace app

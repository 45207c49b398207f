// start: the main job of ./run. demo: the published layers.
#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/engine_client.h"
#include "app/output.h"
#include "app/samples.h"
#include "app/source.h"
#include "app/store_access.h"
#include "app/views.h"

namespace app {

namespace {

struct StartArgs {
  CommonArgs common;
  EngineArgs engine;
  ScreenshotArgs shot;
  std::string toggle = "cat_skip";
};

// The picture that stands in for the window on a machine without a display.
std::string picture_path(const db::Store& store, const trace::AbResult& result) {
  const auto folder = std::filesystem::path(store.path()).parent_path() / "pictures";
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  return (folder / fmt::format("ab-{}-{}.png", result.a->id, result.b->id)).string();
}

int run_start(const Context& context, const StartArgs& args) {
  auto size = parse_size(args.shot.size);
  if (!size) return refuse(size.error());
  auto ab = ab_spec_from(args.engine, args.toggle);
  if (!ab) return refuse(ab.error());
  auto store = open_store(args.common.db);
  if (!store) return refuse(store.error());
  note("starting the engine: {} on {}, A/B of {}", model_label(ab->base), ab->base.backend == "auto" ? "the best backend" : ab->base.backend, args.toggle);
  trace::AbResult result;
  {
    EngineClient client;   // its thread ends before a window starts its own
    Outcome outcome = client.run_ab(*ab);
    if (outcome.exit_code) return outcome.exit_code;
    auto stored = store_ab(*store, *outcome.ab);
    if (!stored) return refuse(stored.error());
    result = std::move(*stored);
  }
  if (args.common.json) print_json(ab_json(result));
  else fmt::print("{}\nruns {} and {} are stored in {}\n", ab_text(result), result.a->id, result.b->id, store->path());
  std::fflush(stdout);
  WindowRequest request;
  request.open = {std::to_string(result.a->id), std::to_string(result.b->id)};
  request.db = store->path();
  request.panel = args.shot.panel;
  request.theme = args.shot.theme;
  std::tie(request.width, request.height) = *size;
  std::string why = "decodescope-record has no window";
  const bool shown = context.window->open && context.window->display && context.window->display(&why);
  if (args.shot.file.empty() && !shown) note("{}: drawing the window into a picture instead", why);
  if (!args.shot.file.empty() || !shown) request.screenshot = args.shot.file.empty() ? picture_path(*store, result) : args.shot.file;
  int done = kDone;
  if (context.window->open) {
    done = context.window->open(request);
    if (done == kDone && !request.screenshot.empty() && !args.common.json) fmt::print("timeline: {}\n", request.screenshot);
  }
  return done != kDone ? done : result.equivalence.ok ? kDone : kFailed;
}

std::string demo_text(const std::vector<trace::Run>& runs) {
  std::string out = "Three published decode layers of GLM-5.1-FP8 (TP 8); times of their collectors, not measured here.\n\n";
  Table table({"layer", "wall us", "busy us", "idle us", "dispatch us", "n", "fence us", "n", "stall us", "n", "path waits us"});
  for (const auto& run : runs) {
    const auto device = trace::active_devices(*run.trace).front();
    const auto window = trace::whole(*run.trace, device);
    const auto r = trace::classify(*run.trace, window);
    const auto path = trace::critical_path(*run.trace, window);
    const auto kind = [&](trace::BubbleKind k) { return r.kind(k); };
    using K = trace::BubbleKind;
    table.row({run.name, us(r.wall_ns), us(r.busy_ns), us(r.idle_ns), us(kind(K::dispatch).ns), std::to_string(kind(K::dispatch).count),
               us(kind(K::fence).ns), std::to_string(kind(K::fence).count), us(kind(K::stall).ns), std::to_string(kind(K::stall).count), us(path.waits_ns)});
  }
  return out + table.text();
}

struct DemoArgs {
  CommonArgs common;
  ScreenshotArgs shot;
  bool compare = false;
};

int run_demo(const Context& context, const DemoArgs& args) {
  auto size = parse_size(args.shot.size);
  if (!size) return refuse(size.error());
  auto runs = published_layers();
  if (!runs) return refuse(runs.error());
  if (args.common.json) {
    nlohmann::json out = nlohmann::json::array();
    for (const auto& run : *runs) {
      auto view = view_bubbles(*run.trace, WindowKind::all, {});
      if (!view) return refuse(view.error());
      auto one = bubbles_json(*view);
      one["name"] = run.name;
      one["provenance"] = run.note;
      out.push_back(std::move(one));
    }
    print_json(out);
  } else {
    fmt::print("{}", demo_text(*runs));
  }
  std::fflush(stdout);
  if (args.compare && !args.common.json) {
    ComparisonView view;
    view.a = &(*runs)[0];
    view.b = &(*runs)[1];
    const auto whole = [](const trace::Run& run) { return trace::whole(*run.trace, trace::active_devices(*run.trace).front()); };
    view.comparison = trace::compare(*view.a->trace, whole(*view.a), *view.b->trace, whole(*view.b));
    fmt::print("\n{}", comparison_text(view));
    std::fflush(stdout);
  }
  std::string why;
  if (args.shot.file.empty() && !(context.window->display && context.window->display(&why))) {
    note("{}; --screenshot F.png draws the window without one", why.empty() ? "decodescope-record has no window" : why);
    return kDone;
  }
  WindowRequest request;
  request.demo = true;
  request.compare = args.compare;
  request.db = args.common.db;
  request.screenshot = args.shot.file;
  request.panel = args.compare && args.shot.panel.empty() ? "Compare" : args.shot.panel;
  request.theme = args.shot.theme;
  std::tie(request.width, request.height) = *size;
  return open_window(context, request);
}

}  // namespace

void add_start(CLI::App& cli, Context& context) {
  auto args = std::make_shared<StartArgs>();
  auto* command = cli.add_subcommand("start", "The main job: run an A/B live on the best backend, store both runs, open the window on them.");
  command->footer("Example: decodescope start --toggle cat_skip --batch 4\nWithout a display it draws the window into a PNG and prints its path.");
  command->add_option("--toggle", args->toggle, "the switch to compare")->capture_default_str()->type_name("KEY[=A:B]");
  add_engine(*command, args->engine);
  add_common(*command, args->common);
  add_screenshot(*command, args->shot);
  command->callback([&context, args] { context.run = [&context, args] { return run_start(context, *args); }; });
}

void add_demo(CLI::App& cli, Context& context) {
  auto args = std::make_shared<DemoArgs>();
  auto* command = cli.add_subcommand("demo", "The published layers, stacked: MI355X one stream, MI355X two streams, B200.");
  command->footer("Example: decodescope demo --screenshot demo.png\n         decodescope demo --compare");
  command->add_flag("--compare", args->compare, "explain the difference of the two MI355X layers");
  add_common(*command, args->common);
  add_screenshot(*command, args->shot);
  command->callback([&context, args] { context.run = [&context, args] { return run_demo(context, *args); }; });
}

}  // namespace app

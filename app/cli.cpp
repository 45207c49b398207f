#include "app/cli.h"

#include <CLI/CLI.hpp>

#include "app/args.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/rules.h"
#include "app/version.h"

namespace app {

int open_window(const Context& context, const WindowRequest& request) {
  if (!context.window->open) {
    return refuse({"decodescope-record has no window", "use decodescope, or --json and the other commands"});
  }
  std::string why;
  if (request.screenshot.empty() && context.window->display && !context.window->display(&why)) {
    return refuse({"no window can be opened here: " + why, "give --screenshot F.png to render without a display"});
  }
  return context.window->open(request);
}

namespace {

// `decodescope [FILE|RUN ...]`: the window.
void add_window(CLI::App& cli, Context& context, WindowRequest& request, CommonArgs& common, ScreenshotArgs& shot) {
  cli.add_option("open", request.open, "trace files, bundles or run ids to open in the window")->type_name("FILE|RUN");
  add_rules(cli);
  add_common(cli, common);
  add_screenshot(cli, shot);
  cli.callback([&] {
    if (context.run) return;   // a command was named
    context.run = [&] {
      auto size = parse_size(shot.size);
      if (!size) return refuse(size.error());
      request.db = common.db;
      request.screenshot = shot.file;
      request.panel = shot.panel;
      request.theme = shot.theme;
      std::tie(request.width, request.height) = *size;
      return open_window(context, request);
    };
  });
}

int run_parsed(CLI::App& cli, int argc, char** argv, Context& context) {
  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& done) {   // --help, --version
    return cli.exit(done);
  } catch (const CLI::ParseError& error) {
    return refuse({error.what(), "see decodescope --help"});
  }
  try {
    return context.run ? context.run() : kDone;
  } catch (const std::exception& error) {   // devices and databases that failed
    fmt::print(stderr, "error: {}\n", error.what());
    return kFailed;
  }
}

}  // namespace

int run_cli(int argc, char** argv, const Window& window) {
  CLI::App cli{"Decodescope: the workbench for tuning LLM decode. Opens traces of other engines, runs its own,\n"
               "classifies every idle microsecond, and proves what a switch buys.", "decodescope"};
  cli.set_version_flag("--version", fmt::format("decodescope {} ({})", decodescope_version(), decodescope_commit()));
  cli.footer("Exit codes: 0 done; 1 the work failed (not equivalent, kernel error, condition met); 2 refused before starting.\n"
             "Examples:\n"
             "  decodescope trace.json.gz                         open a trace in the window\n"
             "  decodescope bubbles trace.json.gz                 where the idle time went\n"
             "  decodescope ab --toggle cat_skip --model tiny     what a switch buys, with proof\n"
             "  decodescope COMMAND --help                        each command with an example");
  cli.require_subcommand(0, 1);
  Context context;
  context.window = &window;
  WindowRequest request;
  CommonArgs common;
  ScreenshotArgs shot;
  add_start(cli, context);
  add_demo(cli, context);
  add_record(cli, context);
  add_ab(cli, context);
  add_sweep(cli, context);
  add_runs(cli, context);
  add_compare(cli, context);
  add_bubbles(cli, context);
  add_advise(cli, context);
  add_floors(cli, context);
  add_import(cli, context);
  add_export(cli, context);
  add_check(cli, context);
  add_bench(cli, context);
  add_doctor(cli, context);
  add_serve(cli, context);
  add_window(cli, context, request, common, shot);
  return run_parsed(cli, argc, argv, context);
}

}  // namespace app

#include "app/window/window.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/samples.h"
#include "app/source.h"
#include "app/store_access.h"
#include "app/window/bench_window.h"
#include "app/window/glfw_window.h"
#include "app/window/screenshot.h"
#include "ui/panels.h"
#include "ui/shell.h"

namespace app {
namespace {

bool is_file(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// What the request asks to be opened, as the actions a person would take.
void open_all(const WindowRequest& request, std::vector<trace::Run> samples, Workbench& bench) {
  bench.show(std::move(samples), 1);  // the one with the stalls
  std::vector<std::string> files;
  for (const std::string& what : request.open) {
    if (is_file(what))
      files.push_back(what);
    else if (const auto id = run_id(what); id.ok())
      bench.act(ui::action::OpenStored{id.value()});
  }
  if (!files.empty()) bench.act(ui::action::OpenFiles{std::move(files)});
  if (request.theme == "light") bench.act(ui::action::SetTheme{ui::ThemeName::light});
  if (request.theme == "dark") bench.act(ui::action::SetTheme{ui::ThemeName::dark});
  const ui::Panel* panel = ui::find_panel(request.panel);
  if (panel)
    ui::focus_panel(bench.memory(), panel->title);
  else
    ui::focus_panel(bench.memory(), request.compare ? "Compare" : "Bubbles");
}

// Before a window appears: what is misspelt is said on the command line. What a file holds shows
// only once it is read.
trace::Status check_request(const WindowRequest& request) {
  if (!request.panel.empty() && !ui::find_panel(request.panel)) {
    std::string known;
    for (const ui::Panel& p : ui::panels())
      known += (known.empty() ? "" : ", ") + std::string(p.key);
    return trace::Error{"no such panel", request.panel + " (there are " + known + ")"};
  }
  if (!request.theme.empty() && request.theme != "dark" && request.theme != "light")
    return trace::Error{"no such theme", request.theme + " (there are dark, light)"};
  std::vector<int64_t> ids;
  for (const std::string& what : request.open) {
    if (is_file(what)) continue;
    const auto id = run_id(what);
    if (!id.ok()) return trace::Error{"no such file, and not a run id", what};
    ids.push_back(id.value());
  }
  if (ids.empty()) return trace::Ok{};
  auto store = open_store(request.db);
  if (!store.ok()) return store.error();
  auto runs = store->list();
  if (!runs.ok()) return runs.error();
  for (const int64_t id : ids) {
    if (std::ranges::none_of(runs.value(), [id](const trace::Run& r) { return r.id == id; }))
      return trace::Error{"no such run", std::to_string(id) + " in " + store->path()};
  }
  return trace::Ok{};
}

int refuse(const trace::Error& error, int code) {
  std::fprintf(stderr, "error: %s\n", error.line().c_str());
  return code;
}

}  // namespace

bool display_available(std::string* why) {
  return glfw_display(why);
}

int open_window(const WindowRequest& request) {
  if (const trace::Status known = check_request(request); !known.ok())
    return refuse(known.error(), 2);
  std::vector<trace::Run> samples;
  if (request.demo) {
    auto layers = published_layers();
    if (!layers.ok()) return refuse(layers.error(), 2);
    samples = std::move(layers).value();
  }
  const bool picture = !request.screenshot.empty();
  Workbench::Parts parts;
  parts.settings = picture ? Settings{} : load_settings();
  parts.store = local_store(request.db);
  parts.engine = picture ? nullptr : local_engine();
  const auto prepare = [&](Workbench& bench) { open_all(request, std::move(samples), bench); };
  const trace::Status done = picture ? take_screenshot(request, std::move(parts), prepare)
                                     : run_glfw_window(request, std::move(parts), prepare);
  if (!done.ok()) return refuse(done.error(), 2);
  if (picture) std::fprintf(stderr, "wrote %s\n", request.screenshot.c_str());
  return 0;
}

Window window_parts() {
  return {.open = open_window, .display = display_available, .bench_ui = bench_window};
}

}  // namespace app

#include "app/window/window.h"

#include <cstdio>

#include "app/window/glfw_window.h"
#include "app/window/screenshot.h"
#include "ui/panels.h"
#include "ui/shell.h"

namespace app {
namespace {

bool is_run_id(const std::string& text) {
  return !text.empty() && text.size() < 18 &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

// What the request asks to be opened, as the actions a person would take.
void open_all(const WindowRequest& request, Workbench& bench) {
  std::vector<std::string> files;
  for (const std::string& what : request.open) {
    if (is_run_id(what))
      bench.act(ui::action::OpenStored{std::stoll(what)});
    else
      files.push_back(what);
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

int refuse(const trace::Error& error, int code) {
  std::fprintf(stderr, "error: %s\n", error.line().c_str());
  return code;
}

}  // namespace

bool display_available(std::string* why) {
  return glfw_display(why);
}

int open_window(const WindowRequest& request) {
  if (!request.panel.empty() && !ui::find_panel(request.panel)) {
    std::string known;
    for (const ui::Panel& p : ui::panels())
      known += (known.empty() ? "" : ", ") + std::string(p.key);
    return refuse({"no such panel", request.panel + " (there are " + known + ")"}, 2);
  }
  const bool picture = !request.screenshot.empty();
  Workbench::Parts parts;
  parts.settings = picture ? Settings{} : load_settings();
  parts.store = local_store(request.db);
  parts.engine = picture ? nullptr : local_engine();
  const auto prepare = [&](Workbench& bench) { open_all(request, bench); };
  const trace::Status done = picture ? take_screenshot(request, std::move(parts), prepare)
                                     : run_glfw_window(request, std::move(parts), prepare);
  if (!done.ok()) return refuse(done.error(), 2);
  if (picture) std::fprintf(stderr, "wrote %s\n", request.screenshot.c_str());
  return 0;
}

Window window_parts() {
  return {.open = open_window, .display = display_available};
}

}  // namespace app

// Everything one can do beside the timeline: tables, menus, files, the store, the palette.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "implot.h"
#include "implot_internal.h"

#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"
#include "tests/window/live_story.h"
#include "ui/shell.h"
#include "trace/builder.h"
#include "trace/ranks.h"

namespace tests {
namespace {

struct Scene : Gui {
  Scene() { show_samples(); }
  explicit Scene(const Options& options) : Gui(options) { show_samples(); }
};

std::string text_of(const ui::AppState& state) {
  std::string all;
  for (const ui::Notice& n : state.notices) all += n.text + "\n";
  return all;
}

bool stored(const ui::AppState& state, size_t runs) { return state.store.available && state.store.runs.size() == runs; }

// A menu entry of the top bar.
void menu(ImGuiTestContext* ctx, const char* path) {
  ctx->SetRef("##MainMenuBar");
  ctx->SetRef("//##top");
  ctx->MenuClick(path);
  ctx->SetRef("");
  ctx->Yield(2);
}

}  // namespace

TEST_CASE("bubbles: a click in the stall table goes there") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    click(ctx, "Bubbles", "1##stall");
    ctx->Yield(2);
    IM_CHECK(s.state().selection.kind == ui::SelectionKind::bubble);
    IM_CHECK_EQ(s.state().runs[1].analysis->gaps->bubbles[s.state().selection.index].ns(),
                s.state().runs[1].analysis->gaps->stalls().front().ns());
    IM_CHECK(!s.state().view.fitted || s.state().view.ns_per_px > 0);
  });
}

TEST_CASE("bubbles: the decomposition card selects a run") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    const ui::RunKey first = s.state().runs[0].key;
    const ImGuiID row = ctx->ItemInfo(("//Bubbles/**/$$" + std::to_string(first) + "/###run").c_str()).ID;
    ctx->ItemClick(row);
    ctx->Yield(2);
    IM_CHECK_EQ(s.state().selected, first);
  });
}

TEST_CASE("bubbles: dragging a threshold classifies everything anew, the button takes it back") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->Yield(3);
    ImPlotPlot* plot = nullptr;
    for (int i = 0; i < GImPlot->Plots.GetBufSize(); ++i) {
      if (ImPlotPlot* p = GImPlot->Plots.TryGetMapData(i); p && p->PlotRect.GetWidth() > 0) plot = p;
    }
    IM_CHECK(plot != nullptr);
    const float y = plot->PlotRect.GetCenter().y;
    const auto x_of = [&](double log_ns) { return plot->Axes[ImAxis_X1].PlotToPixels(log_ns); };
    const int64_t stalls = s.state().runs[1].analysis->report->kind(trace::BubbleKind::stall).count;
    ctx->MouseMoveToPos({x_of(3.30103), y});   // 2 us
    ctx->MouseDown();
    ctx->MouseMoveToPos({x_of(3.76), y});      // 5.75 us
    ctx->Yield(2);
    ctx->MouseUp();
    if (!until(ctx, "the new classes", [&] { return s.bench().settled(); })) return;
    IM_CHECK(s.state().thresholds.stall_ns > 5000);
    IM_CHECK(s.state().runs[1].analysis->report->kind(trace::BubbleKind::stall).count < stalls);
    click(ctx, "Bubbles", "reset thresholds");
    if (!until(ctx, "the old classes", [&] { return s.bench().settled(); })) return;
    IM_CHECK_EQ(s.state().runs[1].analysis->report->kind(trace::BubbleKind::stall).count, stalls);
  });
}

TEST_CASE("kernels: by op and category, filter, a click goes to the longest one") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    front(ctx, s.bench(), "Kernels");
    ctx->ItemClick("//Kernels/by op");
    ctx->Yield();
    IM_CHECK(s.bench().memory().group_by == ui::GroupBy::op);
    ctx->ItemClick("//Kernels/by category");
    ctx->Yield();
    IM_CHECK(s.bench().memory().group_by == ui::GroupBy::category);
    ctx->ItemClick("//Kernels/by kernel");
    ctx->Yield();
    click(ctx, "Kernels", "###kernel");
    ctx->Yield(2);
    IM_CHECK(s.state().selection.kind == ui::SelectionKind::event);
  });
}

TEST_CASE("compare: swapping the sides turns the difference round") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    front(ctx, s.bench(), "Compare");
    if (!until(ctx, "the comparison", [&] { return s.state().compare.result != nullptr; })) return;
    const int64_t before = s.state().compare.result->waterfall.b_ns - s.state().compare.result->waterfall.a_ns;
    IM_CHECK_EQ(before, int64_t{25080});
    click(ctx, "Compare", "swap");
    if (!until(ctx, "the other comparison", [&] {
          return s.state().compare.result && s.state().compare.result->waterfall.b_ns - s.state().compare.result->waterfall.a_ns == -before;
        })) return;
  });
}

TEST_CASE("compare: a scope that a trace does not have falls back to all of it and says so") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    front(ctx, s.bench(), "Compare");
    if (!until(ctx, "the comparison", [&] { return s.state().compare.result != nullptr; })) return;
    ctx->ItemClick("//Compare/layer");
    if (!until(ctx, "the other comparison", [&] { return s.state().compare.result && !s.state().compare.pending; })) return;
    IM_CHECK(s.state().compare.used == ui::CompareScope::all);
    IM_CHECK(!s.state().compare.unavailable.empty());
  });
}

TEST_CASE("kernels: the rows shown are written as CSV") {
  const TempFolder folder;
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    front(ctx, s.bench(), "Kernels");
    ctx->ItemClick("//Kernels/CSV …");
    ctx->Yield(3);
    ctx->ItemInputValue("//Export runs/##name", (folder / "k.csv").c_str());
    if (!until(ctx, "the file", [&] { return s.bench().settled() && std::filesystem::exists(folder / "k.csv"); })) return;
  });
  std::ifstream in(folder / "k.csv");
  std::string header, first;
  std::getline(in, header);
  std::getline(in, first);
  CHECK(header.starts_with("name,category,count,total_us"));
  CHECK(first.find("GEMM") != std::string::npos);
}

TEST_CASE("window: About says what it is made with") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    menu(ctx, "Help/About Decodescope");
    IM_CHECK(s.state().show_about);
    ctx->ItemClick("//About/Copy version");
    IM_CHECK(std::string(ImGui::GetClipboardText()).starts_with(s.state().version));
    ctx->ItemClick("//About/Close");
    ctx->Yield();
    IM_CHECK(!s.state().show_about);
  });
}

TEST_CASE("runs: save, star, note, delete, undo, export, import into another store") {
  const TempFolder folder;
  auto window = std::make_unique<Scene>(Gui::Options{.db = folder / "runs.db"});
  Scene& s = *window;
  s.run([&](ImGuiTestContext* ctx) {
    const auto row_menu = [&](const std::string& row, const char* entry) {
      click(ctx, "Runs", row, ImGuiMouseButton_Right);
      ctx->Yield(2);
      ctx->ItemClick((std::string("//$FOCUSED/") + entry).c_str());
      ctx->Yield(2);
    };
    row_menu("###open " + std::to_string(s.state().runs[0].key), "Save to the store");
    if (!until(ctx, "the stored run", [&] { return stored(s.state(), 1); })) return;
    const std::string row = "###run " + std::to_string(s.state().store.runs[0].id);
    row_menu(row, "Star");
    if (!until(ctx, "the star", [&] { return s.bench().settled() && s.state().store.runs[0].starred; })) return;
    row_menu(row, "Note …");
    ctx->KeyCharsReplaceEnter("as published");
    if (!until(ctx, "the note", [&] { return s.bench().settled() && s.state().store.runs[0].note == "as published"; })) return;
    row_menu(row, "Tags …");
    ctx->KeyCharsReplaceEnter("published layer");
    if (!until(ctx, "the tags", [&] { return s.bench().settled() && s.state().store.runs[0].tags == "published layer"; })) return;
    row_menu(row, "Delete");
    if (!until(ctx, "the run to go", [&] { return stored(s.state(), 0); })) return;
    const auto undo = std::ranges::find_if(s.state().notices, &ui::Notice::offers_undo);
    IM_CHECK(undo != s.state().notices.end());
    ctx->ItemClick(("//##notice" + std::to_string(undo->id) + "/Undo").c_str());
    if (!until(ctx, "the run to come back", [&] { return stored(s.state(), 1); })) return;
    s.state().marks = {{{1'000, 51'000}, "look here"}};
    s.state().view.fitted = false;
    s.state().view.begin_ns = 2'000;
    row_menu(row, "Export bundle …");
    ctx->ItemInputValue("//Export runs/##name", (folder / "out.decodescope").c_str());
    if (!ctx->IsError() && !std::filesystem::exists(folder / "out.decodescope")) ctx->ItemClick("//Export runs/###Export", 0, ImGuiTestOpFlags_NoError);
    if (!until(ctx, "the bundle", [&] { return s.bench().settled() && std::filesystem::exists(folder / "out.decodescope"); })) return;
  });
  window.reset();
  Gui other({.db = folder / "other.db"});
  other.bench().act(ui::action::ImportFiles{{folder / "out.decodescope"}});
  other.run([&](ImGuiTestContext* ctx) {
    if (!until(ctx, "the import", [&] { return stored(other.state(), 1); })) return;
    IM_CHECK(other.state().store.runs[0].note == "as published");
    click(ctx, "Runs", "###run " + std::to_string(other.state().store.runs[0].id));
    if (!until(ctx, "the run", [&] { return other.bench().settled() && other.state().runs.size() == 1; })) return;
    IM_CHECK_EQ(other.state().runs[0].analysis->report->wall_ns, int64_t{287161});
    // What the sender saw is what the receiver opens.
    IM_CHECK_EQ(other.state().marks.size(), size_t{1});
    IM_CHECK(other.state().marks[0].text == "look here" && other.state().marks[0].range.end_ns == 51'000);
    IM_CHECK(!other.state().view.fitted && other.state().view.begin_ns == 2'000);
  });
}

TEST_CASE("runs: a bundle opens without touching the store, and can be saved") {
  const TempFolder folder;
  Gui gui({.db = folder / "runs.db"});
  gui.bench().act(ui::action::OpenFiles{{std::string(DS_SOURCE_DIR) + "/assets/samples/published_layers.decodescope"}});
  gui.settle();
  CHECK(gui.state().runs.size() == 3);
  CHECK(gui.state().store.runs.empty());
  gui.run([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_S);
    if (!until(ctx, "the stored run", [&] { return stored(gui.state(), 1); })) return;
  });
}

TEST_CASE("files: Ctrl+O asks for one and opens it") {
  const TempFolder folder;
  std::ofstream(folder / "t.json") << R"({"traceEvents":[{"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":10,"dur":5,"args":{"device":0,"stream":7}},
    {"ph":"X","cat":"kernel","name":"l","pid":0,"tid":7,"ts":20.5,"dur":4.25,"args":{"device":0,"stream":7}}]})";
  Gui gui;
  gui.run([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_O);
    ctx->Yield(3);
    ctx->ItemInputValue("//Open trace/##name", (folder / "t.json").c_str());
    if (!until(ctx, "the trace", [&] { return gui.state().runs.size() == 1 && gui.bench().settled(); })) return;
    IM_CHECK_EQ(gui.state().runs[0].analysis->report->wall_ns, int64_t{14750});
  });
}

TEST_CASE("files: a bad one is a notice that can be copied and dismissed, and stays in the log") {
  const TempFolder folder;
  std::ofstream(folder / "bad.json") << "no trace at all";
  Gui gui;
  gui.bench().act(ui::action::OpenFiles{{folder / "bad.json", folder / "absent.json"}});
  gui.settle();
  CHECK(gui.state().runs.empty());
  REQUIRE(gui.state().notices.size() == 2);
  CHECK(gui.state().notices[0].kind == ui::NoticeKind::error);
  CHECK(text_of(gui.state()).find("bad.json") != std::string::npos);
  gui.run([&](ImGuiTestContext* ctx) {
    const uint32_t id = gui.state().notices[0].id;
    ctx->ItemClick(("//##notice" + std::to_string(id) + "/Copy").c_str());
    IM_CHECK_STR_EQ(ImGui::GetClipboardText(), gui.state().notices[0].text.c_str());
    ctx->ItemClick(("//##notice" + std::to_string(id) + "/Dismiss").c_str());
    ctx->Yield(2);
    IM_CHECK(gui.state().notices[0].dismissed);
    front(ctx, gui.bench(), "Log");
    IM_CHECK_EQ(gui.state().notices.size(), size_t{2});
  });
}

TEST_CASE("window: themes by menu and by palette, text size by key") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    menu(ctx, "View/Light theme");
    IM_CHECK(s.state().theme == ui::ThemeName::light);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_P);
    ctx->Yield(3);
    ctx->KeyChars("dark theme");
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(3);
    IM_CHECK(s.state().theme == ui::ThemeName::dark);
    IM_CHECK(!s.bench().memory().palette_open);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Equal);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Equal);
    ctx->Yield(2);
    IM_CHECK(s.state().font_scale > 1.15f);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_0);
    ctx->Yield(2);
    IM_CHECK(s.state().font_scale == 1.0f);
  });
}

TEST_CASE("window: the palette does what it lists and Esc closes it") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_P);
    ctx->Yield(3);
    ctx->KeyChars("show the critical path");
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(3);
    IM_CHECK(s.state().show.path);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_P);
    ctx->Yield(3);
    IM_CHECK(s.bench().memory().palette_open);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(3);
    IM_CHECK(!s.bench().memory().palette_open);
  });
}

TEST_CASE("window: the question mark shows the keys, Esc hides them") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Shift | ImGuiKey_Slash);
    ctx->Yield(2);
    IM_CHECK(s.state().show_help);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    IM_CHECK(!s.state().show_help);
  });
}

TEST_CASE("window: panels close, come back, and the layout resets") {
  Scene s;
  s.run([&](ImGuiTestContext* ctx) {
    menu(ctx, "View/Kernels");
    IM_CHECK(s.bench().memory().closed[7]);
    menu(ctx, "View/Kernels");
    IM_CHECK(!s.bench().memory().closed[7]);
    ctx->UndockWindow("Kernels");
    ctx->Yield(2);
    menu(ctx, "View/Reset layout");
    ctx->Yield(3);
    IM_CHECK(ctx->GetWindowByRef("//Kernels")->DockNode != nullptr);
  });
}

TEST_CASE("window: draws at every size from 800x600 to 2560x1440 in both themes, with and without runs") {
  for (const auto& [width, height] : {std::pair{800, 600}, {1280, 720}, {2560, 1440}}) {
    Gui gui({.width = width, .height = height});
    for (const bool runs : {false, true}) {
      if (runs) gui.show_samples();
      for (const auto theme : {ui::ThemeName::dark, ui::ThemeName::light}) {
        gui.bench().act(ui::action::SetTheme{theme});
        // Every panel is laid out; the last one of a size is rendered, which takes nearly all of the time.
        for (const ui::Panel& panel : ui::panels()) {
          ui::focus_panel(gui.bench().memory(), panel.title);
          for (int frame = 0; frame < 3; ++frame) gui.window().frame(false);
        }
        // Something is on it: the picture has many colours.
        gui.settle();
        const app::Picture picture = gui.window().picture();
        std::array<int, 256> shades{};
        for (size_t i = 0; i < picture.rgba.size(); i += 4) ++shades[picture.rgba[i + 1]];
        CHECK(std::ranges::count_if(shades, [](int n) { return n > 0; }) > 40);
      }
    }
  }
}

TEST_CASE("ranks of one job are stacked on one clock") {
  auto one = std::make_shared<trace::Trace>();
  {
    trace::TraceBuilder b;
    const uint32_t lane = b.lane(b.device("0"), 7);
    for (int64_t i = 0; i < 20; ++i) {   // each a little later than the rhythm: no two stretches are alike
      const int64_t at = i * 40'000 + i * i * 100;
      b.add({.start_ns = at, .end_ns = at + 30'000, .name = b.intern("gemm"), .lane = lane});
      b.add({.start_ns = at + 30'000, .end_ns = at + 38'000, .name = b.intern("ncclDevKernel_AllReduce_Sum"), .lane = lane});
    }
    b.classify_kernels();
    *one = *b.finish();
  }
  auto late = std::make_shared<trace::Trace>(*one);
  late->origin_ns += 7'000'000;
  std::erase_if(late->events, [](const trace::Event& e) { return e.start_ns < 80'400; });   // began to record later
  late->lanes[0].count = static_cast<uint32_t>(late->events.size());
  const std::vector<trace::RankTrace> ranks{{0, one}, {1, late}};
  const auto aligned = trace::align_ranks(ranks);
  REQUIRE(aligned.ok());
  trace::Run run;
  run.name = "job";
  run.trace = trace::merge_ranks(ranks, *aligned, "job");
  Gui gui;
  gui.bench().show({run}, 0);
  gui.settle();
  const auto& state = gui.state();
  REQUIRE(state.runs.size() == 2);
  CHECK(state.stack.size() == 2);
  CHECK((state.runs[0].title == "rank 0 · job" && state.runs[1].title == "rank 1 · job"));
  CHECK(state.runs[0].origin_ns == state.runs[1].origin_ns);
  CHECK(state.runs[1].analysis->report->window.begin_ns - state.runs[0].analysis->report->window.begin_ns == 80'400);
}

TEST_CASE("engine: pause, step and resume by button and by key; the window never starts one unasked") {
  Gui gui({.engine = true});
  using trace::reply::Phase;
  shorten(gui.state());
  gui.run([&](ImGuiTestContext* ctx) {
    if (!until(ctx, "the welcome", [&] { return gui.state().session.connected; })) return;
    IM_CHECK(gui.state().session.phase == Phase::idle);
    ctx->ItemClick("//Session/Start engine");
    if (!until(ctx, "live steps", [&] { return gui.state().session.phase == Phase::running && !gui.state().session.steps.empty(); })) return;
    ctx->ItemClick("//Session/Pause");
    if (!until(ctx, "the pause", [&] { return gui.state().session.phase == Phase::paused; })) return;
    const int64_t at = gui.state().session.steps.back().index;
    ctx->ItemClick("//Session/Step");
    if (!until(ctx, "one step", [&] { return gui.state().session.steps.back().index == at + 1; })) return;
    IM_CHECK(gui.state().session.phase == Phase::paused);
    ctx->WindowFocus("//Timeline");
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->UiContext->NavId = 0;
    ctx->KeyPress(ImGuiKey_Space);
    if (!until(ctx, "to go on", [&] { return gui.state().session.phase == Phase::running; })) return;
    ctx->ItemClick("//Session/Stop");
    if (!until(ctx, "the end", [&] { return gui.state().session.phase == Phase::idle; })) return;
  });
}

}  // namespace tests

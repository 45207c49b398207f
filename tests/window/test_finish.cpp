// What makes it a finished program: recent files, the log, About, empty panels that say what to do, commands for
// everything, tables by keyboard.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"
#include "tests/window/made_runs.h"
#include "ui/vm/bubbles_vm.h"

namespace tests {
namespace {

void menu(ImGuiTestContext* ctx, const std::string& path) {
  ctx->SetRef("//##top");
  ctx->MenuClick(path.c_str());
  ctx->SetRef("");
  ctx->Yield(2);
}

void command(ImGuiTestContext* ctx, const char* words) {
  ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_P);
  ctx->Yield(3);
  ctx->KeyChars(words);
  ctx->Yield(2);
  ctx->KeyPress(ImGuiKey_Enter);
  ctx->Yield(3);
}

}  // namespace

TEST_CASE("files: what was opened is among the recent ones and opens again from there") {
  const TempFolder folder;
  const std::string file = folder / "t.json";
  std::ofstream(file) << R"({"traceEvents":[{"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":10,"dur":5,"args":{"device":0,"stream":7}}]})";
  Gui gui;
  gui.bench().act(ui::action::OpenFiles{{file}});
  gui.settle();
  REQUIRE(gui.state().recent_files == std::vector<std::string>{file});
  gui.bench().act(ui::action::CloseRun{gui.state().runs[0].key});
  gui.run([&](ImGuiTestContext* ctx) {
    std::string escaped;
    for (const char c : file) escaped += c == '/' ? std::string("\\/") : std::string(1, c);
    menu(ctx, "File/Recent/" + escaped);
    if (!until(ctx, "the file again", [&] { return gui.state().runs.size() == 1 && gui.bench().settled(); })) return;
  });
}

TEST_CASE("log: every notice stays, one copy takes them all") {
  const TempFolder folder;
  Gui gui;
  gui.bench().act(ui::action::OpenFiles{{folder / "absent.json", folder / "gone.json"}});
  gui.settle();
  REQUIRE(gui.state().notices.size() == 2);
  gui.run([&](ImGuiTestContext* ctx) {
    front(ctx, gui.bench(), "Log");
    ctx->ItemClick("//Log/Copy all");
    const std::string copied = ImGui::GetClipboardText();
    IM_CHECK(copied.find("absent.json") != std::string::npos);
    IM_CHECK(copied.find("gone.json") != std::string::npos);
  });
}

TEST_CASE("window: About names every part with version and licence, and copies them") {
  Gui gui({.width = 800, .height = 600});
  CHECK(gui.state().components.size() >= 15);
  for (const ui::Component& part : gui.state().components) {
    INFO(part.name);
    CHECK_FALSE(part.version.empty());
    CHECK_FALSE(part.licence.empty());
  }
  gui.run([&](ImGuiTestContext* ctx) {
    command(ctx, "about decodescope");
    ctx->ItemClick("//About/Copy all");
    const std::string copied = ImGui::GetClipboardText();
    IM_CHECK(copied.find("Dear ImGui (docking) " + std::string(ImGui::GetVersion())) != std::string::npos);
    const ImRect about = ctx->GetWindowByRef("//About")->Rect();
    IM_CHECK(about.Min.y >= 0 && about.Max.y <= 600);   // all of it can be reached
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    IM_CHECK(!gui.state().show_about);
  });
}

TEST_CASE("bubbles: a stall is annotated from its details too, and the stall table shows it") {
  Gui gui({.width = 1600, .height = 1000});
  gui.show_samples();
  gui.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(ctx->ItemInfo("//Timeline/canvas").RectFull.GetCenter());
    ctx->KeyPress(ImGuiKey_N);
    ctx->Yield(3);
    ctx->ItemInput("//Details/##gap note");
    ctx->KeyCharsReplaceEnter("waits for the indexer");
    ctx->Yield(3);
    const ui::OpenRun& run = gui.state().runs[1];
    IM_CHECK_EQ(run.annotations.size(), size_t{1});
    IM_CHECK_EQ(run.annotations[0].end_ns - run.annotations[0].begin_ns, run.analysis->bubbles->at(run.analysis->worst[0]).ns());
    // The next gap's line is empty, back at this one it has the words.
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->WindowFocus("//Timeline");
    ctx->KeyPress(ImGuiKey_N);
    ctx->KeyPress(ImGuiKey_N);
    ctx->Yield(3);
    IM_CHECK_STR_EQ(gui.bench().memory().gap_note, "");
    ctx->KeyPress(ImGuiMod_Shift | ImGuiKey_N);
    ctx->Yield(3);
    IM_CHECK_STR_EQ(gui.bench().memory().gap_note, "waits for the indexer");
  });
}

TEST_CASE("runs: arrows walk the list and Enter opens; Ctrl picks several, the bar stacks them") {
  const TempFolder folder;
  Gui gui({.width = 1600, .height = 1000, .db = folder / "runs.db"});
  gui.bench().act(ui::action::ImportFiles{{std::string(DS_SOURCE_DIR) + "/assets/samples/published_layers.decodescope"}});
  gui.settle();
  REQUIRE(gui.state().store.runs.size() == 3);
  const auto row = [&](size_t i) { return "###run " + std::to_string(gui.state().store.runs[i].id); };
  gui.run([&](ImGuiTestContext* ctx) {
    ctx->KeyDown(ImGuiMod_Ctrl);
    click(ctx, "Runs", row(0));
    click(ctx, "Runs", row(2));
    ctx->KeyUp(ImGuiMod_Ctrl);
    ctx->Yield(2);
    IM_CHECK_EQ(gui.bench().memory().picked.size(), size_t{2});
    ctx->ItemClick("//Runs/Open");
    if (!until(ctx, "both runs", [&] { return gui.bench().settled() && gui.state().stack.size() == 2; })) return;
    IM_CHECK(gui.bench().memory().picked.empty());
    // By keyboard: from the first open run down to the one that is not open yet.
    ctx->NavMoveTo(item(ctx, "Runs", row(1)));
    ctx->KeyPress(ImGuiKey_Enter);
    if (!until(ctx, "the third run", [&] { return gui.bench().settled() && gui.state().stack.size() == 3; })) return;
  });
}

TEST_CASE("details: an engine run's specification folds, and its command is copied") {
  trace::Run run = layered_run("recorded", 1000);
  trace::RunSpec spec;
  spec.model = trace::model_preset("tiny").value();
  spec.backend = "cpu";
  run.spec = spec;
  run.origin = trace::Origin::engine;
  Gui gui({.width = 1600, .height = 1000});
  gui.bench().show({run}, 0);
  gui.settle();
  gui.run([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Details/specification/Copy as a command");
    IM_CHECK(std::string(ImGui::GetClipboardText()).starts_with("decodescope record --model tiny --backend cpu"));
    ctx->ItemClick("//Details/###specification");
    ctx->Yield(2);
    IM_CHECK(!gui.bench().memory().specification_open);
  });
}

TEST_CASE("compare: a scope that both have is one recorded layer of each, aligned") {
  Gui gui({.width = 1600, .height = 1000});
  gui.bench().show({layered_run("slow", 1300), layered_run("fast", 1000)}, 0);
  gui.settle();
  gui.bench().act(ui::action::Compare{gui.state().runs[0].key, gui.state().runs[1].key});
  gui.run([&](ImGuiTestContext* ctx) {
    front(ctx, gui.bench(), "Compare");
    if (!until(ctx, "the comparison", [&] { return gui.state().compare.result && !gui.state().compare.pending; })) return;
    ctx->ItemClick("//Compare/layer");
    if (!until(ctx, "that of a layer", [&] { return gui.state().compare.result && !gui.state().compare.pending && gui.state().compare.used == ui::CompareScope::layer; })) return;
    const trace::Comparison& c = *gui.state().compare.result;
    IM_CHECK_EQ(c.a.wall_ns, int64_t{5 * 1600});
    IM_CHECK_EQ(c.b.wall_ns, int64_t{5 * 1300});
    int64_t sum = 0;
    for (const trace::Contributor& part : c.waterfall.contributors) sum += part.ns;
    IM_CHECK_EQ(sum, c.b.wall_ns - c.a.wall_ns);
    ctx->ItemClick("//Compare/step");
    if (!until(ctx, "that of a step", [&] { return !gui.state().compare.pending && gui.state().compare.used == ui::CompareScope::step; })) return;
  });
}

TEST_CASE("window: text grows and shrinks with Ctrl and the layout keeps every panel in view") {
  Gui gui({.width = 1280, .height = 720});
  gui.show_samples();
  gui.run([&](ImGuiTestContext* ctx) {
    for (int i = 0; i < 4; ++i) ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Equal);
    ctx->Yield(3);
    IM_CHECK(gui.state().font_scale > 1.35f);
    menu(ctx, "View/Reset layout");
    ctx->Yield(4);
    for (const char* panel : {"Session", "Toggles", "Runs", "Timeline", "Details"}) {
      const ImRect rect = ctx->GetWindowByRef((std::string("//") + panel).c_str())->Rect();
      IM_CHECK(rect.Min.x >= -1 && rect.Min.y >= -1 && rect.Max.x <= 1281 && rect.Max.y <= 721);
      IM_CHECK(rect.GetWidth() > 150 && rect.GetHeight() > 80);
    }
    for (int i = 0; i < 4; ++i) ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Minus);
    ctx->Yield(3);
    IM_CHECK(gui.state().font_scale < 1.05f);
  });
}

TEST_CASE("files: Ctrl+E writes the selected run as a report or a trace, by the ending; another ending is refused") {
  const TempFolder folder;
  Gui gui({.width = 1280, .height = 720});
  gui.show_samples();
  gui.run([&](ImGuiTestContext* ctx) {
    const auto write = [&](const std::string& path) {
      ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_E);
      ctx->Yield(3);
      ctx->ItemInputValue("//Export runs/##name", path.c_str());
      until(ctx, "the writing", [&] { return gui.bench().settled(); });
    };
    write(folder / "report.html");
    IM_CHECK(std::filesystem::file_size(folder / "report.html") > 10000);
    write(folder / "dual.json.gz");
    gui.bench().act(ui::action::OpenFiles{{folder / "dual.json.gz"}});
    if (!until(ctx, "the trace again", [&] { return gui.bench().settled() && gui.state().runs.size() == 4; })) return;
    IM_CHECK_EQ(gui.state().runs[3].analysis->report->wall_ns, gui.state().runs[1].analysis->report->wall_ns);
    const size_t notices = gui.state().notices.size();
    write(folder / "report.pdf");
    IM_CHECK(gui.state().notices.size() > notices);
    IM_CHECK(gui.state().notices.back().kind == ui::NoticeKind::error);
    IM_CHECK(!std::filesystem::exists(folder / "report.pdf"));
  });
}

TEST_CASE("compare: both runs and their difference are exported from the panel") {
  const TempFolder folder;
  Gui gui({.width = 1600, .height = 1000});
  gui.show_samples();
  gui.run([&](ImGuiTestContext* ctx) {
    front(ctx, gui.bench(), "Compare");
    if (!until(ctx, "the comparison", [&] { return gui.state().compare.result && !gui.state().compare.pending; })) return;
    ctx->ItemClick("//Compare/Export …");
    ctx->Yield(3);
    ctx->ItemInputValue("//Export runs/##name", (folder / "both.md").c_str());
    if (!until(ctx, "the report", [&] { return gui.bench().settled() && std::filesystem::exists(folder / "both.md"); })) return;
  });
  std::ifstream in(folder / "both.md");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  CHECK(text.find("25.08") != std::string::npos);
}

}  // namespace tests

// The wide table of stored runs: mouse and keyboard; files dropped on it; comparing two of them.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <fstream>

#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"

namespace tests {
namespace {

struct Stored : Gui {
  explicit Stored(const std::string& db) : Gui({.width = 1600, .height = 1000, .db = db}) {
    bench().act(ui::action::ImportFiles{{std::string(DS_SOURCE_DIR) + "/assets/samples/published_layers.decodescope"}});
    settle();
  }
  std::string row(size_t i) { return "###stored " + std::to_string(state().store.runs[i].id); }
};

}  // namespace

TEST_CASE("store: Ctrl and Shift pick several, the bar compares two, opens and deletes; undo brings them back") {
  const TempFolder folder;
  Stored s(folder / "runs.db");
  REQUIRE(s.state().store.runs.size() == 3);
  s.run([&](ImGuiTestContext* ctx) {
    front(ctx, s.bench(), "Store");
    click(ctx, "Store", s.row(0));
    ctx->Yield();
    IM_CHECK_EQ(s.bench().memory().picked.size(), size_t{1});
    ctx->KeyDown(ImGuiMod_Ctrl);
    click(ctx, "Store", s.row(2));
    ctx->KeyUp(ImGuiMod_Ctrl);
    ctx->Yield();
    IM_CHECK_EQ(s.bench().memory().picked.size(), size_t{2});
    click(ctx, "Store", "Compare");
    if (!until(ctx, "the comparison", [&] { return s.state().compare.result != nullptr; })) return;
    IM_CHECK_EQ(s.state().runs.size(), size_t{2});
    front(ctx, s.bench(), "Store");
    click(ctx, "Store", s.row(0));
    ctx->KeyDown(ImGuiMod_Shift);
    click(ctx, "Store", s.row(1));
    ctx->KeyUp(ImGuiMod_Shift);
    ctx->Yield();
    IM_CHECK_GE(s.bench().memory().picked.size(), size_t{2});   // open runs come first: one more may lie between
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_A);
    ctx->Yield();
    IM_CHECK_EQ(s.bench().memory().picked.size(), size_t{3});
    click(ctx, "Store", "Delete");
    if (!until(ctx, "the runs to go", [&] { return s.state().store.runs.empty(); })) return;
    const auto undo = std::ranges::find_if(s.state().notices, &ui::Notice::offers_undo);
    IM_CHECK(undo != s.state().notices.end());
    ctx->ItemClick(("//##notice" + std::to_string(undo->id) + "/Undo").c_str());
    if (!until(ctx, "the runs to come back", [&] { return s.state().store.runs.size() == 3; })) return;
  });
}

TEST_CASE("store: arrows walk the rows, Enter opens, Del deletes") {
  const TempFolder folder;
  Stored s(folder / "runs.db");
  s.run([&](ImGuiTestContext* ctx) {
    front(ctx, s.bench(), "Store");
    click(ctx, "Store", s.row(0));
    ctx->KeyPress(ImGuiKey_DownArrow);
    ctx->Yield(2);
    IM_CHECK_EQ(s.bench().memory().picked.size(), size_t{1});
    IM_CHECK_EQ(s.bench().memory().picked[0], s.state().store.runs[1].id);
    ctx->KeyPress(ImGuiKey_Enter);
    if (!until(ctx, "the run", [&] { return s.state().runs.size() == 1 && s.bench().settled(); })) return;
    IM_CHECK_EQ(s.state().runs[0].run->id, s.state().store.runs[1].id);
    click(ctx, "Store", s.row(2));
    ctx->KeyPress(ImGuiKey_Delete);
    if (!until(ctx, "the run to go", [&] { return s.state().store.runs.size() == 2; })) return;
  });
}

TEST_CASE("store: a click on a header sorts, another turns it round; the search narrows") {
  const TempFolder folder;
  Stored s(folder / "runs.db");
  s.run([&](ImGuiTestContext* ctx) {
    front(ctx, s.bench(), "Store");
    const auto header = [&] { ctx->ItemClick("//Store/**/name"); ctx->Yield(2); };
    header();
    IM_CHECK(s.bench().memory().run_sort == ui::RunColumn::name);
    IM_CHECK(!s.bench().memory().run_descending);
    header();
    IM_CHECK(s.bench().memory().run_descending);
    header();
    IM_CHECK(s.bench().memory().run_sort == ui::RunColumn::none);
    ctx->ItemInput("//Store/##filter");
    ctx->KeyCharsReplace("b200");
    ctx->Yield(2);
    const auto rows = ui::run_rows(s.state(), s.bench().memory().run_filter);
    IM_CHECK_EQ(rows.size(), size_t{1});
  });
}

TEST_CASE("store: files dropped on it are imported, elsewhere they are opened; a running import can be cancelled") {
  const TempFolder folder;
  std::ofstream(folder / "t.json") << R"({"traceEvents":[{"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":10,"dur":5,"args":{"device":0,"stream":7}}]})";
  {
    std::ofstream long_one(folder / "long.json");
    long_one << "{\"traceEvents\":[";
    for (int i = 0; i < 400000; ++i)
      long_one << (i ? "," : "") << "{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"k\",\"pid\":0,\"tid\":7,\"ts\":" << 10 * i << ",\"dur\":5,\"args\":{\"device\":0,\"stream\":7}}";
    long_one << "]}";
  }
  Gui gui({.db = folder / "runs.db"});
  gui.run([&](ImGuiTestContext* ctx) {
    front(ctx, gui.bench(), "Store");
    const auto& area = gui.bench().memory().import_areas[1];
    gui.bench().drop({folder / "t.json"}, (area.x0 + area.x1) / 2, (area.y0 + area.y1) / 2);
    if (!until(ctx, "the import", [&] { return gui.state().store.runs.size() == 1; })) return;
    IM_CHECK(gui.state().runs.empty());
    gui.bench().drop({folder / "t.json"}, 640, 100);
    if (!until(ctx, "the trace", [&] { return gui.state().runs.size() == 1 && gui.bench().settled(); })) return;
    IM_CHECK_EQ(gui.state().store.runs.size(), size_t{1});
    gui.bench().drop({folder / "long.json"}, (area.x0 + area.x1) / 2, (area.y0 + area.y1) / 2);
    IM_CHECK_EQ(gui.state().jobs.size(), size_t{1});
    gui.bench().act(ui::action::CancelJob{gui.state().jobs[0].id});
    if (!until(ctx, "the end of the job", [&] { return gui.bench().settled(); })) return;
    IM_CHECK_EQ(gui.state().store.runs.size(), size_t{1});
  });
}

}  // namespace tests

// What the details panel says about one kernel, a stall and a run; tooltips of the card and the stall table; the
// collector's caveats beside the bubbles.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "tests/window/driver.h"
#include "tests/window/made_runs.h"
#include "ui/vm/bubbles_vm.h"
#include "ui/vm/details_vm.h"
#include "ui/vm/format.h"

namespace tests {
namespace {

std::string value_of(const ui::DetailsVm& vm, const std::string& key) {
  const auto at = std::ranges::find(vm.fields, key, &ui::FieldVm::key);
  return at == vm.fields.end() ? std::string() : at->value;
}

}  // namespace

TEST_CASE("details: a kernel's card has every row that the collector gave, and each can be copied") {
  Gui gui({.width = 1600, .height = 1000});
  gui.bench().show({detailed_run()}, 0);
  gui.settle();
  const ui::RunAnalysis& a = *gui.state().runs[0].analysis;
  const ui::DetailsVm vm = ui::event_details(a, 12);
  CHECK(vm.title == "gemm_fp8");
  CHECK(value_of(vm, "op") == "q_b");
  CHECK(value_of(vm, "start") == "36 µs");
  CHECK(value_of(vm, "duration") == "2.12 µs");
  CHECK(value_of(vm, "layer") == "1");
  CHECK(value_of(vm, "grid") == "132 × 2 × 1");
  CHECK(value_of(vm, "block") == "256 × 1 × 1");
  CHECK(value_of(vm, "registers") == "96");
  CHECK(value_of(vm, "LDS") == "49.2 kB");
  CHECK(value_of(vm, "moved") == "1.05 MB");
  CHECK(value_of(vm, "operations") == "1.06 G");
  CHECK(value_of(vm, "bandwidth").starts_with("494.6 GB/s, 10.5 %"));   // 1048576 B in 2120 ns, of 4697 GB/s
  CHECK(value_of(vm, "floor").find("34.4 %") != std::string::npos);     // 728.5 ns at 1455 TFLOP/s
  CHECK(value_of(vm, "launch") == "cudaLaunchKernel, 1.5 µs");
  CHECK(value_of(vm, "launched") == "6 µs before the start");
  CHECK(value_of(vm, "previous").find("apart") != std::string::npos);
  CHECK(value_of(vm, "next").find("apart") != std::string::npos);
  CHECK(value_of(vm, "critical path").find("owns 2.12 µs") == 0);
  CHECK(value_of(vm, "critical path").find("% of the wall") != std::string::npos);
  gui.run([&](ImGuiTestContext* ctx) {
    ctx->MouseMoveToPos(bar_middle(ctx, gui.state().runs[0].key, 12));
    ctx->MouseClick();
    ctx->Yield(3);
    IM_CHECK_EQ(gui.bench().memory().distribution.key, a.trace().events[12].name);
    IM_CHECK_EQ(gui.bench().memory().distribution.marked_ns, int64_t{2120});
    int64_t total = 0;
    for (const int64_t n : gui.bench().memory().distribution.histogram.count) total += n;
    IM_CHECK_EQ(total, int64_t{10});
    // The full name by the button beside it, a value by its menu.
    ctx->ItemClick("//Details/###copy name");
    IM_CHECK_STR_EQ(ImGui::GetClipboardText(), "gemm_fp8");
  });
}

TEST_CASE("details: without the recorder's word the rule says which layer a kernel is of") {
  Gui gui;
  gui.bench().show({layered_run("layers", 1000)}, 0);
  gui.settle();
  const ui::RunAnalysis& a = *gui.state().runs[0].analysis;
  REQUIRE(a.layers);
  REQUIRE(a.layers->layers == 4);
  const auto& trace = a.trace();
  int said = 0;
  for (trace::EventId id = 0; id < trace.events.size(); ++id) {
    const std::string layer = value_of(ui::event_details(a, id), "layer");
    if (trace.name_of(trace.events[id]) == "embedding_lookup" || layer.empty()) continue;
    CHECK((layer.find("of 4, by the rule") != std::string::npos || layer == "after the last"));
    said += layer.find("of 4") != std::string::npos;
  }
  CHECK(said >= 3 * 4 * 4);
}

TEST_CASE("bubbles: the card's tooltip splits idle time by scope; the stall table says where, how long, why, with evidence") {
  Gui gui({.width = 1600, .height = 1000});
  gui.show_samples();
  const auto& state = gui.state();
  const ui::RunAnalysis& a = *state.runs[1].analysis;
  const ui::StallTableVm stalls = ui::stall_table(a);
  REQUIRE(stalls.bubbles.size() == 3);
  const ui::StallRowVm row = ui::stall_row(a, stalls.bubbles[0], {}, state.runs[1].key);
  const trace::Bubble b = a.bubbles->at(stalls.bubbles[0]);
  CHECK(row.at == ui::us_text(b.begin_ns - a.report->window.begin_ns, 1));
  CHECK(row.us == "6.08");
  CHECK(row.lanes == "106 → 113");
  CHECK(row.cause.starts_with("join"));
  CHECK_FALSE(row.between.empty());
  gui.run([&](ImGuiTestContext* ctx) {
    const auto tooltip = [&] { return ctx->UiContext->TooltipPreviousWindow != nullptr && ctx->UiContext->TooltipPreviousWindow->Active; };
    const ImGuiID card = ctx->ItemInfo(("//Bubbles/**/$$" + std::to_string(state.runs[1].key) + "/###run").c_str()).ID;
    ctx->MouseMove(card);
    ctx->Yield(60);
    IM_CHECK(tooltip());
    ctx->MouseMove(item(ctx, "Bubbles", "1##stall"));
    ctx->Yield(60);
    IM_CHECK(tooltip());
  });
}

TEST_CASE("bubbles: what the collector cannot show unfolds beside the figures") {
  Gui gui({.width = 1280, .height = 720});
  gui.show_samples();
  gui.run([&](ImGuiTestContext* ctx) {
    IM_CHECK(!gui.state().runs[1].analysis->report->caveats.empty());
    click(ctx, "Bubbles", "###caveats");
    ctx->Yield(2);
    IM_CHECK(gui.bench().memory().caveats_open == std::optional<bool>(true));
    click(ctx, "Bubbles", "###caveats");
    ctx->Yield(2);
    IM_CHECK(gui.bench().memory().caveats_open == std::optional<bool>(false));
  });
}

TEST_CASE("bubbles: arrow keys walk the stalls and the timeline follows") {
  Gui gui({.width = 1600, .height = 1000});
  gui.show_samples();
  gui.run([&](ImGuiTestContext* ctx) {
    const auto& worst = gui.state().runs[1].analysis->worst;
    click(ctx, "Bubbles", "1##stall");
    ctx->Yield(2);
    IM_CHECK_EQ(gui.state().selection.index, worst[0]);
    const double begin = gui.state().view.begin_ns;
    ctx->KeyPress(ImGuiKey_DownArrow);
    ctx->Yield(3);
    IM_CHECK_EQ(gui.state().selection.index, worst[1]);
    IM_CHECK(gui.state().view.begin_ns != begin);
    ctx->KeyPress(ImGuiKey_UpArrow);
    ctx->Yield(3);
    IM_CHECK_EQ(gui.state().selection.index, worst[0]);
  });
}

TEST_CASE("kernels: arrow keys walk the table, a header sorts, the filter narrows") {
  Gui gui({.width = 1600, .height = 1000});
  gui.show_samples();
  gui.run([&](ImGuiTestContext* ctx) {
    front(ctx, gui.bench(), "Kernels");
    click(ctx, "Kernels", "###kernel");
    ctx->Yield(2);
    const uint32_t first = gui.state().selection.index;
    ctx->KeyPress(ImGuiKey_DownArrow);
    ctx->Yield(3);
    IM_CHECK(gui.state().selection.index != first);
    ctx->ItemClick("//Kernels/**/count");
    ctx->Yield(2);
    IM_CHECK(gui.bench().memory().kernel_sort == ui::KernelColumn::count);
    ctx->ItemInput("//Kernels/##filter");
    ctx->KeyCharsReplace("quant");
    ctx->Yield(2);
    const auto& groups = gui.state().runs[1].analysis->kernels->by(ui::GroupBy::kernel);
    const auto rows = ui::kernel_rows(groups, gui.bench().memory().kernel_filter, ui::KernelColumn::count, true);
    IM_CHECK(!rows.empty() && rows.size() < groups.size());
  });
}

}  // namespace tests

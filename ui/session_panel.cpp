// Session: what the engine runs, and the buttons that start, stop, record and compare.
#include <imgui.h>

#include <array>
#include <cmath>

#include "ui/panels.h"
#include "ui/vm/format.h"
#include "ui/vm/session_vm.h"
#include "ui/widgets.h"
#include "trace/model_name.h"

namespace ui {
namespace {

constexpr float kKeyPx = 104;

void labelled(const char* label) {
  const float x = ImGui::GetCursorPosX();
  ImGui::AlignTextToFramePadding();
  dim(label);
  ImGui::SameLine(x + kKeyPx * ImGui::GetStyle().FontScaleMain);
  ImGui::SetNextItemWidth(-1);
}

void model_choice(trace::RunSpec& spec, bool* changed) {
  labelled("model");
  if (!ImGui::BeginCombo("##model", trace::shown_name(spec.model).c_str())) return;
  for (const trace::ModelConfig& m : trace::model_presets()) {
    const std::string label = trace::shown_name(m);
    if (ImGui::Selectable(label.c_str(), m.name == spec.model.name)) {
      spec.model = m;
      *changed = true;
    }
  }
  ImGui::EndCombo();
}

void backend_choice(const SessionState& s, trace::RunSpec& spec, bool* changed) {
  labelled("backend");
  if (!ImGui::BeginCombo("##backend", spec.backend.c_str())) return;
  if (ImGui::Selectable("auto", spec.backend == "auto")) {
    spec.backend = "auto";
    *changed = true;
  }
  for (const trace::BackendInfo& b : s.backends) {
    const std::string label =
        b.name + (b.usable ? (b.device.empty() ? "" : "  " + b.device) : "  " + b.why);
    ImGui::BeginDisabled(!b.usable);
    if (ImGui::Selectable(label.c_str(), spec.backend == b.name)) {
      spec.backend = b.name;
      *changed = true;
    }
    ImGui::EndDisabled();
  }
  ImGui::EndCombo();
}

void number(const char* label, const char* id, int* value, int lo, int hi, bool* changed) {
  labelled(label);
  Mono mono;
  if (ImGui::InputInt(id, value, 0, 0)) {
    *value = std::clamp(*value, lo, hi);
    *changed = true;
  }
}

// Where the engine is, and a popup to choose another machine.
void machine(const AppState& state, UiMemory& memory, Actions& actions) {
  const SessionState& s = state.session;
  labelled("machine");
  ImGui::PushStyleVar(ImGuiStyleVar_ButtonTextAlign, {0, 0.5f});
  if (ImGui::Button((s.host + "###machine").c_str(), {-1, 0})) ImGui::OpenPopup("connect");
  ImGui::PopStyleVar();
  ImGui::SetItemTooltip("choose where the engine runs");
  ImGui::SetNextWindowPos({ImGui::GetItemRectMin().x, ImGui::GetItemRectMax().y + 4}, ImGuiCond_Appearing);   // not over what opened it
  if (!ImGui::BeginPopup("connect")) return;
  const auto go = [&](const std::string& to) {
    actions.push_back(action::Connect{to});
    ImGui::CloseCurrentPopup();
  };
  if (ImGui::MenuItem("this machine", nullptr, s.remote.empty())) go({});
  for (const std::string& host : state.recent_hosts) {
    if (ImGui::MenuItem(host.c_str(), nullptr, host == s.remote)) go(host);
  }
  ImGui::Separator();
  dim("A host for ssh, or a command line that ends in `serve --stdio`");
  ImGui::SetNextItemWidth(340 * ImGui::GetStyle().FontScaleMain);
  const bool entered = ImGui::InputTextWithHint("##host", "user@host", memory.host, sizeof memory.host, ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::SameLine();
  if ((ImGui::Button("Connect") || entered) && memory.host[0]) go(memory.host);
  ImGui::EndPopup();
}

// While nothing runs: what Start would run.
void draft_form(const AppState& state, UiMemory& memory, Actions& actions) {
  trace::RunSpec spec = state.draft;
  bool changed = false;
  ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {6, 2});
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {8, 4});
  machine(state, memory, actions);
  model_choice(spec, &changed);
  backend_choice(state.session, spec, &changed);
  number("batch", "##batch", &spec.workload.batch, 1, 4096, &changed);
  number("context", "##context", &spec.workload.context, 1, 1 << 20, &changed);
  ImGui::PopStyleVar(2);
  if (changed) actions.push_back(action::EditSpec{spec});
}

void progress(const std::string& what, double fraction, double now_s) {
  const Palette& p = theme().colours;
  wrapped(what, p.dim);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float w = ImGui::GetContentRegionAvail().x, h = 4;
  ImDrawList* draw = ImGui::GetWindowDrawList();
  draw->AddRectFilled(at, {at.x + w, at.y + h}, u32(p.raised), 2);
  const float wander = static_cast<float>(std::fmod(now_s, 2.0) / 2) * (w - 40);
  const float x0 = fraction >= 0 ? 0 : wander, x1 = fraction >= 0 ? w * static_cast<float>(std::min(fraction, 1.0)) : wander + 40;
  draw->AddRectFilled({at.x + x0, at.y}, {at.x + x1, at.y + h}, u32(p.accent), 2);
  ImGui::Dummy({w, h + 2});
}

void buttons(const AppState& state, const SessionVm& vm, Actions& actions) {
  if (!vm.can_stop) {
    if (pill("Start engine", vm.can_start, vm.can_start)) actions.push_back(action::StartSession{});
    if (!vm.can_start && !vm.why_not.empty()) wrapped(vm.why_not, theme().colours.dim);
    return;
  }
  if (vm.can_cancel) {
    if (pill("Cancel", false)) actions.push_back(action::CancelWork{});
    return;
  }
  if (vm.can_pause && pill("Pause", false)) actions.push_back(action::Pause{});
  if (vm.can_resume) {
    if (pill("Resume", true)) actions.push_back(action::Resume{});
    ImGui::SameLine(0, 4);
    if (pill("Step", false)) actions.push_back(action::SingleStep{});
  }
  ImGui::SameLine(0, 4);
  if (pill("Record", false, vm.can_record)) actions.push_back(action::Record{});
  ImGui::SetItemTooltip("%d steps untraced for the headline, then traced for the timeline",
                        state.draft.workload.steps);
  ImGui::SameLine(0, 4);
  if (pill("Stop", false)) actions.push_back(action::StopSession{});
}

}  // namespace

void draw_session(const AppState& state, UiMemory& memory, Actions& actions) {
  const SessionVm vm = session_vm(state);
  const bool loaded = vm.can_stop;
  heading("Session", loaded ? phase_vm(state.session).title : std::string());
  gap(1);
  // What is under way comes first: in a low panel its Cancel must not be below the edge.
  if (vm.can_cancel) {
    if (!vm.progress.empty()) progress(vm.progress, vm.fraction, state.now_s);
    buttons(state, vm, actions);
    gap(2);
  }
  if (loaded) {
    for (const FieldVm& f : vm.fields) field(f.key, f.value, actions, kKeyPx);
  } else {
    draft_form(state, memory, actions);
  }
  if (!vm.can_cancel) {
    gap(2);
    if (!vm.progress.empty()) progress(vm.progress, vm.fraction, state.now_s);
    buttons(state, vm, actions);
  }
  if (!state.session.link_text.empty()) {
    gap(1);
    wrapped(state.session.link_text, theme().colours.fence);
  }
  if (const SessionState& s = state.session; s.coming_bytes > 0) {
    gap(1);
    const double share = static_cast<double>(s.receiving_bytes) / static_cast<double>(s.coming_bytes);
    progress("receiving " + bytes_text(s.receiving_bytes) + " of " + bytes_text(s.coming_bytes), share, state.now_s);
  }
  if (!vm.refusal.empty()) {
    gap(1);
    wrapped(vm.refusal, theme().colours.stall);
    copy_menu("refusal", vm.refusal, actions);
  }
}

}  // namespace ui

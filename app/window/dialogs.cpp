#include "app/window/dialogs.h"

#include <imgui.h>
#include <misc/cpp/imgui_stdlib.h>
#include <portable_file_dialogs.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

namespace app {
namespace {

namespace fs = std::filesystem;

bool g_force_drawn = false;

struct Entry {
  std::string name;
  bool folder = false;
};

std::vector<Entry> list_folder(const fs::path& folder) {
  std::vector<Entry> entries;
  std::error_code failed;
  for (fs::directory_iterator it(folder, fs::directory_options::skip_permission_denied, failed),
       end;
       !failed && it != end; it.increment(failed)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string();
    if (!name.empty() && name[0] != '.') entries.push_back({name, it->is_directory(ignored)});
    if (entries.size() > 20000) break;
  }
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    return a.folder != b.folder ? a.folder : a.name < b.name;
  });
  return entries;
}

}  // namespace

struct Dialogs::State {
  std::unique_ptr<pfd::open_file> desktop_open;
  std::unique_ptr<pfd::save_file> desktop_save;
  std::function<void(std::vector<std::string>)> on_open;
  std::function<void(std::string)> on_save;
  // the drawn one
  bool drawn = false, appearing = false, saving = false;
  fs::path folder;
  std::string name;
  std::vector<Entry> entries;

  static bool desktop() { return !g_force_drawn && pfd::settings::available(); }

  void enter(const fs::path& to) {
    folder = to;
    entries = list_folder(to);
  }
  void show(bool save, const std::string& suggestion) {
    drawn = appearing = true;
    saving = save;
    name = suggestion;
    std::error_code ignored;
    enter(folder.empty() ? fs::current_path(ignored) : folder);
  }
  void answer() {
    const std::string path = fs::path(name).is_absolute() ? name : (folder / name).string();
    drawn = false;
    ImGui::CloseCurrentPopup();
    if (saving && on_save) on_save(path);
    if (!saving && on_open) on_open({path});
  }
};

void Dialogs::force_drawn(bool on) {
  g_force_drawn = on;
}

Dialogs::Dialogs() : m_state(std::make_unique<State>()) {}

Dialogs::~Dialogs() {
  // A desktop dialog that is still open would be waited for.
  if (m_state->desktop_open) m_state->desktop_open->kill();
  if (m_state->desktop_save) m_state->desktop_save->kill();
}

void Dialogs::ask_open(std::function<void(std::vector<std::string>)> answer) {
  m_state->on_open = std::move(answer);
  if (!State::desktop()) return m_state->show(false, {});
  m_state->desktop_open = std::make_unique<pfd::open_file>(
      "Open traces", "",
      std::vector<std::string>{"Traces and bundles",
                               "*.json *.json.gz *.json.zst *.csv *.csv.gz *.db *.rpd *.sqlite *.decodescope", "All files", "*"},
      pfd::opt::multiselect);
}

void Dialogs::ask_save(const std::string& suggestion, std::function<void(std::string)> answer) {
  m_state->on_save = std::move(answer);
  if (!State::desktop()) return m_state->show(true, suggestion);
  m_state->desktop_save = std::make_unique<pfd::save_file>(
      "Export runs", suggestion, std::vector<std::string>{"Bundles, reports and traces", "*.decodescope *.html *.md *.csv *.json *.json.gz *.pftrace", "All files", "*"});
}

bool Dialogs::poll() {
  if (m_state->desktop_open && m_state->desktop_open->ready(0)) {
    const std::vector<std::string> paths = m_state->desktop_open->result();
    m_state->desktop_open.reset();
    if (!paths.empty()) m_state->on_open(paths);
    return true;
  }
  if (m_state->desktop_save && m_state->desktop_save->ready(0)) {
    const std::string path = m_state->desktop_save->result();
    m_state->desktop_save.reset();
    if (!path.empty()) m_state->on_save(path);
    return true;
  }
  return false;
}

bool Dialogs::open() const {
  return m_state->drawn || m_state->desktop_open || m_state->desktop_save;
}

void Dialogs::draw() {
  State& s = *m_state;
  if (!s.drawn) return;
  const char* title = s.saving ? "Export runs" : "Open trace";
  if (std::exchange(s.appearing, false)) ImGui::OpenPopup(title);
  const ImGuiViewport* view = ImGui::GetMainViewport();
  ImGui::SetNextWindowPos({view->GetCenter().x, view->GetCenter().y}, ImGuiCond_Appearing,
                          {0.5f, 0.5f});
  ImGui::SetNextWindowSize(
      {std::min(640.0f, view->Size.x - 40), std::min(460.0f, view->Size.y - 40)},
      ImGuiCond_Appearing);
  if (!ImGui::BeginPopupModal(title, &s.drawn, ImGuiWindowFlags_NoSavedSettings)) {
    s.drawn = false;
    return;
  }
  ImGui::TextDisabled("%s", s.folder.c_str());
  ImGui::BeginChild("files", {0, -ImGui::GetFrameHeightWithSpacing() - 4});
  std::optional<fs::path> go;
  if (s.folder.has_parent_path() &&
      ImGui::Selectable("..", false, ImGuiSelectableFlags_NoAutoClosePopups))
    go = s.folder.parent_path();
  for (const Entry& entry : s.entries) {
    const std::string label = entry.name + (entry.folder ? "/" : "");
    if (!ImGui::Selectable(
            label.c_str(), s.name == entry.name,
            ImGuiSelectableFlags_NoAutoClosePopups | ImGuiSelectableFlags_AllowDoubleClick))
      continue;
    if (entry.folder)
      go = s.folder / entry.name;
    else
      s.name = entry.name;
    if (!entry.folder && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) s.answer();
  }
  ImGui::EndChild();
  if (go) s.enter(*go);
  ImGui::SetNextItemWidth(-160);
  const bool entered = ImGui::InputTextWithHint("##name", "file or path", &s.name,
                                                ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::SameLine();
  // What would be lost is said before it is; the id stays, for scripts.
  std::error_code ignored;
  const bool replaces = s.saving && !s.name.empty() && fs::is_regular_file(fs::path(s.name).is_absolute() ? fs::path(s.name) : s.folder / s.name, ignored);
  if ((ImGui::Button(replaces ? "Replace###Export" : s.saving ? "Export###Export" : "Open") || entered) && !s.name.empty()) s.answer();
  ImGui::SameLine();
  if (ImGui::Button("Cancel") || ImGui::IsKeyPressed(ImGuiKey_Escape)) {
    s.drawn = false;
    ImGui::CloseCurrentPopup();
  }
  ImGui::EndPopup();
}

}  // namespace app

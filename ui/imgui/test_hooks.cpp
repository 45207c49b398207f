// The ImGui that ships is compiled with the hooks of its test engine, so that tests drive the very
// program. Without the engine nothing calls them; these weak definitions let the program link.
// Tests bring the real ones.
#include <imgui.h>
#include <imgui_internal.h>

#define DS_WEAK __attribute__((weak))

DS_WEAK void ImGuiTestEngineHook_ItemAdd(ImGuiContext*, ImGuiID, const ImRect&,
                                         const ImGuiLastItemData*) {}
DS_WEAK void ImGuiTestEngineHook_ItemInfo(ImGuiContext*, ImGuiID, const char*,
                                          ImGuiItemStatusFlags) {}
DS_WEAK void ImGuiTestEngineHook_Log(ImGuiContext*, const char*, ...) {}
DS_WEAK const char* ImGuiTestEngine_FindItemDebugLabel(ImGuiContext*, ImGuiID) {
  return nullptr;
}

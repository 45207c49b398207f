#include "ui/theme.h"

#include <implot.h>

#include <string_view>

namespace ui {
namespace {

Theme g_theme;

void set_metrics(ImGuiStyle& s) {
  s.WindowPadding = {12, 8};
  s.FramePadding = {8, 4};
  s.CellPadding = {8, 3};
  s.ItemSpacing = {8, 6};
  s.ItemInnerSpacing = {6, 4};
  s.IndentSpacing = 16;
  s.ScrollbarSize = 11;
  s.GrabMinSize = 12;
  s.WindowBorderSize = 0;
  s.ChildBorderSize = 0;
  s.PopupBorderSize = 1;
  s.FrameBorderSize = 1;   // buttons and inputs on raised surfaces are of the surface's colour
  s.TabBorderSize = 0;
  s.TabBarBorderSize = 0;
  s.TabBarOverlineSize = 2;
  s.WindowRounding = 0;
  s.ChildRounding = 0;
  s.PopupRounding = 6;
  s.FrameRounding = 4;
  s.GrabRounding = 4;
  s.ScrollbarRounding = 6;
  s.TabRounding = 4;
  s.DockingSeparatorSize = 1;
  s.SeparatorTextBorderSize = 1;
  s.WindowMenuButtonPosition = ImGuiDir_None;
  s.HoverStationaryDelay = 0.1f;
}

void set_colours(ImGuiStyle& s, const Palette& p) {
  ImVec4* c = s.Colors;
  const Rgb hover = mix(p.raised, p.text, 0.08f), press = mix(p.raised, p.text, 0.16f);
  c[ImGuiCol_Text] = vec4(p.text);
  c[ImGuiCol_TextDisabled] = vec4(p.faint);
  c[ImGuiCol_WindowBg] = c[ImGuiCol_ChildBg] = vec4(p.panel);
  c[ImGuiCol_ChildBg].w = 0;
  c[ImGuiCol_PopupBg] = vec4(p.raised);
  c[ImGuiCol_Border] = c[ImGuiCol_Separator] = vec4(p.line);
  c[ImGuiCol_BorderShadow] = {0, 0, 0, 0};
  c[ImGuiCol_FrameBg] = c[ImGuiCol_Button] = vec4(p.raised);
  c[ImGuiCol_FrameBgHovered] = c[ImGuiCol_ButtonHovered] = vec4(hover);
  c[ImGuiCol_FrameBgActive] = c[ImGuiCol_ButtonActive] = vec4(press);
  c[ImGuiCol_CheckboxSelectedBg] = vec4(p.raised);
  c[ImGuiCol_TitleBg] = c[ImGuiCol_TitleBgActive] = c[ImGuiCol_TitleBgCollapsed] = vec4(p.panel);
  c[ImGuiCol_MenuBarBg] = vec4(p.panel);
  c[ImGuiCol_ScrollbarBg] = vec4(p.panel, 0);
  c[ImGuiCol_ScrollbarGrab] = vec4(mix(p.raised, p.text, 0.12f));
  c[ImGuiCol_ScrollbarGrabHovered] = vec4(mix(p.raised, p.text, 0.25f));
  c[ImGuiCol_ScrollbarGrabActive] = vec4(p.dim);
  c[ImGuiCol_CheckMark] = c[ImGuiCol_SliderGrab] = vec4(p.accent);
  c[ImGuiCol_SliderGrabActive] = vec4(p.text);
  c[ImGuiCol_Header] = vec4(p.accent, 0.13f);
  c[ImGuiCol_HeaderHovered] = vec4(p.text, 0.07f);
  c[ImGuiCol_HeaderActive] = vec4(p.accent, 0.2f);
  c[ImGuiCol_SeparatorHovered] = c[ImGuiCol_ResizeGripHovered] = vec4(p.accent, 0.6f);
  c[ImGuiCol_SeparatorActive] = c[ImGuiCol_ResizeGripActive] = vec4(p.accent);
  c[ImGuiCol_ResizeGrip] = vec4(p.line, 0);
  c[ImGuiCol_Tab] = c[ImGuiCol_TabDimmed] = vec4(p.panel);
  c[ImGuiCol_TabHovered] = vec4(hover);
  c[ImGuiCol_TabSelected] = c[ImGuiCol_TabDimmedSelected] = vec4(p.raised);
  c[ImGuiCol_TabSelectedOverline] = c[ImGuiCol_TabDimmedSelectedOverline] = vec4(p.accent);
  c[ImGuiCol_DockingPreview] = vec4(p.accent, 0.4f);
  c[ImGuiCol_DockingEmptyBg] = vec4(p.background);
  c[ImGuiCol_TableHeaderBg] = vec4(p.panel);
  c[ImGuiCol_TableBorderStrong] = c[ImGuiCol_TableBorderLight] = vec4(p.line);
  c[ImGuiCol_TableRowBg] = c[ImGuiCol_TableRowBgAlt] = {0, 0, 0, 0};
  c[ImGuiCol_TextSelectedBg] = vec4(p.accent, 0.3f);
  c[ImGuiCol_TextLink] = vec4(p.accent);
  c[ImGuiCol_DragDropTarget] = vec4(p.accent);
  c[ImGuiCol_DragDropTargetBg] = vec4(p.accent, 0.1f);
  c[ImGuiCol_NavCursor] = vec4(p.accent, 0.8f);
  c[ImGuiCol_InputTextCursor] = vec4(p.text);
  c[ImGuiCol_ModalWindowDimBg] = c[ImGuiCol_NavWindowingDimBg] = vec4(p.background, 0.5f);
  c[ImGuiCol_NavWindowingHighlight] = vec4(p.accent);
  c[ImGuiCol_PlotLines] = c[ImGuiCol_PlotHistogram] = vec4(p.accent);
  c[ImGuiCol_PlotLinesHovered] = c[ImGuiCol_PlotHistogramHovered] = vec4(p.text);
  c[ImGuiCol_TreeLines] = vec4(p.line);
  c[ImGuiCol_UnsavedMarker] = vec4(p.accent);
}

void set_plot_style(const Palette& p) {
  if (!ImPlot::GetCurrentContext()) return;
  ImPlotStyle& s = ImPlot::GetStyle();
  s.PlotPadding = {0, 4};
  s.PlotBorderSize = 0;
  s.LabelPadding = {4, 4};
  s.LegendPadding = {4, 4};
  s.MinorAlpha = 0;
  s.Colors[ImPlotCol_FrameBg] = s.Colors[ImPlotCol_PlotBg] =
      s.Colors[ImPlotCol_PlotBorder] = {0, 0, 0, 0};
  s.Colors[ImPlotCol_LegendBg] = vec4(p.raised, 0.9f);
  s.Colors[ImPlotCol_LegendBorder] = vec4(p.line);
  s.Colors[ImPlotCol_AxisText] = s.Colors[ImPlotCol_LegendText] = vec4(p.dim);
  s.Colors[ImPlotCol_AxisGrid] = vec4(p.line);
  s.Colors[ImPlotCol_AxisTick] = vec4(p.line);
  s.Colors[ImPlotCol_AxisBg] = s.Colors[ImPlotCol_AxisBgHovered] =
      s.Colors[ImPlotCol_AxisBgActive] = {0, 0, 0, 0};
  s.Colors[ImPlotCol_Selection] = vec4(p.accent);
  s.Colors[ImPlotCol_Crosshairs] = vec4(p.dim);
}

}  // namespace

const Theme& theme() {
  return g_theme;
}

Rgb mix(Rgb a, Rgb b, float t) {
  const auto blend = [t](uint8_t x, uint8_t y) {
    return static_cast<uint8_t>(static_cast<float>(x) +
                                (static_cast<float>(y) - static_cast<float>(x)) * t + 0.5f);
  };
  return {blend(a.r, b.r), blend(a.g, b.g), blend(a.b, b.b)};
}

void set_theme(ThemeName name, float font_scale) {
  g_theme.name = name;
  g_theme.colours = palette(name);
  ImGuiStyle s;
  set_metrics(s);
  s.ScaleAllSizes(font_scale);
  s.DockingSeparatorSize = 1;
  s.FontSizeBase = kTextPx;
  s.FontScaleMain = font_scale;
  set_colours(s, g_theme.colours);
  ImGui::GetStyle() = s;
  set_plot_style(g_theme.colours);
}

void set_fonts(const Fonts& fonts) {
  g_theme.fonts = fonts;
}

void update_theme_metrics() {
  if (!g_theme.fonts.mono) return;
  // Over many, since the size of a text is rounded up to a pixel.
  static constexpr std::string_view kFigures = "00000000000000000000000000000000";
  ImGui::PushFont(g_theme.fonts.mono, kTextPx);
  g_theme.mono_char_px = ImGui::CalcTextSize(kFigures.data(), kFigures.data() + kFigures.size()).x / static_cast<float>(kFigures.size());
  ImGui::PopFont();
}

}  // namespace ui

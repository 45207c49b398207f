#include "app/window/fonts.h"

#include <imgui.h>

#define DS_EMBEDDED(name) extern "C" const unsigned char embed_##name[], embed_##name##_end[]
DS_EMBEDDED(Roboto_Regular_ttf);
DS_EMBEDDED(Roboto_Bold_ttf);
DS_EMBEDDED(Inconsolata_Medium_ttf);
DS_EMBEDDED(Font_Awesome_6_Free_Solid_900_otf);

namespace app {
namespace {

ImFont* add(const unsigned char* begin, const unsigned char* end, float px, bool merge,
            float shift_px = 0) {
  ImFontConfig config;
  config.FontDataOwnedByAtlas = false;  // it lives in the binary
  config.MergeMode = merge;
  config.GlyphOffset = {0, shift_px};
  config.OversampleH = 2;
  // The atlas does not write to it, its signature only looks so.
  return ImGui::GetIO().Fonts->AddFontFromMemoryTTF(const_cast<unsigned char*>(begin),
                                                    static_cast<int>(end - begin), px, &config);
}

#define DS_ADD(name, px, ...) add(embed_##name, embed_##name##_end, px, __VA_ARGS__)

}  // namespace

void load_fonts() {
  ui::Fonts fonts;
  fonts.sans = DS_ADD(Roboto_Regular_ttf, ui::kTextPx, false);
  DS_ADD(Inconsolata_Medium_ttf, ui::kTextPx, true);  // arrows and ticks that Roboto lacks
  DS_ADD(Font_Awesome_6_Free_Solid_900_otf, ui::kTextPx * 0.8f, true);
  fonts.bold = DS_ADD(Roboto_Bold_ttf, ui::kTextPx, false);
  fonts.mono = DS_ADD(Inconsolata_Medium_ttf, ui::kTextPx, false);
  DS_ADD(Roboto_Regular_ttf, ui::kTextPx, true);
  DS_ADD(Font_Awesome_6_Free_Solid_900_otf, ui::kTextPx * 0.8f, true);
  ImGui::GetIO().FontDefault = fonts.sans;
  ui::set_fonts(fonts);
}

}  // namespace app

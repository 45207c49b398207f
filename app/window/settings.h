// What the window remembers from one start to the next: theme, text size, closed panels, recent
// files. JSON under the XDG configuration folder; a damaged or missing file means defaults.
#pragma once
#include <string>
#include <vector>

#include "ui/vm/palette.h"

namespace app {

struct Settings {
  ui::ThemeName theme = ui::ThemeName::dark;
  float font_scale = 1;
  std::vector<std::string> closed_panels;
  std::vector<std::string> recent_files;  // newest first, 12 at most
  std::vector<std::string> recent_hosts;  // newest first, 8 at most
  std::vector<std::string> kernel_groups; // "name = part | part"
};

// $XDG_CONFIG_HOME/decodescope, else ~/.config/decodescope; made if it is not there. Empty if it
// can't be.
std::string config_folder();
Settings load_settings();
// False when it could not be written.
bool save_settings(const Settings&);

}  // namespace app

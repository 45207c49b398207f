// The window as the command line sees it: opened live on a display, or rendered into a picture
// without one.
#pragma once
#include "app/cli.h"

namespace app {

// Exit code of the program: 0 done, 1 the work failed, 2 refused (no display, bad file for a
// screenshot).
int open_window(const WindowRequest&);
// Whether a window can be shown here; `why` says why not.
bool display_available(std::string* why);
// Both, for run_cli.
Window window_parts();

}  // namespace app

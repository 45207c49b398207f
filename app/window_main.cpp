#include "app/cli.h"
#include "app/window/window.h"

int main(int argc, char** argv) { return app::run_cli(argc, argv, app::window_parts()); }

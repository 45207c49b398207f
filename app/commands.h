// One add_*() a command: it declares the command's options and, when the command was named, sets `context.run`.
// Adding a command = a function here, its cmd_*.cpp, a line in cli.cpp.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "app/cli.h"

namespace CLI {
class App;
}

namespace app {

struct Context {
  const Window* window = nullptr;
  std::function<int()> run;   // what to do once the whole command line is parsed; returns the exit code
};

void add_start(CLI::App&, Context&);
void add_demo(CLI::App&, Context&);
void add_record(CLI::App&, Context&);
void add_ab(CLI::App&, Context&);
void add_sweep(CLI::App&, Context&);
void add_runs(CLI::App&, Context&);        // runs, show, delete, note, attach
void add_compare(CLI::App&, Context&);
void add_bubbles(CLI::App&, Context&);
void add_advise(CLI::App&, Context&);
void add_floors(CLI::App&, Context&);
void add_import(CLI::App&, Context&);
void add_export(CLI::App&, Context&);
void add_check(CLI::App&, Context&);
void add_bench(CLI::App&, Context&);
void add_doctor(CLI::App&, Context&);
void add_serve(CLI::App&, Context&);

// Opens the window, or says in one line why it can't (exit code 2).
int open_window(const Context&, const WindowRequest&);

}  // namespace app

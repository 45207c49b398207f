// Asking for files: the desktop's own dialog where there is one (zenity, kdialog ...), else one
// drawn by ImGui. Never blocks. Thread rule: main thread.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace app {

class Dialogs {
 public:
  Dialogs();
  ~Dialogs();

  // One dialog at a time: a new question replaces the one that is open.
  void ask_open(std::function<void(std::vector<std::string>)> answer);
  void ask_save(const std::string& suggestion, std::function<void(std::string)> answer);
  // Takes the answer of the desktop's dialog; true if there was one.
  bool poll();
  // The ImGui dialog, if that is the one in use; within a frame.
  void draw();
  bool open() const;
  // For tests and machines without a desktop: never the desktop's own.
  static void force_drawn(bool on);

 private:
  struct State;
  std::unique_ptr<State> m_state;
};

}  // namespace app

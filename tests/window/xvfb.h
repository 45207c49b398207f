// An X server without a screen, for as long as the object lives: on a display that is free, found by the server.
#pragma once
#include <sys/types.h>

#include <string>

namespace tests {

class Xvfb {
 public:
  Xvfb();    // throws when no server can be started; sets DISPLAY
  ~Xvfb();   // ends the server; DISPLAY is as it was
  Xvfb(const Xvfb&) = delete;
  Xvfb& operator=(const Xvfb&) = delete;
  const std::string& display() const { return m_display; }

 private:
  pid_t m_server = -1;
  std::string m_display, m_before;
  bool m_had_display = false;
};

}  // namespace tests

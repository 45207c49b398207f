// Pictures without a display: OpenGL through EGL's surfaceless platform (llvmpipe where there is no
// GPU) into a frame buffer of our own. Also where the GUI tests run without an X server. Thread
// rule: the thread that made it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "trace/result.h"

namespace app {

struct Picture {
  int width = 0, height = 0;
  std::vector<uint8_t> rgba;  // rows from the top, 4 bytes a pixel
};

// error: what could not be written and where.
trace::Status write_png(const Picture&, const std::string& path);

class Offscreen {
 public:
  // error: no EGL, no surfaceless platform, no OpenGL 3.3.
  static trace::Result<std::unique_ptr<Offscreen>> create(int width, int height);
  ~Offscreen();
  Offscreen(const Offscreen&) = delete;
  Offscreen& operator=(const Offscreen&) = delete;

  int width() const { return m_width; }
  int height() const { return m_height; }
  // Binds and clears; draw after it.
  void begin(float r, float g, float b);
  void finish() const;   // waits until all of it is drawn
  Picture picture() const;
  std::string renderer() const;  // "llvmpipe (LLVM 15.0.6, 256 bits)"

 private:
  Offscreen() = default;
  void* m_display = nullptr;
  void* m_context = nullptr;
  unsigned m_framebuffer = 0, m_texture = 0;
  int m_width = 0, m_height = 0;
};

}  // namespace app

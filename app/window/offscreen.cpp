#include "app/window/offscreen.h"

#define GL_GLEXT_PROTOTYPES
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GL/gl.h>
#include <GL/glext.h>

#include <libdeflate.h>

#include <cstdlib>

// stb's own deflate leaves a third more bytes.
static unsigned char* zlib_compress(unsigned char* data, int size, int* out_size, int) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(9);
  if (!compressor) return nullptr;
  const size_t most = libdeflate_zlib_compress_bound(compressor, static_cast<size_t>(size));
  auto* out = static_cast<unsigned char*>(std::malloc(most));  // stb frees it
  const size_t written =
      out ? libdeflate_zlib_compress(compressor, data, static_cast<size_t>(size), out, most) : 0;
  libdeflate_free_compressor(compressor);
  *out_size = static_cast<int>(written);
  return out;
}

#define STBIW_ZLIB_COMPRESS zlib_compress
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb_image_write.h>

#include <cstring>
#include <filesystem>

namespace app {
namespace {

trace::Error no_egl(const char* step) {
  char code[16];
  std::snprintf(code, sizeof code, "0x%x", static_cast<unsigned>(eglGetError()));
  return {"no offscreen OpenGL on this machine", std::string(step) + ", EGL error " + code};
}

}  // namespace

trace::Status write_png(const Picture& p, const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, ignored);
  std::vector<uint8_t> rgb;  // a window is opaque
  rgb.reserve(p.rgba.size() / 4 * 3);
  for (size_t i = 0; i < p.rgba.size(); i += 4) rgb.insert(rgb.end(), &p.rgba[i], &p.rgba[i] + 3);
  if (stbi_write_png(path.c_str(), p.width, p.height, 3, rgb.data(), p.width * 3) == 0)
    return trace::Error{"the picture could not be written", path};
  return trace::Ok{};
}

trace::Result<std::unique_ptr<Offscreen>> Offscreen::create(int width, int height) {
  if (width < 16 || height < 16 || width > 16384 || height > 16384)
    return trace::Error{"a picture is 16 to 16384 pixels wide and high",
                        std::to_string(width) + "x" + std::to_string(height)};
  std::unique_ptr<Offscreen> o(new Offscreen);
  o->m_width = width;
  o->m_height = height;
  EGLDisplay display =
      eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, nullptr);
  if (display == EGL_NO_DISPLAY || !eglInitialize(display, nullptr, nullptr))
    return no_egl("surfaceless display");
  o->m_display = display;
  if (!eglBindAPI(EGL_OPENGL_API)) return no_egl("desktop OpenGL");
  const EGLint wanted[] = {EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT,
                           EGL_NONE};
  EGLConfig config = nullptr;
  EGLint configs = 0;
  if (!eglChooseConfig(display, wanted, &config, 1, &configs) || configs == 0)
    return no_egl("configuration");
  const EGLint version[] = {EGL_CONTEXT_MAJOR_VERSION,
                            3,
                            EGL_CONTEXT_MINOR_VERSION,
                            3,
                            EGL_CONTEXT_OPENGL_PROFILE_MASK,
                            EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
                            EGL_NONE};
  o->m_context = eglCreateContext(display, config, EGL_NO_CONTEXT, version);
  if (o->m_context == EGL_NO_CONTEXT) return no_egl("OpenGL 3.3 context");
  if (!eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, o->m_context))
    return no_egl("making it current");
  glGenTextures(1, &o->m_texture);
  glBindTexture(GL_TEXTURE_2D, o->m_texture);
  glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, width, height, 0, GL_RGBA, GL_UNSIGNED_BYTE, nullptr);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
  glGenFramebuffers(1, &o->m_framebuffer);
  glBindFramebuffer(GL_FRAMEBUFFER, o->m_framebuffer);
  glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, o->m_texture, 0);
  if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
    return trace::Error{"no offscreen OpenGL on this machine",
                        "frame buffer of " + std::to_string(width) + "x" + std::to_string(height)};
  return o;
}

Offscreen::~Offscreen() {
  if (m_framebuffer) glDeleteFramebuffers(1, &m_framebuffer);
  if (m_texture) glDeleteTextures(1, &m_texture);
  if (m_context) {
    eglMakeCurrent(m_display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
    eglDestroyContext(m_display, m_context);
  }
  // The display is shared by the process and stays initialised: another Offscreen may live.
}

void Offscreen::begin(float r, float g, float b) {
  glBindFramebuffer(GL_FRAMEBUFFER, m_framebuffer);
  glViewport(0, 0, m_width, m_height);
  glClearColor(r, g, b, 1);
  glClear(GL_COLOR_BUFFER_BIT);
}

void Offscreen::finish() const { glFinish(); }

Picture Offscreen::picture() const {
  Picture p{m_width, m_height, {}};
  const size_t row = static_cast<size_t>(m_width) * 4;
  std::vector<uint8_t> upside_down(row * static_cast<size_t>(m_height));
  glBindFramebuffer(GL_FRAMEBUFFER, m_framebuffer);
  glPixelStorei(GL_PACK_ALIGNMENT, 1);
  glReadPixels(0, 0, m_width, m_height, GL_RGBA, GL_UNSIGNED_BYTE, upside_down.data());
  p.rgba.resize(upside_down.size());
  for (size_t y = 0; y < static_cast<size_t>(m_height); ++y) {
    std::memcpy(p.rgba.data() + y * row,
                upside_down.data() + (static_cast<size_t>(m_height) - 1 - y) * row, row);
  }
  for (size_t i = 3; i < p.rgba.size(); i += 4)
    p.rgba[i] = 255;  // blending leaves alpha that a picture has no use for
  return p;
}

std::string Offscreen::renderer() const {
  const auto* name = reinterpret_cast<const char*>(glGetString(GL_RENDERER));
  return name ? name : "unknown";
}

}  // namespace app

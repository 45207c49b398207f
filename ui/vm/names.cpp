#include "ui/vm/names.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

#include "trace/kernel_names.h"

namespace ui {

std::string demangled(std::string_view name) {
  if (!name.starts_with("_Z")) return std::string(name);
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(std::string(name).c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 && text ? std::string(text.get()) : std::string(name);
}

std::string_view unqualified(std::string_view name) {
  const std::string_view bare = trace::bare_kernel_name(name);
  if (name.starts_with("_Z")) return bare;  // what follows is a mangled signature
  return name.substr(static_cast<size_t>(bare.data() - name.data()));
}

int code_points(std::string_view text) {
  int n = 0;
  for (const char c : text) n += (c & 0xc0) != 0x80;
  return n;
}

namespace {

size_t byte_of(std::string_view text, int point) {
  size_t i = 0;
  for (; i < text.size(); ++i) {
    if ((text[i] & 0xc0) == 0x80) continue;
    if (point-- == 0) break;
  }
  return i;
}

}  // namespace

std::string clipped(std::string_view text, int chars) {
  if (code_points(text) <= chars) return std::string(text);
  if (chars < 4) return {};
  return std::string(text.substr(0, byte_of(text, chars - 1))) + "…";
}

std::string middle_clipped(std::string_view text, int chars) {
  const int points = code_points(text);
  if (points <= chars) return std::string(text);
  if (chars < 6) return clipped(text, chars);
  const int tail = (chars - 1) / 3, head = chars - 1 - tail;
  return std::string(text.substr(0, byte_of(text, head))) + "…" +
         std::string(text.substr(byte_of(text, points - tail)));
}

}  // namespace ui

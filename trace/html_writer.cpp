#include "trace/html_writer.h"

#include <nlohmann/json.hpp>

namespace trace {
namespace {

bool plain(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x7f) return false;
  return true;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  // nlohmann's dump replaces what is no UTF-8; parsing gives the plain text back.
  return nlohmann::json::parse(nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)).get<std::string>();
}

std::string html_escape(std::string_view raw) {
  const std::string text = plain(raw) ? std::string(raw) : valid_utf8(raw);
  std::string out;
  out.reserve(text.size() + 16);
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      case '\n': case '\t': out += c; break;
      default: out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return out;
}

std::string script_string(std::string_view text) {
  const std::string json = nlohmann::json(std::string(text)).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  std::string out;
  for (const char c : json) {
    if (c == '<') out += "\\u003c";
    else if (c == '>') out += "\\u003e";
    else if (c == '&') out += "\\u0026";
    else out += c;
  }
  return out;
}

}  // namespace trace

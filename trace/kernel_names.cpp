#include "trace/kernel_names.h"

#include <cctype>

namespace trace {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool in_identifier(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// Itanium mangling of a nested name: _ZN, then <length><identifier> each, up to template arguments
// or the end.
std::string_view last_identifier_of_mangled(std::string_view name) {
  size_t at = name.starts_with("_ZN") ? 3 : name.starts_with("_Z") ? 2 : name.size();
  std::string_view last;
  while (at < name.size() && is_digit(name[at])) {
    size_t length = 0;
    for (; at < name.size() && is_digit(name[at]) && length < name.size(); ++at)
      length = length * 10 + static_cast<size_t>(name[at] - '0');
    if (length == 0 || length > name.size() - at) return {};
    last = name.substr(at, length);
    at += length;
  }
  return last;
}

}  // namespace

std::string_view bare_kernel_name(std::string_view name) {
  if (const std::string_view mangled = last_identifier_of_mangled(name); !mangled.empty())
    return mangled;
  // Identifiers outside brackets; the last one before the call's bracket is the function. What a
  // bracket encloses
  // ("(anonymous namespace)", "Outer<int>") is skipped, and a scope after it goes on with "::".
  std::string_view function;
  bool scoped = false;
  for (size_t i = 0; i < name.size();) {
    const char c = name[i];
    if (c == '<' || c == '(') {
      int depth = 0;
      size_t close = i;
      for (; close < name.size(); ++close) {
        if (name[close] == '<' || name[close] == '(') ++depth;
        if ((name[close] == '>' || name[close] == ')') && --depth == 0) break;
      }
      const bool scope_goes_on = close + 2 < name.size() && name.substr(close + 1, 2) == "::";
      if (!scope_goes_on && !function.empty()) break;
      scoped = true;
      i = close + 1;
    } else if (in_identifier(c)) {
      size_t end = i;
      while (end < name.size() && in_identifier(name[end])) ++end;
      function = name.substr(i, end - i);
      i = end;
    } else if (c == ':' || c == ' ' || c == '&' || c == '*') {
      scoped = scoped || c == ':';
      ++i;
    } else {
      return name;  // a character that no C++ name has: "Memcpy2D H->D", "kernel.x"
    }
  }
  // Words without any C++ punctuation ("Memcpy DtoD (Device -> Device)") are a title, not a
  // signature.
  const bool signature = scoped || name.starts_with("void ") ||
                         name.find(' ') == std::string_view::npos ||
                         name.find_first_of("<(") < name.find(' ');
  return signature && function.size() >= 2 ? function : name;
}

}  // namespace trace

// HTML (and SVG) as text in which nothing from a trace can become markup: every argument that is text is escaped,
// unless it is Markup made here. Internal to report_*.cpp.
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace trace {

// Text that is markup already: from a literal or an HtmlWriter, never from outside.
struct Markup {
  std::string text;
};

// & < > " ' and control characters; what is no UTF-8 becomes U+FFFD. Good for text and for quoted attributes.
std::string html_escape(std::string_view);
// The same text, what is no UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view);
// A string of JSON, quotes included, that may stand inside a <script>.
std::string script_string(std::string_view);

class HtmlWriter {
 public:
  // fmt's format; text among the arguments is escaped.
  template <class... T>
  void put(std::string_view format, const T&... args) {
    auto safe = std::make_tuple(guard(args)...);
    std::apply([&](auto&... a) { m_out += fmt::vformat(fmt::string_view(format.data(), format.size()), fmt::make_format_args(a...)); }, safe);
  }
  void literal(std::string_view markup) { m_out += markup; }
  void add(const Markup& markup) { m_out += markup.text; }

  size_t size() const { return m_out.size(); }
  Markup take() { return {std::move(m_out)}; }

 private:
  template <class T>
  static auto guard(const T& value) {
    if constexpr (std::is_same_v<T, Markup>) return value.text;
    else if constexpr (std::is_convertible_v<const T&, std::string_view>) return html_escape(std::string_view(value));
    else return value;
  }

  std::string m_out;
};

}  // namespace trace

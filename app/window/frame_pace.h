// When the window draws. At once for a person; for what moves by itself, so seldom that drawing takes a small share of
// the time: where frames are drawn by the processor (llvmpipe) they take it from the engine, which uses every core.
// Pure but for what it remembers; times are seconds of one steady clock.
#pragma once
#include <algorithm>

namespace app {

class FramePace {
 public:
  static constexpr double kShare = 0.05;       // of the time that frames without a person may take
  static constexpr double kFastest_s = 0.1;    // between two of them
  static constexpr double kSlowest_s = 1.0;
  static constexpr double kIdlePoll_s = 0.25;
  static constexpr double kMeasured_s = 2;
  static constexpr int kFramesAfterInput = 4;  // ImGui settles hover, popups and docking within these

  void input() { m_left = kFramesAfterInput; }
  // A frame took from `begin_s` on until `end_s`, the wait for the display left out.
  void drawn(double begin_s, double end_s) {
    m_last_s = end_s;
    m_drawn_s += end_s - begin_s;
    if (m_since_s < 0) m_since_s = begin_s;
    if (end_s - m_since_s >= kMeasured_s) {
      m_share_pct = 100 * m_drawn_s / (end_s - m_since_s);
      m_since_s = end_s, m_drawn_s = 0;
    }
    // The cheapest of the recent ones is the frame; what made the others longer was the rest of the machine.
    m_cost_s = std::min(end_s - begin_s, m_cost_s * 1.1 + 1e-4);
    m_left = std::max(m_left - 1, 0);
  }
  // Of the last seconds, the part that went into frames; -1 until it is known.
  double share_pct() const { return m_share_pct; }
  bool settling() const { return m_left > 0; }
  double period_s() const { return std::clamp(m_cost_s / kShare, kFastest_s, kSlowest_s); }
  bool due(double now_s, bool moves) const { return settling() || (moves && now_s >= m_last_s + period_s()); }
  // How long to sleep when nobody does anything: the engine's mail is fetched once a frame, what came before the newest
  // step is not looked at.
  double sleep_s(double now_s, bool lively) const { return lively ? std::clamp(m_last_s + period_s() - now_s, 0.001, kSlowest_s) : kIdlePoll_s; }

 private:
  int m_left = kFramesAfterInput;
  double m_last_s = 0, m_cost_s = 1;
  double m_since_s = -1, m_drawn_s = 0, m_share_pct = -1;
};

}  // namespace app

#include "truth/compare.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace synwhy::truth {

namespace {

using Kind = model::TimerView::Kind;
using model::Counter;

/// Steps that inject a segment or wait for one.
bool is_exchange(const Step& step) {
    static const std::set<std::string, std::less<>> kOps{"syn",    "ack",      "fin",   "data",  "rst",     "seg",
                                                         "resend", "wait",     "until", "watch", "wallsec", "accept",
                                                         "close",  "rstclose", "shut",  "write", "read"};
    return kOps.contains(step.op);
}

bool counts_shown(const Step& step) { return step.counters.has_value() && !step.has_word("fast"); }

/// Loss recovery of connections moves these too, and is not what the model is for.
bool moved_by_loss_recovery(Counter counter) {
    return counter == Counter::tcp_timeouts || counter == Counter::tcp_retrans_segs ||
           counter == Counter::tcp_out_segs || counter == Counter::ip_out_requests;
}

/// What a segment holds is never a matter of timing; whether it came, what was counted and what was there can be.
bool hangs_on_time(std::string_view field) {
    return field != "options" && field != "seq" && field != "ack" && field != "TSecr" && field != "gone_at";
}

std::string flags_of(const core::TcpOptions& o) {
    std::string text;
    if (o.has_mss) text += "mss " + std::to_string(o.mss) + " ";
    if (o.has_sack_permitted) text += "sack ";
    if (o.has_timestamps) text += "ts ";
    if (o.has_window_scale) text += "ws " + std::to_string(o.window_scale) + " ";
    if (!text.empty()) text.pop_back();
    return text.empty() ? "none" : text;
}

}  // namespace

Comparison::Comparison(const Recording& recording, const model::Server& server, const Packets& packets, double late_s)
    : recording_(recording),
      server_(server),
      packets_(packets),
      late_s_(late_s),
      snapshots_(recording.steps.size()),
      rows_(recording.steps.size()) {}

void Comparison::skip(std::size_t step, const std::string& why) { skipped_[step] = why; }

void Comparison::outcome(std::size_t step, const model::Outcome& outcome) {
    rows_[step] = outcome.row != nullptr ? std::string(outcome.row->id) : std::string(to_string(outcome.fate));
}

void Comparison::differ(std::size_t step, std::string field, std::string expected, std::string got, std::string row) {
    Difference d;
    d.scenario = recording_.scenario;
    d.kernel = recording_.kernel;
    d.step = recording_.steps[step].number;
    d.line = recording_.steps[step].line;
    d.field = std::move(field);
    d.expected = std::move(expected);
    d.got = std::move(got);
    d.row = row.empty() ? rows_[step] : std::move(row);
    differences_.push_back(std::move(d));
}

void Comparison::extra(std::size_t step, const core::Segment& segment, const core::Row* row, bool by_timer) {
    Extra e;
    e.step = step;
    e.kind = kind_of(segment);
    e.tuple = {segment.destination, segment.source};
    e.row = row != nullptr ? std::string(row->id) : std::string{};
    e.by_timer = by_timer;
    e.t = recording_.steps[step].t;
    extras_.push_back(std::move(e));
}

void Comparison::field(std::size_t step, const char* name, std::uint32_t expected, std::uint32_t got,
                       const core::Row* row) {
    differ(step, name, std::to_string(expected), std::to_string(got),
           row != nullptr ? std::string(row->id) : std::string{});
}

void Comparison::options(std::size_t step, const core::Segment& expected, const core::Segment& got,
                         const core::Row* row) {
    const std::string id = row != nullptr ? std::string(row->id) : std::string{};
    if (flags_of(expected.options) != flags_of(got.options)) {
        differ(step, "options", flags_of(expected.options), flags_of(got.options), id);
        return;
    }
    if (got.options.has_timestamps && got.options.ts_echo != expected.options.ts_echo) {
        field(step, "TSecr", expected.options.ts_echo, got.options.ts_echo, row);
    }
}

void Comparison::text(std::size_t step, const char* name, const std::string& expected, const std::string& got) {
    differ(step, name, expected, got);
}

void Comparison::timer(const model::TimerView& timer, double earliest_s, double fires_s, double latest_s) {
    fired_.push_back({earliest_s, fires_s, latest_s, timer.kind, timer.tuple});
}

double Comparison::seen_gone(const core::FourTuple& tuple, double due_s, double latest_s) const {
    // `watch FLOW`: the flow's 4-tuple is that of the last segment injected under this name.
    for (std::size_t i = 0; i < recording_.steps.size(); ++i) {
        const Step& step = recording_.steps[i];
        if (step.op != "watch" || step.gone_at < due_s || step.gone_at > latest_s || step.words.size() < 2) continue;
        for (std::size_t j = i; j-- > 0;) {
            const Step& before = recording_.steps[j];
            if (!before.injected || before.words.size() < 2 || before.words[1] != step.words[1]) continue;
            if (before.injected->source == tuple.client && before.injected->destination == tuple.server) {
                return step.gone_at;
            }
            break;
        }
    }
    return 0;
}

std::string Comparison::name_of(const core::Endpoint& endpoint, const std::string& like) {
    std::string address = core::to_string(endpoint.address);
    if (like.find("::ffff:") != std::string::npos && endpoint.address.family == core::Family::ipv4) {
        address = "::ffff:" + address;
    }
    return address + ":" + std::to_string(endpoint.port);
}

void Comparison::end_of_step(std::size_t step, double end_s) {
    Snapshot& snapshot = snapshots_[step];
    snapshot.end_s = end_s;
    const Step& done = recording_.steps[step];
    snapshot.begin_s = std::min(end_s, std::max(done.t, done.t_injected));
    if (!done.received.empty()) snapshot.begin_s = std::min(end_s, std::max(snapshot.begin_s, done.received.back().t));
    for (std::size_t i = 0; i < model::kCounters; ++i) {
        snapshot.counters[i] = server_.counters()[static_cast<Counter>(i)];
    }
    if (!recording_.steps[step].sockets) return;
    const auto states = server_.count_states();
    for (std::size_t i = 0; i < model::kStates; ++i) {
        const auto state = static_cast<model::State>(i);
        if (state != model::State::closed && states[i] != 0) {
            snapshot.sockets[model::to_string(state)] = static_cast<std::int64_t>(states[i]);
        }
    }
    for (const auto id : server_.listeners()) {
        const auto view = server_.view_listener(id);
        snapshot.sockets["acceptq:" + std::to_string(view.local.port)] = view.accept_length;
    }
}

// ------------------------------------------------------------------------------------------------------ judging

void Comparison::judge_packets() {
    std::map<std::pair<std::size_t, core::FourTuple>, std::string> missing;
    for (const auto& [tuple, list] : packets_.all()) {
        for (const Recorded& r : list) {
            if (r.taken || r.repeat || r.reserved) continue;
            auto& kinds = missing[{r.step, tuple}];
            kinds += (kinds.empty() ? "" : "+") + r.sent->kind;
        }
    }
    for (const Extra& e : extras_) {
        // A timer due just before the end of the recording may have fired after it.
        if (e.by_timer && e.t > recording_.duration_s - late_s_) continue;
        const auto found = missing.find({e.step, e.tuple});
        const std::string expected = found != missing.end() ? found->second : "none";
        if (found != missing.end()) missing.erase(found);
        differ(e.step, e.by_timer ? "retransmission" : "verdict", expected, e.kind, e.row);
    }
    for (const auto& [where, kinds] : missing) differ(where.first, "verdict", kinds, "none");
}

std::int64_t Comparison::timers_near(std::size_t step, std::initializer_list<Kind> kinds) const {
    const Snapshot& read = snapshots_[step];
    return std::ranges::count_if(fired_, [&](const Fired& f) {
        constexpr double kEarly_s = 0.05;
        const double earliest_s = std::min(f.earliest_s, f.t - std::max(f.latest_s - f.t, late_s_));
        const bool near = earliest_s <= read.end_s && read.begin_s <= f.latest_s + kEarly_s;
        return near && std::ranges::find(kinds, f.kind) != kinds.end();
    });
}

std::int64_t Comparison::counter_slack(Counter counter, std::size_t step) const {
    if (counter == Counter::tcp_timeouts) return timers_near(step, {Kind::request_resend, Kind::request_expiry});
    if (counter == Counter::tw || counter == Counter::tw_killed) {
        return timers_near(step, {Kind::time_wait, Kind::fin_wait2});
    }
    if (counter == Counter::ip_in_receives || counter == Counter::ip_in_delivers) {
        // Repeated SYN+ACKs to our own broadcast address come back as copies.
        return std::ranges::count_if(fired_, [&](const Fired& f) {
            return server_.config().network.is_subnet_broadcast(f.tuple.client.address, true) &&
                   std::abs(f.t - snapshots_[step].end_s) <= late_s_;
        });
    }
    const bool by_resend = counter == Counter::tcp_syn_retrans || moved_by_loss_recovery(counter);
    return by_resend ? timers_near(step, {Kind::request_resend}) : 0;
}

bool Comparison::masked(Counter counter, double t_s) const {
    if (!moved_by_loss_recovery(counter)) return false;
    // A write of several segments leaves IP in fewer pieces, as segmentation offload likes it.
    if (counter == Counter::ip_out_requests) {
        for (const Step& step : recording_.steps) {
            if (step.t > t_s) break;
            if (std::ranges::count(step.received, "data", &Sent::kind) > 1) return true;
        }
    }
    const auto recovers = [&](const Fired& f) { return f.kind == Kind::retransmit && f.t <= t_s + late_s_; };
    if (std::ranges::any_of(fired_, recovers)) return true;
    for (const auto& [tuple, list] : packets_.all()) {
        for (const Recorded& r : list) {
            if (r.repeat && r.t <= t_s + late_s_) return true;
        }
    }
    return false;
}

void Comparison::judge_counters() {
    bool rt_cache_recorded = false;
    for (const Step& step : recording_.steps) {
        if (!step.counters) continue;
        for (const auto& [name, moved] : *step.counters) rt_cache_recorded |= name.starts_with("RtCache.");
    }
    for (std::size_t c = 0; c < model::kCounters; ++c) {
        const auto counter = static_cast<Counter>(c);
        const std::string name(model::counter_name(counter));
        if (name.starts_with("RtCache.") && !rt_cache_recorded) continue;
        std::int64_t recorded = 0;
        std::int64_t bias = 0;
        for (std::size_t i = 0; i < recording_.steps.size(); ++i) {
            const Step& step = recording_.steps[i];
            if (step.counters) {
                const auto moved = step.counters->find(name);
                if (moved != step.counters->end()) recorded += moved->second;
            }
            if (!counts_shown(step)) continue;
            const double t_s = snapshots_[i].end_s;
            if (masked(counter, t_s)) break;
            const std::int64_t got = static_cast<std::int64_t>(snapshots_[i].counters[c]) + bias;
            if (std::abs(got - recorded) <= counter_slack(counter, i)) continue;
            differ(i, name, std::to_string(recorded), std::to_string(got));
            bias += recorded - got;
        }
    }
}

void Comparison::judge_sockets() {
    for (std::size_t i = 0; i < recording_.steps.size(); ++i) {
        const Step& step = recording_.steps[i];
        if (!step.sockets || step.has_word("fast")) continue;
        std::map<std::string, std::pair<std::int64_t, std::int64_t>> both;
        for (const auto& [name, count] : *step.sockets) both[name].first = count;
        for (const auto& [name, count] : snapshots_[i].sockets) both[name].second = count;
        for (const auto& [name, counts] : both) {
            std::int64_t slack = 0;
            if (name == "SYN_RECV") slack = timers_near(i, {Kind::request_expiry});
            if (name == "TIME_WAIT") slack = timers_near(i, {Kind::time_wait});
            if (name == "FIN_WAIT2") slack = timers_near(i, {Kind::fin_wait2});
            if (std::abs(counts.first - counts.second) <= slack) continue;
            differ(i, name, std::to_string(counts.first), std::to_string(counts.second));
        }
    }
}

/// A watched socket must go when the model's went, within the timers' lateness.
void Comparison::judge_watches() {
    constexpr double kPolled_s = 0.1;
    for (std::size_t i = 0; i < recording_.steps.size(); ++i) {
        const Step& step = recording_.steps[i];
        // Gone before the watch began, or at once: nothing to time.
        if (step.op != "watch" || step.gone_at < 0 || step.gone_at - step.t < kPolled_s) continue;
        bool agrees = false;
        std::string when = "still there";
        for (const Fired& f : fired_) {
            const bool ends = f.kind != Kind::request_resend && f.kind != Kind::retransmit;
            if (!ends || f.t < step.t - late_s_) continue;
            when = std::to_string(f.t);
            agrees = agrees || (step.gone_at >= f.earliest_s - kPolled_s && step.gone_at <= f.latest_s + kPolled_s);
        }
        if (!agrees) differ(i, "gone_at", std::to_string(step.gone_at), when);
    }
}

/// Was what a step met decided by a timer that was due at that moment? Then the measurement says which came first, and
/// the model cannot know.
bool Comparison::ambiguous(std::size_t position) const {
    const Step& step = recording_.steps[position];
    // The host-wide limit is drawn anew every second, between half and one and a half of what is set.
    constexpr int kFew = 100;
    const bool challenged = rows_[position].starts_with("full-socket.");
    if (challenged && server_.config().settings.challenge_ack_limit <= kFew) return true;
    const double from_s = snapshots_[position].begin_s - late_s_;
    return std::ranges::any_of(fired_, [&](const Fired& f) {
        const double span_s = std::max(f.latest_s - f.t, late_s_);
        if (std::min(f.earliest_s, f.t - span_s) > snapshots_[position].end_s || f.latest_s < from_s) return false;
        const bool own = step.injected && f.tuple.client == step.injected->source;
        const bool queue = f.kind == Kind::request_expiry || f.kind == Kind::request_resend;
        return own || (queue && step.injected && step.injected->is_syn() && rows_[position] != "lookup.no-listener");
    });
}

/// From the first difference that hangs on such a moment on, the two runs tell different stories.
void Comparison::cut_at_ambiguity() {
    std::size_t first = recording_.steps.size();
    for (std::size_t i = 0; i < first; ++i) {
        const int number = recording_.steps[i].number;
        const bool differs = std::ranges::any_of(
            differences_, [&](const Difference& d) { return d.step == number && hangs_on_time(d.field); });
        if (differs && ambiguous(i)) first = i;
    }
    for (std::size_t i = first; i < recording_.steps.size(); ++i) {
        const int number = recording_.steps[i].number;
        std::erase_if(differences_, [&](const Difference& d) { return d.step == number; });
        skipped_.try_emplace(i, i == first ? "a timer of this queue or connection was due at this moment"
                                           : "follows a step that a timer decided");
    }
}

Replayed Comparison::finish() {
    judge_packets();
    judge_counters();
    judge_sockets();
    judge_watches();
    cut_at_ambiguity();
    Replayed result;
    result.scenario = recording_.scenario;
    result.kernel = recording_.kernel;
    std::set<int> differing;
    for (const Difference& d : differences_) differing.insert(d.step);
    for (std::size_t i = 0; i < recording_.steps.size(); ++i) {
        const Step& step = recording_.steps[i];
        if (!is_exchange(step)) continue;
        ++result.steps;
        if (const auto why = skipped_.find(i); why != skipped_.end()) {
            result.not_comparable.push_back(std::to_string(step.number) + ": " + why->second);
            continue;
        }
        ++result.comparable;
        if (!differing.contains(step.number)) ++result.agree;
    }
    std::ranges::stable_sort(differences_, {}, &Difference::step);
    result.differences = std::move(differences_);
    return result;
}

}  // namespace synwhy::truth

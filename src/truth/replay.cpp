// Replays one recording through the model; what is compared with what stands in compare.cpp.
#include "truth/replay.hpp"

#include <charconv>
#include <cmath>

#include "truth/compare.hpp"
#include "truth/packets.hpp"
#include "truth/segment_of_step.hpp"

namespace synwhy::truth {

namespace {

using core::FourTuple;
using core::Segment;
using model::Outgoing;
namespace flag = core::tcp_flag;

constexpr double kReplyWait_s = 3.0;  ///< an emulated guest on a busy machine may take this long to answer

int int_of(std::string_view digits, int otherwise) {
    int value = otherwise;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

/// The kernel's numbers and the model's, for one connection.
struct Numbers {
    bool known = false;
    std::uint32_t sequence_offset = 0;                              ///< recorded - model
    std::vector<std::pair<std::uint32_t, std::uint32_t>> tsvals{};  ///< recorded, model
};

std::optional<int> scale_shown(const Recording& recording) {
    for (const Step& step : recording.steps) {
        for (const Sent& sent : step.received) {
            if (sent.kind == "synack" && sent.segment.options.has_window_scale) {
                return std::min<int>(sent.segment.options.window_scale, 14);
            }
        }
    }
    return std::nullopt;
}

model::ServerConfig config_of(const Recording& recording, const core::Kernel& kernel) {
    model::ServerConfig config;
    config.kernel = kernel;
    config.settings = model::Settings::defaults_of(kernel);
    for (const auto& [name, value] : recording.sysctls) config.settings.set(name, value, kernel);
    if (!recording.sysctls.contains("net.ipv4.tcp_rmem")) {
        // The scale offered follows from the machine's memory: read it off the first SYN+ACK.
        if (const auto scale = scale_shown(recording))
            config.settings.rmem_max_bytes = *scale == 0 ? 65535 : 65535 << *scale;
    }
    config.hz = recording.hz;
    config.boot_ns = static_cast<std::int64_t>((recording.wall_start_s - 600) * 1e9);
    // A kernel that somebody built from a release tarball has MD5 only when it shows it; distributions have it.
    config.md5_configured = recording.kernel.find('-') != std::string::npos;
    for (const Step& step : recording.steps) {
        if (step.counters && step.counters->contains("TcpExt.TCPMD5Unexpected")) config.md5_configured = true;
    }
    // Since TCP-AO (6.7) the options are parsed in nearly every build.
    if (kernel.behaviours.malformed_md5_dropped) config.md5_configured = true;
    return config;
}

class Replay {
  public:
    Replay(const Recording& recording, const core::Kernel& kernel)
        : recording_(recording),
          packets_(recording, ticks_of(recording, kernel)),
          server_(config_of(recording, kernel)),
          comparison_(recording, server_, packets_, lateness_of(kernel)) {
        late_s_ = lateness_of(kernel);
        server_.set_lateness(&Replay::lateness, this);
    }

    Replayed run() {
        for (position_ = 0; position_ < recording_.steps.size(); ++position_) {
            perform(recording_.steps[position_]);
            const double end_s = end_of(position_);
            advance(end_s);
            comparison_.end_of_step(position_, end_s);
        }
        // What is due now would have fired at any moment: the last step's counters may hold it or not.
        model::Outbox ignored;
        server_.advance(to_ns(recording_.duration_s + late_s_), ignored);
        return comparison_.finish();
    }

  private:
    /// When the harness read the counters after a step: before the next one, after the last one's own waiting.
    [[nodiscard]] double end_of(std::size_t position) const {
        const Step& step = recording_.steps[position];
        if (position + 1 < recording_.steps.size()) return recording_.steps[position + 1].t;
        double waited_s = 0.03;
        if (step.op == "wait" && step.words.size() > 1) waited_s = int_of(step.words[1], 0) / 1000.0;
        if (step.op == "watch") waited_s = step.watched_s;
        const double read_s = step.received.empty() ? 0 : step.received.back().t;
        return std::min(recording_.duration_s, std::max(step.t_injected + waited_s, read_s));
    }

    /// How late a SYN+ACK timer may be: the sweep visits every request twice in an initial RTO, plus a busy machine.
    static double lateness_of(const core::Kernel& kernel) {
        const double rto_s = kernel.behaviours.initial_rto_ms / 1000.0;
        return kernel.behaviours.requests_swept ? 0.5 * rto_s + 0.9 : 0.7;
    }

    static double ticks_of(const Recording& recording, const core::Kernel& kernel) {
        const auto clock = kernel.behaviours.timestamp_clock;
        const bool jiffies = clock == core::TimestampClock::jiffies || clock == core::TimestampClock::jiffies_pair;
        return jiffies ? recording.hz : 1000.0;
    }

    /// Time never runs back, whatever a recording says.
    [[nodiscard]] std::int64_t to_ns(double t_s) {
        now_s_ = std::max(now_s_, t_s);
        t_s = now_s_;
        return static_cast<std::int64_t>(std::llround((recording_.wall_start_s + t_s) * 1e9));
    }
    [[nodiscard]] double to_s(std::int64_t ns) const { return static_cast<double>(ns) / 1e9 - recording_.wall_start_s; }

    static std::int64_t lateness(void* self, const model::TimerView& timer) {
        return static_cast<Replay*>(self)->lateness(timer);
    }

    std::int64_t lateness(const model::TimerView& timer) {
        const auto& rules = server_.config().kernel.behaviours;
        const double due_s = to_s(timer.due_ns);
        const double delay_s = static_cast<double>(timer.delay_ns) / 1e9;
        double latest_s = due_s + late_s_ +
                          static_cast<double>(model::timer_granularity_ns(rules, recording_.hz, timer.delay_ns)) / 1e9;
        double earliest_s = due_s;
        if (timer.from_rto) {
            // 3.5 times an RTO that a busy guest measured for itself; above 4 s the slow wheel makes 15 s of it.
            earliest_s -= delay_s / 2;
            latest_s += rules.time_wait_wheel ? 16.0 : delay_s;
        }
        std::int64_t late_ns = 0;
        switch (timer.kind) {
            case model::TimerView::Kind::request_resend:
                if (const auto sent = packets_.reserve(timer.tuple, due_s, latest_s)) {
                    late_ns = static_cast<std::int64_t>((*sent - due_s) * 1e9);
                } else {
                    // Not seen: it may come as late as timers do, or a repeated SYN restarts it before.
                    late_ns = static_cast<std::int64_t>((latest_s - due_s) * 1e9);
                }
                break;
            case model::TimerView::Kind::request_expiry:
            case model::TimerView::Kind::time_wait:
            case model::TimerView::Kind::fin_wait2: {
                const double gone_s = comparison_.seen_gone(timer.tuple, due_s, latest_s);
                if (gone_s > due_s) late_ns = static_cast<std::int64_t>((gone_s - due_s) * 1e9);
                break;
            }
            case model::TimerView::Kind::retransmit: break;
        }
        late_ns = std::max<std::int64_t>(0, late_ns);
        comparison_.timer(timer, earliest_s, due_s + static_cast<double>(late_ns) / 1e9, latest_s);
        return late_ns;
    }

    void advance(double t_s) {
        // One timer after the other, so that what was reserved for one is taken before the next one asks.
        const std::int64_t end_ns = to_ns(t_s);
        for (std::int64_t next_ns = server_.next_deadline_ns(); next_ns <= end_ns;
             next_ns = server_.next_deadline_ns()) {
            model::Outbox out;
            server_.advance(next_ns, out);
            match_timers(out);
        }
    }

    void match_timers(const model::Outbox& out) {
        for (const Outgoing& sent : out) {
            const FourTuple tuple{sent.segment.destination, sent.segment.source};
            const std::string_view kind = kind_of(sent.segment);
            if (kind != "synack") {  // loss recovery of a connection, whose time is its own
                packets_.take(tuple, kind, recording_.steps[position_].t, recording_.duration_s);
                continue;
            }
            Recorded* recorded = packets_.take_reserved(tuple);
            if (recorded == nullptr) {
                comparison_.extra(position_, sent.segment, nullptr, true);
                continue;
            }
            check_fields(sent.segment, *recorded, nullptr, false);
        }
    }

    /// Replies to what was injected or done in this step.
    void match_replies(const model::Outbox& out, double from_s, const model::Outcome* outcome) {
        const bool fresh =
            outcome != nullptr && (outcome->fate == model::Fate::answered || outcome->fate == model::Fate::cookie);
        for (const Outgoing& sent : out) {
            const FourTuple tuple{sent.segment.destination, sent.segment.source};
            const core::Row* row = outcome != nullptr ? outcome->row : nullptr;
            if (sent.retransmission && std::string_view(kind_of(sent.segment)) != "synack") continue;
            constexpr double kClock_s = 0.005;
            Recorded* recorded = packets_.take(tuple, kind_of(sent.segment), from_s - kClock_s, from_s + kReplyWait_s);
            if (recorded == nullptr) {
                comparison_.extra(position_, sent.segment, row, false);
                continue;
            }
            check_fields(sent.segment, *recorded, row, fresh);
        }
    }

    void check_fields(const Segment& got, const Recorded& recorded, const core::Row* row, bool fresh) {
        const Segment& expected = recorded.sent->segment;
        Numbers& numbers = numbers_[{got.destination, got.source}];
        const auto offset = expected.sequence - got.sequence;
        const bool is_synack = std::string_view(kind_of(got)) == "synack";
        if (is_synack && (fresh || !numbers.known)) {
            if (reopened_ && numbers.known && !follows_rule(offset - numbers.sequence_offset)) {
                comparison_.field(position_, "seq", expected.sequence - numbers.sequence_offset, got.sequence, row);
            }
            numbers.known = true;
            numbers.sequence_offset = offset;
        } else if (numbers.known && (got.flags & flag::rst) == 0 && offset != numbers.sequence_offset) {
            comparison_.field(position_, "seq", expected.sequence - numbers.sequence_offset, got.sequence, row);
        }
        if ((got.flags & flag::ack) != 0 && got.acknowledgment != expected.acknowledgment) {
            comparison_.field(position_, "ack", expected.acknowledgment, got.acknowledgment, row);
        }
        comparison_.options(position_, expected, got, row);
        if (expected.options.has_timestamps && got.options.has_timestamps) {
            numbers.tsvals.emplace_back(expected.options.ts_value, got.options.ts_value);
        }
    }

    /// A fresh ISN runs on a clock of 64 ns, read when the segment is handled.
    [[nodiscard]] bool follows_rule(std::uint32_t apart) const {
        if (!server_.config().kernel.behaviours.reopened_isn_is_fresh) return apart == 0;
        constexpr std::int32_t kHalfSecond = 500'000'000 / 64;
        return std::abs(static_cast<std::int32_t>(apart)) < kHalfSecond;
    }

    /// What the client copied from the kernel's segments, in the model's numbers.
    void translate(Segment& segment) {
        const auto found = numbers_.find({segment.source, segment.destination});
        if (found == numbers_.end()) return;
        const Numbers& numbers = found->second;
        if (numbers.known && (segment.flags & flag::ack) != 0) segment.acknowledgment -= numbers.sequence_offset;
        if (numbers.tsvals.empty() || segment.options.ts_echo == 0) return;
        auto [recorded, ours] = numbers.tsvals.back();
        for (const auto& pair : numbers.tsvals) {
            if (pair.first == segment.options.ts_echo) std::tie(recorded, ours) = pair;
        }
        segment.options.ts_echo = segment.options.ts_echo - recorded + ours;
    }

    void inject(const Step& step) {
        auto injection = injection_of(step);
        if (!injection || step.write_failed) {
            comparison_.skip(position_, step.write_failed ? "the harness could not inject it" : "no TCP segment");
            return;
        }
        advance(step.t_injected);
        translate(injection->segment);
        model::Outbox out;
        const auto outcome = server_.receive(injection->segment, injection->arrival, to_ns(step.t_injected), out);
        reopened_ = outcome.reopened;
        comparison_.outcome(position_, outcome);
        match_replies(out, step.t_injected, &outcome);
        reopened_ = false;
    }

    void listen(const Step& step) {
        if (step.result.find("bind=ok listen=ok") == std::string::npos) return;
        const bool is6 = step.has_word("v6");
        model::ListenOptions options;
        options.local.address.family = is6 ? core::Family::ipv6 : core::Family::ipv4;
        if (const auto address = core::parse_address(step.key("addr"))) {
            options.local.address = *address;
        } else if (is6) {
            options.local.address.bytes.fill(0);
        } else {
            const std::array<std::uint8_t, 4> any{};
            options.local.address = core::Address::from_ipv4(any.data());
        }
        options.local.port = static_cast<std::uint16_t>(int_of(step.key("port"), 80));
        options.backlog = int_of(step.key("backlog"), 128);
        options.defer_accept_s = int_of(step.key("defer"), 0);
        options.min_ttl = int_of(step.key("minttl"), 0);
        options.synack_retries = int_of(step.key("synrexmt"), 0);
        options.filter_drops = !step.key("filter").empty();
        if (const auto id = server_.listen(options, to_ns(step.t))) listeners_[step.words.at(1)] = *id;
    }

    void accept(const Step& step) {
        std::string got = "Resource temporarily unavailable";
        const auto listener = listeners_.find(step.words.at(1));
        if (listener != listeners_.end()) {
            if (const auto socket = server_.accept(listener->second, to_ns(step.t))) {
                const auto as = step.key("as");
                sockets_[as.empty() ? "C" : std::string(as)] = *socket;
                const auto view = server_.view(*socket);
                got = "accepted " + comparison_.name_of(view->tuple.client, step.result);
                if (view->state == model::State::closed) got = step.result;  // its name went with its 4-tuple
            }
        }
        if (step.result != got) comparison_.text(position_, "accept", step.result, got);
    }

    void socket_call(const Step& step) {
        const auto found = sockets_.find(step.words.at(1));
        const auto listener = listeners_.find(step.words.at(1));
        model::Outbox out;
        const std::int64_t now = to_ns(step.t);
        const auto length = static_cast<std::uint64_t>(std::max(0, int_of(step.key("len"), 1)));
        if (found == sockets_.end()) {
            if (listener != listeners_.end() && step.op == "close") server_.close_listener(listener->second, now, out);
        } else if (step.op == "close") {
            server_.close(found->second, now, out);
        } else if (step.op == "rstclose") {
            server_.reset(found->second, now, out);
        } else if (step.op == "shut") {
            server_.shutdown_write(found->second, now, out);
        } else if (step.op == "write") {
            server_.write(found->second, length, now, out);
        } else if (step.op == "read") {
            server_.read(found->second, 65536, now, out);
        }
        match_replies(out, step.t, nullptr);
    }

    void perform(const Step& step) {
        const std::string& op = step.op;
        if (op == "syn" || op == "ack" || op == "fin" || op == "data" || op == "rst" || op == "seg" || op == "resend") {
            return inject(step);
        }
        advance(step.t);
        if (step.words.size() > 1 && op == "listen") return listen(step);
        if (step.words.size() > 1 && op == "accept") return accept(step);
        if (op == "set" && step.words.size() > 2 && step.result != "absent") {
            server_.settings().set(step.words[1], step.words[2], server_.config().kernel);
        } else if (op == "relisten" && step.words.size() > 1 && listeners_.contains(step.words[1])) {
            server_.relisten(listeners_[step.words[1]], int_of(step.key("backlog"), 128));
        } else if (op == "route" && step.words.size() > 1) {
            server_.network().set_default_route(step.words[1] == "add");
        } else if (step.words.size() > 1 && (op == "close" || op == "rstclose" || op == "shut" || op == "write" ||
                                             op == "read" || op == "soerror")) {
            socket_call(step);
        }
    }

    const Recording& recording_;
    Packets packets_;
    model::Server server_;
    Comparison comparison_;
    double late_s_ = 0;
    double now_s_ = 0;
    bool reopened_ = false;
    std::size_t position_ = 0;
    std::map<FourTuple, Numbers> numbers_{};
    std::map<std::string, model::ListenerId, std::less<>> listeners_{};
    std::map<std::string, model::SocketId, std::less<>> sockets_{};
};

}  // namespace

Replayed replay(const Recording& recording) {
    const auto kernel = core::resolve_kernel(recording.kernel +
                                             (recording.kernel_version.empty() ? "" : " " + recording.kernel_version));
    if (!kernel) {
        Replayed nothing;
        nothing.scenario = recording.scenario;
        nothing.kernel = recording.kernel;
        nothing.not_comparable.push_back("no kernel release in \"" + recording.kernel + "\"");
        return nothing;
    }
    return Replay(recording, *kernel).run();
}

}  // namespace synwhy::truth

// How is a script played? One function per kind of step, against an Engine.
#include <algorithm>
#include <map>
#include <utility>

#include "sim/script.hpp"
#include "sim/script_flow.hpp"
#include "sim/script_words.hpp"

namespace synwhy::sim {
namespace {

using std::string_view;

constexpr std::int64_t kMillisecond_ns = 1'000'000;
constexpr std::int64_t kSegmentWindow_ms = 30;
constexpr std::int64_t kAcceptWindow_ms = 5;
constexpr std::int64_t kWatchPeriod_ns = 10 * kMillisecond_ns;
constexpr std::uint64_t kReadBytes = 65536;

struct Socket {
    Handle handle = 0;
    bool listener = false;
};

class Player {
  public:
    Player(string_view name, Engine& engine) : name_(name), engine_(engine) {}

    Result<std::vector<StepResult>> play(std::span<const Step> steps,
                                         const std::function<void(const StepResult&)>& on_step) {
        counted_ = engine_.counters();
        mark_ns_ = engine_.now_ns();
        std::vector<StepResult> results;
        results.reserve(steps.size());
        for (const Step& step : steps) {
            StepResult result{.step = step, .began_ns = engine_.now_ns()};
            if (auto done = play(step, result); !done) {
                core::Error error = done.error();
                if (error.where.empty()) error.where = std::string(name_) + ":" + std::to_string(step.line);
                return std::unexpected(std::move(error));
            }
            if (on_step) on_step(result);
            results.push_back(std::move(result));
        }
        return results;
    }

  private:
    std::unexpected<core::Error> fail(const Step& step, std::size_t column, std::string what) const {
        std::string where = std::string(name_) + ":" + std::to_string(step.line);
        if (column != 0) where += ":" + std::to_string(column);
        return std::unexpected(core::Error{std::move(what), std::move(where)});
    }

    Result<void> play(const Step& step, StepResult& result) {
        switch (step.op) {
            case Op::desc:
            case Op::needs:
            case Op::only: return {};
            case Op::set: return set(step, result);
            case Op::listen: return listen(step, result);
            case Op::relisten: return relisten(step, result);
            case Op::accept: return accept(step, result);
            case Op::close:
            case Op::rstclose:
            case Op::shut:
            case Op::write:
            case Op::read: return call(step, result);
            case Op::flow: return flow(step);
            case Op::like: return like(step);
            case Op::syn:
            case Op::ack:
            case Op::data:
            case Op::fin:
            case Op::rst:
            case Op::seg:
            case Op::resend: return send(step, result);
            case Op::wait:
            case Op::until: return wait(step, result);
            case Op::mark: mark_ns_ = step.has_word("inj") ? injected_ns_ : engine_.now_ns(); return {};
            case Op::watch: return watch(step, result);
            case Op::route: {
                result.result = "ok";
                auto done = engine_.set_default_route(step.names[0].text == "add");
                look(result);
                return done;
            }
            case Op::socks: look(result); return {};
        }
        return {};
    }

    Result<void> set(const Step& step, StepResult& result) {
        std::string value = step.names[1].text;
        for (const Word& word : std::span(step.names).subspan(2)) value += ' ' + word.text;
        auto change = engine_.set_sysctl(step.names[0].text, value);
        if (!change) return std::unexpected(change.error());
        switch (change->status) {
            case SysctlChange::Status::ok: result.result = "ok"; break;
            case SysctlChange::Status::absent: result.result = "absent"; break;
            case SysctlChange::Status::refused: result.result = change->reason; break;
        }
        result.old_value = std::move(change->old_value);
        result.new_value = std::move(change->new_value);
        return {};
    }

    Result<void> listen(const Step& step, StepResult& result) {
        ListenOptions listener;
        const bool ipv6 = step.has_word("v6") || step.has_word("v6only");
        listener.local.address = *core::parse_address(ipv6 ? "::" : "0.0.0.0");
        if (const Word* own = step.key("addr")) listener.local.address = *core::parse_address(own->text);
        listener.local.port = static_cast<std::uint16_t>(step.number("port", 80));
        listener.v6_only = step.has_word("v6only");
        listener.has_md5_key = step.has_word("md5");
        listener.backlog = static_cast<int>(step.number("backlog", 128));
        listener.defer_accept_s = static_cast<int>(step.number("defer", 0));
        listener.min_ttl = static_cast<int>(step.number("minttl", 0));
        listener.synack_retries = static_cast<int>(step.number("synrexmt", 0));
        listener.filter_drops = step.number("filter", 0) != 0;
        listener.receive_buffer_bytes = static_cast<int>(step.number("rcvbuf", 0));
        auto handle = engine_.listen(listener);
        if (!handle) return std::unexpected(handle.error());
        result.result = *handle ? "ok" : "address in use";
        if (*handle) sockets_[step.names[0].text] = {**handle, true};
        look(result);
        return {};
    }

    const Socket* find(const Step& step) const {
        const auto found = sockets_.find(step.names[0].text);
        return found == sockets_.end() ? nullptr : &found->second;
    }

    std::unexpected<core::Error> no_socket(const Step& step, string_view what) const {
        return fail(step, step.names[0].column, "no " + std::string(what) + " '" + step.names[0].text + "'");
    }

    Result<void> relisten(const Step& step, StepResult& result) {
        const Socket* const socket = find(step);
        if (socket == nullptr || !socket->listener) return no_socket(step, "listener");
        result.result = "ok";
        auto done = engine_.relisten(socket->handle, static_cast<int>(step.number("backlog", 128)));
        look(result);
        return done;
    }

    Result<void> accept(const Step& step, StepResult& result) {
        const Socket* const socket = find(step);
        if (socket == nullptr || !socket->listener) return no_socket(step, "listener");
        auto accepted = engine_.accept(socket->handle);
        if (!accepted) return std::unexpected(accepted.error());
        result.result = "nothing queued";
        if (*accepted) {
            const Word* const as = step.key("as");
            sockets_[as != nullptr ? as->text : "C"] = {(*accepted)->socket, false};
            result.result = "accepted " + core::to_string((*accepted)->peer);
        }
        if (auto done = collect(step.number("w", kAcceptWindow_ms), result); !done) return done;
        look(result);
        return {};
    }

    /// Calls on a connection, and close() of a listener.
    Result<void> call(const Step& step, StepResult& result) {
        const Socket* const found = find(step);
        // A script goes on after an accept() that found nothing; what would have used the connection is a no-op then.
        if (found == nullptr) {
            result.result = "no such socket";
            look(result);
            return {};
        }
        const Socket socket = *found;
        const bool closes = step.op == Op::close || step.op == Op::rstclose;
        if (socket.listener && !closes) return no_socket(step, "connection");
        if (auto done = call(step, socket, result); !done) return done;
        if (closes) sockets_.erase(step.names[0].text);
        if (auto done = collect(step.number("w", kSegmentWindow_ms), result); !done) return done;
        look(result);
        return {};
    }

    Result<void> call(const Step& step, const Socket& socket, StepResult& result) {
        result.result = "ok";
        if (socket.listener) return engine_.close_listener(socket.handle);
        if (step.op == Op::close) return engine_.close(socket.handle);
        if (step.op == Op::rstclose) return engine_.reset(socket.handle);
        if (step.op == Op::shut) return engine_.shutdown_write(socket.handle);
        const auto moved = step.op == Op::write
                               ? engine_.write(socket.handle, static_cast<std::uint64_t>(step.number("len", 1)))
                               : engine_.read(socket.handle, kReadBytes);
        if (!moved) return std::unexpected(moved.error());
        result.result = std::to_string(*moved);
        return {};
    }

    Result<void> flow(const Step& step) {
        detail::Flow* const flow = flows_.get(step.names[0].text);
        if (flow == nullptr) return too_many(step);
        flows_.apply(step, *flow);
        return {};
    }

    std::unexpected<core::Error> too_many(const Step& step) const {
        return fail(step, step.names[0].column, "more than 4000 flows");
    }

    Result<void> like(const Step& step) {
        const detail::Flow* const old = flows_.find(step.names[1].text);
        if (old == nullptr) return fail(step, step.names[1].column, "no flow '" + step.names[1].text + "'");
        detail::Flow* const flow = flows_.get(step.names[0].text);
        if (flow == nullptr) return too_many(step);
        flows_.copy(*old, *flow);
        flows_.apply(step, *flow);
        return {};
    }

    Result<void> send(const Step& step, StepResult& result) {
        detail::Flow* const flow = flows_.get(step.names[0].text);
        if (flow == nullptr) return too_many(step);
        flows_.apply(step, *flow);
        if (step.op == Op::resend) {
            if (flow->last_packet.empty()) return fail(step, step.names[0].column, "this flow has sent nothing yet");
            result.sent = flow->last_packet;
        } else {
            auto packet = flows_.write(step, *flow);
            if (!packet) return fail(step, 0, packet.error());
            result.sent = std::move(*packet);
        }
        result.sent_flow = flow->name;
        result.injected_ns = injected_ns_ = engine_.now_ns();
        const auto arrived = engine_.arrived();
        if (auto done = engine_.inject(result.sent); !done) return done;
        if (auto done = collect(step.number("w", kSegmentWindow_ms), result); !done) return done;
        result.lost = arrived && engine_.arrived() == arrived;
        result.verdict = verdict_of(result);
        if (!step.has_word("fast")) look(result);
        return {};
    }

    /// Kinds of what came back to the step's flow, or to none that is known, in order.
    static std::string verdict_of(const StepResult& result) {
        std::string verdict;
        for (const Reply& reply : result.replies) {
            if (!reply.flow.empty() && reply.flow != result.sent_flow) continue;
            if (!verdict.empty()) verdict += '+';
            verdict += to_string(reply.kind);
        }
        return verdict.empty() ? "none" : verdict;
    }

    Result<void> wait(const Step& step, StepResult& result) {
        const std::int64_t wait_ns = detail::parse_number(step.names[0].text).value_or(0) * kMillisecond_ns;
        const std::int64_t start_ns = step.op == Op::wait ? engine_.now_ns() : mark_ns_;
        if (auto done = collect_until(start_ns + wait_ns, result); !done) return done;
        look(result);
        return {};
    }

    Result<void> watch(const Step& step, StepResult& result) {
        const detail::Flow* const flow = flows_.find(step.names[0].text);
        if (flow == nullptr) return fail(step, step.names[0].column, "no flow '" + step.names[0].text + "'");
        const core::FourTuple tuple{flow->client, flow->server};
        const std::int64_t start_ns = engine_.now_ns();
        const std::int64_t end_ns = start_ns + detail::parse_number(step.names[1].text).value_or(0) * kMillisecond_ns;
        while (true) {
            std::string state = engine_.state_of(tuple);
            if (result.transitions.empty() || result.transitions.back().state != state) {
                result.transitions.push_back({engine_.now_ns(), std::move(state)});
            }
            if (result.transitions.back().state == "gone" || engine_.now_ns() >= end_ns) break;
            if (auto done = collect_until(engine_.now_ns() + kWatchPeriod_ns, result); !done) return done;
        }
        result.result = result.transitions.back().state;
        result.watched_ns = engine_.now_ns() - start_ns;
        look(result);
        return {};
    }

    Result<void> collect(std::int64_t window_ms, StepResult& result) {
        return collect_until(engine_.now_ns() + window_ms * kMillisecond_ns, result);
    }

    Result<void> collect_until(std::int64_t until_ns, StepResult& result) {
        std::vector<Packet> packets;
        if (auto done = engine_.collect(until_ns, packets); !done) return done;
        for (const Packet& packet : packets) {
            if (auto reply = flows_.read(packet)) result.replies.push_back(*std::move(reply));
        }
        return {};
    }

    void look(StepResult& result) {
        CounterValues now = engine_.counters();
        for (const auto& [name, value] : now) {
            const auto before = counted_.find(name);
            const std::int64_t change = value - (before == counted_.end() ? 0 : before->second);
            if (change != 0) result.counters.emplace(name, change);
        }
        counted_ = std::move(now);
        result.sockets = engine_.sockets();
        result.looked = true;
    }

    string_view name_;
    Engine& engine_;
    detail::Flows flows_{};
    std::map<std::string, Socket, std::less<>> sockets_{};
    CounterValues counted_{};
    std::int64_t mark_ns_ = 0;
    std::int64_t injected_ns_ = 0;
};

}  // namespace

string_view to_string(Op op) {
    switch (op) {
        case Op::desc: return "desc";
        case Op::set: return "set";
        case Op::listen: return "listen";
        case Op::relisten: return "relisten";
        case Op::accept: return "accept";
        case Op::close: return "close";
        case Op::rstclose: return "rstclose";
        case Op::shut: return "shut";
        case Op::write: return "write";
        case Op::read: return "read";
        case Op::flow: return "flow";
        case Op::like: return "like";
        case Op::syn: return "syn";
        case Op::ack: return "ack";
        case Op::data: return "data";
        case Op::fin: return "fin";
        case Op::rst: return "rst";
        case Op::seg: return "seg";
        case Op::resend: return "resend";
        case Op::wait: return "wait";
        case Op::until: return "until";
        case Op::mark: return "mark";
        case Op::watch: return "watch";
        case Op::route: return "route";
        case Op::socks: return "socks";
        case Op::needs: return "needs";
        case Op::only: return "only";
    }
    return "?";
}

string_view to_string(ReplyKind kind) {
    switch (kind) {
        case ReplyKind::synack: return "synack";
        case ReplyKind::rst: return "rst";
        case ReplyKind::syn: return "syn";
        case ReplyKind::fin: return "fin";
        case ReplyKind::data: return "data";
        case ReplyKind::ack: return "ack";
        case ReplyKind::icmp: return "icmp";
        case ReplyKind::other: return "other";
    }
    return "?";
}

Result<std::vector<StepResult>> run_script(std::span<const Step> steps, string_view name, Engine& engine,
                                           const std::function<void(const StepResult&)>& on_step) {
    return Player(name, engine).play(steps, on_step);
}

}  // namespace synwhy::sim

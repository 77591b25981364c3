// The JSON of `synwhy size`; see size_report.hpp.
#include <nlohmann/json.hpp>

#include "emit/size_report.hpp"

namespace synwhy::emit {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(size::Verdict verdict) {
    switch (verdict) {
        case size::Verdict::shown: return "shown";
        case size::Verdict::not_shown: return "not-shown";
        case size::Verdict::overload: return "overload";
        case size::Verdict::too_long: return "too-long";
    }
    return "";
}

Json trial_of(const size::Trial& trial) {
    return {{"backlog", trial.backlog},
            {"connections", trial.overflow.connections},
            {"stopped", trial.overflow.stopped},
            {"bursts", trial.overflow.bursts},
            {"probability", trial.overflow.value},
            {"low", trial.overflow.low},
            {"high", trial.overflow.high},
            {"longest_accept", trial.longest_accept},
            {"longest_request", trial.longest_request},
            {"cookies", trial.cookies}};
}

Json knobs_of(const ListenerReport& report) {
    Json list = Json::array();
    for (const size::Knob& knob : report.answer.knobs) {
        list.push_back({{"name", knob.name},
                        {"matters", knob.matters},
                        {"at_least", knob.at_least == 0 ? Json() : Json(knob.at_least)},
                        {"default", knob.by_default ? Json(*knob.by_default) : Json()},
                        {"why", knob.why}});
    }
    return list;
}

Json client_trial_of(const size::ClientTrial& trial) {
    return {{"rate", trial.rate},       {"seconds", trial.seconds}, {"attempts", trial.attempts},
            {"no_port", trial.no_port}, {"reused", trial.reused},   {"most_waiting", trial.most_waiting},
            {"steady", trial.steady}};
}

}  // namespace

std::string listener_json(const ListenerReport& report) {
    const size::ListenerAnswer& answer = report.answer;
    const bool found = answer.chosen.overflow.connections != 0;
    Json tried = Json::array();
    for (const size::Trial& trial : answer.tried) tried.push_back(trial_of(trial));
    const Json json = {{"v", 1},
                       {"tool", "synwhy"},
                       {"type", "size-listener"},
                       {"verdict", listener_verdict(report)},
                       {"result", name_of(answer.verdict)},
                       {"change", wants_change(report)},
                       {"kernel", report.question.kernel.release.text},
                       {"target", report.question.target},
                       {"seed", report.question.seed},
                       {"rate", answer.rate},
                       {"utilisation", answer.utilisation},
                       {"pause_arrivals", answer.pause_arrivals},
                       {"chosen", found ? trial_of(answer.chosen) : Json()},
                       {"now", answer.now ? trial_of(*answer.now) : Json()},
                       {"formula_backlog", answer.formula_backlog == 0 ? Json() : Json(answer.formula_backlog)},
                       {"formula_probability", answer.formula_backlog == 0 ? Json() : Json(answer.formula_probability)},
                       {"widest_backlog", answer.widest_backlog},
                       {"simulated", answer.simulated},
                       {"knobs", knobs_of(report)},
                       {"tried", tried},
                       {"sources", report.sources}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string client_json(const size::ClientQuestion& question, const size::ClientAnswer& answer) {
    const Json json = {
        {"v", 1},
        {"tool", "synwhy"},
        {"type", "size-client"},
        {"verdict", client_verdict(question, answer)},
        {"change", !answer.enough},
        {"kernel", question.kernel.release.text},
        {"seed", question.seed},
        {"rate", question.rate},
        {"destinations", question.destinations},
        {"closes_first", question.closer == sim::Closer::client ? "client" : "server"},
        {"tw_reuse", question.tw_reuse},
        {"ports", answer.ports},
        {"ports_needed", answer.ports_needed},
        {"blocked_s", answer.blocked_s},
        {"open_s", answer.open_s},
        {"ceiling", answer.ceiling},
        {"measured_ceiling", answer.saturated ? Json(answer.measured_ceiling(question.destinations)) : Json()},
        {"time_wait", answer.time_wait},
        {"max_tw_buckets", answer.max_tw_buckets},
        {"simulated", client_trial_of(answer.asked)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace synwhy::emit

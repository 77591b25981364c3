// The report's document; see json.hpp.
#include "emit/json.hpp"

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "core/catalogue.hpp"
#include "emit/time_text.hpp"

namespace synwhy::emit {
namespace {

using Json = nlohmann::ordered_json;

template <typename Value>
Json texts_of(const std::vector<Value>& values) {
    Json list = Json::array();
    for (const Value& value : values) list.push_back(core::to_string(value));
    return list;
}

Json texts_of(const std::vector<std::string>& values) {
    Json list = Json::array();
    for (const std::string& value : values) list.push_back(value);
    return list;
}

Json source_of(const core::Report& report) {
    const core::Source& source = report.source;
    Json json = {{"files", texts_of(source.files)}, {"formats", texts_of(source.formats)}};
    const bool empty = report.totals.packets == 0;
    json["first"] = empty ? Json() : Json(rfc3339(source.first_ns));
    json["last"] = empty ? Json() : Json(rfc3339(source.last_ns));
    json["kernel"] = source.kernel.empty() ? Json() : Json(source.kernel);
    return json;
}

Json totals_of(const core::Totals& totals) {
    return {{"packets", totals.packets},         {"segments", totals.segments}, {"syns", totals.syns},
            {"handshakes", totals.handshakes},   {"answered", totals.answered}, {"cookie", totals.cookie},
            {"refused_rst", totals.refused_rst}, {"bare_ack", totals.bare_ack}, {"icmp", totals.icmp},
            {"unanswered", totals.unanswered},   {"evicted", totals.evicted}};
}

Json rivals_of(const std::vector<core::Rival>& rivals) {
    Json list = Json::array();
    for (const core::Rival& rival : rivals) {
        list.push_back({{"cause", core::slug(rival.cause)}, {"refuted_by", rival.refuted_by}, {"why", rival.why}});
    }
    return list;
}

Json finding_of(const core::Finding& finding) {
    return {{"cause", core::slug(finding.cause)},
            {"confidence", core::to_string(finding.confidence)},
            {"servers", texts_of(finding.servers)},
            {"clients", texts_of(finding.clients)},
            {"client_count", finding.client_count},
            {"syns", finding.syns},
            {"handshakes", finding.handshakes},
            {"attempts", finding.attempts},
            {"never_answered", finding.never_answered},
            {"first", rfc3339(finding.first_ns)},
            {"last", rfc3339(finding.last_ns)},
            {"evidence", texts_of(finding.evidence)},
            {"story", texts_of(finding.story)},
            {"rivals", rivals_of(finding.rivals)},
            {"fix", texts_of(finding.fix)},
            {"settle", finding.settle},
            {"processes", texts_of(finding.processes)},
            {"netns", finding.netns},
            {"headline", finding.headline}};
}

Json findings_of(const std::vector<core::Finding>& findings) {
    Json list = Json::array();
    for (const core::Finding& finding : findings) list.push_back(finding_of(finding));
    return list;
}

Json ruled_out_of(const std::vector<core::RuledOut>& ruled_out) {
    Json list = Json::array();
    for (const core::RuledOut& lost : ruled_out) {
        list.push_back({{"cause", core::slug(lost.cause)}, {"refuted_by", lost.refuted_by}, {"why", lost.why}});
    }
    return list;
}

Json timeline_of(const core::Report& report) {
    Json list = Json::array();
    for (const core::TimeBucket& bucket : report.timeline) {
        list.push_back({{"t", rfc3339(bucket.start_ns)},
                        {"answered", bucket.answered},
                        {"refused", bucket.refused},
                        {"unanswered", bucket.unanswered}});
    }
    return {{"interval_ns", report.bucket_ns}, {"intervals", list}};
}

}  // namespace

std::string report_json(const core::Report& report) {
    const Json document = {{"v", 1},
                           {"tool", "synwhy"},
                           {"source", source_of(report)},
                           {"totals", totals_of(report.totals)},
                           {"findings", findings_of(report.findings)},
                           {"ruled_out", ruled_out_of(report.ruled_out)},
                           {"past", ruled_out_of(report.past)},
                           {"not_examinable", ruled_out_of(report.not_examinable)},
                           {"unknown", texts_of(report.unknown)},
                           {"missing", texts_of(report.missing)},
                           {"timeline", timeline_of(report)},
                           {"input_errors", texts_of(report.input_errors)}};
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string finding_lines(const core::Report& report) {
    std::string lines;
    for (const core::Finding& finding : report.findings) {
        Json line = {{"v", 1}, {"type", "finding"}};
        line.update(finding_of(finding));
        lines += line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
    }
    return lines;
}

}  // namespace synwhy::emit

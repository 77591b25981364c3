#include "diagnose/diagnose.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "diagnose/explain.hpp"
#include "diagnose/findings.hpp"
#include "diagnose/verdicts.hpp"

namespace synwhy::diagnose {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// A round interval that cuts the capture into at most `buckets` pieces.
std::int64_t bucket_length(std::int64_t span_ns, std::size_t buckets) {
    for (const std::int64_t seconds :
         {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400}) {
        if (span_ns / (seconds * kSecond) < static_cast<std::int64_t>(buckets)) return seconds * kSecond;
    }
    return (span_ns / static_cast<std::int64_t>(buckets) / kSecond + 1) * kSecond;
}

void start_timeline(const capture::Fold& fold, const Options& options, core::Report& report) {
    const std::int64_t first = fold.counts().first_ns;
    const std::int64_t last = fold.counts().last_ns;
    if (first == capture::kNever || fold.handshakes().empty() || options.timeline_buckets == 0) return;
    report.bucket_ns = bucket_length(last - first, options.timeline_buckets);
    report.timeline.resize(static_cast<std::size_t>((last - first) / report.bucket_ns + 1));
    for (std::size_t i = 0; i < report.timeline.size(); ++i)
        report.timeline[i].start_ns = first + static_cast<std::int64_t>(i) * report.bucket_ns;
}

void add_to_timeline(const core::HandshakeVerdict& verdict, core::Report& report) {
    if (report.timeline.empty()) return;
    const auto newest = static_cast<std::int64_t>(report.timeline.size()) - 1;
    for (const core::SynVerdict& syn : verdict.syns) {
        const std::int64_t at = (syn.time_ns - report.timeline.front().start_ns) / report.bucket_ns;
        core::TimeBucket& bucket = report.timeline[static_cast<std::size_t>(std::clamp<std::int64_t>(at, 0, newest))];
        switch (syn.outcome) {
            case core::Outcome::synack:
            case core::Outcome::cookie: ++bucket.answered; break;
            case core::Outcome::rst:
            case core::Outcome::ack:
            case core::Outcome::icmp: ++bucket.refused; break;
            case core::Outcome::none: ++bucket.unanswered; break;
        }
    }
}

void add_to_totals(const core::HandshakeVerdict& verdict, core::Totals& totals) {
    ++totals.handshakes;
    switch (verdict.outcome) {
        case core::Outcome::synack: ++totals.answered; break;
        case core::Outcome::cookie: ++totals.cookie; break;
        case core::Outcome::rst: ++totals.refused_rst; break;
        case core::Outcome::ack: ++totals.bare_ack; break;
        case core::Outcome::icmp: ++totals.icmp; break;
        case core::Outcome::none: ++totals.unanswered; break;
    }
}

void start_totals(const capture::Fold& fold, core::Report& report) {
    core::Totals& totals = report.totals;
    totals.packets = fold.counts().packets;
    totals.segments = fold.counts().segments;
    totals.syns = fold.counts().syns;
    totals.evicted = fold.counts().evicted;
    report.source.first_ns = fold.counts().first_ns == capture::kNever ? 0 : fold.counts().first_ns;
    report.source.last_ns = fold.counts().last_ns == capture::kNever ? 0 : fold.counts().last_ns;
}

bool simply_answered(const core::HandshakeVerdict& verdict) {
    return !verdict.cause && (verdict.outcome == core::Outcome::synack || verdict.outcome == core::Outcome::cookie);
}

/// Sorts positions and moves each verdict once: they are large.
void sort_by_time(std::vector<core::HandshakeVerdict>& verdicts) {
    const auto earlier = [](const core::HandshakeVerdict& a, const core::HandshakeVerdict& b) {
        return a.first_ns < b.first_ns;
    };
    if (std::is_sorted(verdicts.begin(), verdicts.end(), earlier)) return;
    std::vector<std::uint32_t> order(verdicts.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return earlier(verdicts[a], verdicts[b]); });
    std::vector<core::HandshakeVerdict> sorted;
    sorted.reserve(verdicts.size());
    for (const std::uint32_t i : order) sorted.push_back(std::move(verdicts[i]));
    verdicts = std::move(sorted);
}

/// Most harmful first: connections that never came about, then SYNs that had to be repeated.
void rank_findings(core::Report& report) {
    std::stable_sort(report.findings.begin(), report.findings.end(),
                     [](const core::Finding& a, const core::Finding& b) {
                         if (a.never_answered != b.never_answered) return a.never_answered > b.never_answered;
                         return a.syns + a.handshakes > b.syns + b.handshakes;
                     });
    std::erase_if(report.ruled_out, [&](const core::RuledOut& out) {
        return std::any_of(report.findings.begin(), report.findings.end(),
                           [&](const core::Finding& f) { return f.cause == out.cause; });
    });
}

}  // namespace

core::Report analyse(const capture::Fold& fold, const core::HostFacts& facts, const Options& options) {
    core::Report report;
    start_totals(fold, report);
    start_timeline(fold, options, report);
    std::vector<Reading> readings(fold.handshakes().size());
    const std::vector<HostShare> shares = share_out(fold);
    const bool any_replies =
        std::any_of(shares.begin(), shares.end(), [](const HostShare& share) { return share.replies_visible; });
    for (const HostShare& share : shares) {
        HostView view = build_host_view(fold, facts, share, any_replies, readings);
        const Premises premises = make_premises(facts, view, readings);
        const HostExplanation explanation = explain_host(fold, readings, premises, view);
        std::vector<core::HandshakeVerdict> verdicts = make_verdicts(fold, readings, view, explanation);
        add_findings({fold, readings, premises, view}, explanation, verdicts, options, report);
        for (core::HandshakeVerdict& verdict : verdicts) {
            add_to_totals(verdict, report.totals);
            add_to_timeline(verdict, report);
            if (options.keep_answered || !simply_answered(verdict)) report.handshakes.push_back(std::move(verdict));
        }
        for (const std::uint32_t index : share.handshakes) readings[index] = {};  // one host's worth at a time
    }
    sort_by_time(report.handshakes);
    rank_findings(report);
    if (facts.kernel) report.source.kernel = facts.kernel->release.text;
    return report;
}

}  // namespace synwhy::diagnose

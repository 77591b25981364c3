#include "fix/apply.hpp"

#include <algorithm>

#include "fix/state.hpp"
#include "fix/sysctl_tree.hpp"

namespace synwhy::fix {
namespace {

constexpr std::uint32_t kDropInMode = 0644;

using Failure = std::expected<void, core::Error>;

std::expected<std::optional<Journal>, core::Error> read_journal(const std::string& path) {
    const auto file = read_whole_file(path, kMaxJournalBytes);
    if (!file) return std::unexpected(file.error());
    if (!file->has_value()) return std::optional<Journal>();
    auto journal = parse_journal((*file)->content, path);
    if (!journal) return std::unexpected(journal.error());
    return *std::move(journal);
}

/// Within one boot the inode names the namespace; after a reboot all values are the boot's own again.
Failure same_world(const Journal& journal, core::Cause cause, const Place& place, const std::string& path) {
    if (journal.cause != core::slug(cause)) {
        return std::unexpected(core::Error{"is the journal of " + journal.cause, path});
    }
    if (journal.boot != place.boot || journal.name_space == place.name_space) return {};
    return std::unexpected(core::Error{"was made in another network namespace (" + std::to_string(journal.name_space) +
                                           ", this one is " + std::to_string(place.name_space) + ")",
                                       path, "run this command in that one, or name it with --netns or --pid"});
}

/// Adds what is about to change; what the journal holds already keeps its first old value.
Failure note_sysctls(Journal& journal, const std::vector<const PlannedSetting*>& changes, const SysctlTree& tree) {
    for (const PlannedSetting* change : changes) {
        const auto known = std::ranges::find(journal.sysctls, change->path, &SysctlEntry::path);
        if (known != journal.sysctls.end()) {
            known->new_value = change->wanted;
            continue;
        }
        const auto now = tree.read(change->path);
        if (!now) return std::unexpected(now.error());
        if (!now->has_value()) return std::unexpected(core::Error{"has vanished", change->name});
        journal.sysctls.push_back({change->path, **now, change->wanted});
    }
    return {};
}

Failure note_drop_in(Journal& journal, const std::optional<WholeFile>& now, const std::string& content) {
    if (journal.drop_in) {
        journal.drop_in->new_content = content;
        return {};
    }
    DropInEntry entry{.existed = now.has_value(), .new_content = content};
    if (now) {
        entry.old_content = now->content;
        entry.mode = now->mode;
        entry.owner = now->owner;
        entry.group = now->group;
    }
    journal.drop_in = std::move(entry);
    return {};
}

/// Everything that stands in the way, before anything is touched.
Failure refuse_foreign_changes(const Journal& journal, const SysctlTree& tree, const std::string& drop_in) {
    for (const SysctlEntry& entry : journal.sysctls) {
        const auto now = tree.read(entry.path);
        if (!now) return std::unexpected(now.error());
        if (!now->has_value() || same_value(**now, entry.old_value) || same_value(**now, entry.new_value)) continue;
        return std::unexpected(core::Error{"is " + **now + " now, neither the old " + entry.old_value + " nor the " +
                                               entry.new_value + " that was set: somebody changed it since",
                                           sysctl_name(entry.path),
                                           "nothing was undone; --force puts the old value back"});
    }
    if (!journal.drop_in) return {};
    const auto now = read_whole_file(drop_in, kMaxDropInBytes);
    if (!now) return std::unexpected(now.error());
    const DropInEntry& entry = *journal.drop_in;
    const bool ours = now->has_value() && (*now)->content == entry.new_content;
    const bool old = now->has_value() ? entry.existed && (*now)->content == entry.old_content : true;
    if (ours || old) return {};
    return std::unexpected(core::Error{"was edited since it was written", drop_in,
                                       "nothing was undone; --force puts back what was there before"});
}

Failure restore_drop_in(const DropInEntry& entry, const std::string& path, Undone& undone) {
    undone.drop_in = path;
    const auto now = read_whole_file(path, kMaxDropInBytes);
    if (!now) return std::unexpected(now.error());
    if (!entry.existed) {
        undone.drop_in_restored = now->has_value();
        return remove_whole_file(path);
    }
    if (const auto removed = remove_unfinished(path); !removed) return removed;
    if (now->has_value() && (*now)->content == entry.old_content && (*now)->mode == entry.mode &&
        (*now)->owner == entry.owner && (*now)->group == entry.group) {
        return {};
    }
    undone.drop_in_restored = true;
    return write_whole_file(path, entry.old_content, {.mode = entry.mode, .owner = entry.owner, .group = entry.group});
}

/// Puts back what the journal holds, the last sysctl first.
Failure restore(const Journal& journal, const SysctlTree& tree, const std::string& drop_in, Undone& undone) {
    for (auto entry = journal.sysctls.rbegin(); entry != journal.sysctls.rend(); ++entry) {
        const auto now = tree.read(entry->path);
        if (!now) return std::unexpected(now.error());
        if (!now->has_value()) {
            undone.gone.push_back(*entry);
        } else if (same_value(**now, entry->old_value)) {
            undone.already_old.push_back(*entry);
        } else {
            if (const auto done = tree.write(entry->path, entry->old_value); !done) return done;
            undone.restored.push_back(*entry);
        }
    }
    return journal.drop_in ? restore_drop_in(*journal.drop_in, drop_in, undone) : Failure();
}

Failure change(const Plan& plan, const Journal& journal, const SysctlTree& tree, bool write_file, Applied& applied) {
    for (const PlannedSetting* setting : plan.changes()) {
        if (const auto written = tree.write(setting->path, setting->wanted); !written) return written;
        applied.changed.push_back({setting->path, setting->now, setting->wanted});
    }
    if (!write_file) return {};
    applied.drop_in_written = true;
    return write_whole_file(applied.drop_in, journal.drop_in->new_content, {.mode = kDropInMode});
}

/// A first apply that failed half way is taken back at once; a journal of an earlier one stays as it is.
core::Error take_back(const core::Error& why, const std::optional<Journal>& before, const Journal& journal,
                      const SysctlTree& tree, const Applied& applied) {
    core::Error error = why;
    Undone undone;
    const Failure restored = before ? Failure() : restore(journal, tree, applied.drop_in, undone);
    const Failure removed = before || !restored ? restored : remove_whole_file(applied.journal);
    const std::string after =
        before    ? "--undo takes back what was changed, now and before"
        : removed ? "nothing was left changed"
                  : "and taking it back failed too: " + core::to_string(removed.error()) + "; --undo will try again";
    error.remedy = error.remedy.empty() ? after : error.remedy + "; " + after;
    return error;
}

}  // namespace

std::string drop_in_path(const Place& place, core::Cause cause) {
    return place.root + "/etc/sysctl.d/90-synwhy-" + std::string(core::slug(cause)) + ".conf";
}

std::expected<Applied, core::Error> apply(const Plan& plan, const Place& place, bool persist) {
    const auto state = StateFolder::open(place.state);
    if (!state) return std::unexpected(state.error());
    const SysctlTree tree(place.root);
    Applied applied;
    applied.journal = state->journal_path(core::slug(plan.cause), place.scope);
    const auto before = read_journal(applied.journal);
    if (!before) return std::unexpected(before.error());
    if (*before) {
        if (const auto same = same_world(**before, plan.cause, place, applied.journal); !same) {
            return std::unexpected(same.error());
        }
    }

    Journal journal = before->value_or(
        Journal{.cause = std::string(core::slug(plan.cause)), .boot = place.boot, .name_space = place.name_space});
    if (const auto noted = note_sysctls(journal, plan.changes(), tree); !noted) return std::unexpected(noted.error());
    bool write_file = false;
    if (const std::string content = persist ? drop_in_text(plan) : std::string(); !content.empty()) {
        applied.drop_in = drop_in_path(place, plan.cause);
        const auto now = read_whole_file(applied.drop_in, kMaxDropInBytes);
        if (!now) return std::unexpected(now.error());
        write_file = !now->has_value() || (*now)->content != content;
        if (write_file) {
            if (const auto noted = note_drop_in(journal, *now, content); !noted) return std::unexpected(noted.error());
        }
    }
    if (plan.changes().empty() && !write_file) {
        if (!*before) applied.journal.clear();
        return applied;
    }
    if (const auto kept = write_whole_file(applied.journal, print_journal(journal), {}); !kept) {
        return std::unexpected(kept.error());
    }
    if (const auto changed = change(plan, journal, tree, write_file, applied); !changed) {
        return std::unexpected(take_back(changed.error(), *before, journal, tree, applied));
    }
    return applied;
}

std::expected<Undone, core::Error> undo(core::Cause cause, const Place& place, bool force) {
    const auto state = StateFolder::open(place.state);
    if (!state) return std::unexpected(state.error());
    const std::string path = state->journal_path(core::slug(cause), place.scope);
    const auto journal = read_journal(path);
    if (!journal) return std::unexpected(journal.error());
    Undone undone;
    if (!*journal) {
        if (const auto removed = remove_unfinished(path); !removed) return std::unexpected(removed.error());
        return undone;
    }
    undone.journal_found = true;
    if (const auto same = same_world(**journal, cause, place, path); !same) return std::unexpected(same.error());
    const SysctlTree tree(place.root);
    const std::string drop_in = drop_in_path(place, cause);
    if (!force) {
        if (const auto ours = refuse_foreign_changes(**journal, tree, drop_in); !ours) {
            return std::unexpected(ours.error());
        }
    }
    if (const auto restored = restore(**journal, tree, drop_in, undone); !restored) {
        return std::unexpected(restored.error());
    }
    if (const auto removed = remove_whole_file(path); !removed) return std::unexpected(removed.error());
    return undone;
}

}  // namespace synwhy::fix

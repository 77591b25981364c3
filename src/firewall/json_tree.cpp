#include "firewall/json_tree.hpp"

#include <nlohmann/json.hpp>

namespace synwhy::firewall {

namespace {

using nlohmann::json;

/// Builds one member at a time. Level 1 is the document's object, level 2 the array, level 3 a member.
class Builder : public nlohmann::json_sax<json> {
  public:
    explicit Builder(const std::function<void(const Node&)>& handle) : handle_(handle) {}

    bool null() override { return add({}); }
    bool boolean(bool value) override {
        Node node;
        node.kind = Node::Kind::boolean;
        node.number = value ? 1 : 0;
        return add(std::move(node));
    }
    bool number_integer(number_integer_t value) override {
        return add_number(value < 0,
                          value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value));
    }
    bool number_unsigned(number_unsigned_t value) override { return add_number(false, value); }
    bool number_float(number_float_t /*value*/, const string_t& text) override { return add_text(text); }
    bool string(string_t& value) override { return add_text(value); }
    bool binary(binary_t& /*value*/) override { return false; }
    bool start_object(std::size_t /*count*/) override { return open(Node::Kind::object); }
    bool start_array(std::size_t /*count*/) override { return open(Node::Kind::array); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        name_ = std::move(name);
        return true;
    }
    bool parse_error(std::size_t position, const std::string& /*token*/,
                     const nlohmann::detail::exception& /*e*/) override {
        error_at_ = position;
        return false;
    }

    [[nodiscard]] std::size_t error_at() const { return error_at_; }
    [[nodiscard]] bool too_deep() const { return too_deep_; }
    [[nodiscard]] bool found_array() const { return found_array_; }

  private:
    [[nodiscard]] bool inside_member() const { return in_array_ && level_ >= 2; }

    bool add_number(bool negative, std::uint64_t magnitude) {
        Node node;
        node.kind = Node::Kind::number;
        node.negative = negative;
        node.number = magnitude;
        return add(std::move(node));
    }

    bool add_text(const std::string& text) {
        Node node;
        node.kind = Node::Kind::string;
        node.text = text;
        return add(std::move(node));
    }

    /// A finished value goes into the innermost open node; a scalar member of the top array says nothing.
    bool add(Node&& node) {
        if (!inside_member() || open_.empty()) return true;
        Node& parent = open_.back();
        if (parent.items.size() >= kMaxJsonItems) {
            ++parent.left_out;
            return true;
        }
        if (parent.is(Node::Kind::object)) parent.names.push_back(std::move(name_));
        parent.items.push_back(std::move(node));
        return true;
    }

    bool open(Node::Kind kind) {
        if (level_ >= kMaxJsonDepth) {
            too_deep_ = true;
            return false;
        }
        ++level_;
        if (level_ == 2 && kind == Node::Kind::array && name_ == "nftables") {
            in_array_ = true;
            found_array_ = true;
            return true;
        }
        if (in_array_ && level_ >= 3) {
            open_.emplace_back();
            open_.back().kind = kind;
            own_names_.push_back(std::move(name_));
            name_.clear();
        }
        return true;
    }

    bool close() {
        --level_;
        if (level_ < 2) in_array_ = false;
        if (open_.empty()) return true;
        Node done = std::move(open_.back());
        open_.pop_back();
        name_ = std::move(own_names_.back());
        own_names_.pop_back();
        if (open_.empty()) {
            handle_(done);
            return true;
        }
        return add(std::move(done));
    }

    const std::function<void(const Node&)>& handle_;
    std::vector<Node> open_;
    std::vector<std::string> own_names_;  ///< the key under which each open node will be stored
    std::string name_;
    std::size_t level_ = 0;
    std::size_t error_at_ = 0;
    bool in_array_ = false;
    bool found_array_ = false;
    bool too_deep_ = false;
};

}  // namespace

const Node* Node::find(std::string_view name) const {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) return &items[i];
    }
    return nullptr;
}

std::string_view Node::text_of(std::string_view name) const {
    const Node* node = find(name);
    return node != nullptr && node->is(Kind::string) ? std::string_view(node->text) : std::string_view{};
}

std::uint64_t Node::number_of(std::string_view name) const {
    const Node* node = find(name);
    return node != nullptr && node->is(Kind::number) && !node->negative ? node->number : 0;
}

std::expected<void, core::Error> for_each_member(std::string_view text,
                                                 const std::function<void(const Node&)>& handle) {
    Builder builder(handle);
    if (!json::sax_parse(text, &builder)) {
        return std::unexpected(core::Error{builder.too_deep() ? "nested too deeply" : "not JSON as nft prints it",
                                           "nft:byte " + std::to_string(builder.error_at())});
    }
    if (!builder.found_array()) return std::unexpected(core::Error{"no array \"nftables\" in it", "nft"});
    return {};
}

}  // namespace synwhy::firewall

#include "firewall/nft_text.hpp"

#include <array>

#include "firewall/ruleset.hpp"

namespace synwhy::firewall {

namespace {

using NodeKind = Node::Kind;

/// Appends until the limit; nested expressions stop there too, so that time is bounded with the text.
class Writer {
  public:
    void add(std::string_view text) {
        if (!full()) text_ += text;
    }
    [[nodiscard]] bool full() const { return text_.size() > kMaxRuleTextBytes; }
    [[nodiscard]] std::string take() { return shown_text(text_); }

    void value(const Node& node);
    void statement(std::string_view name, const Node& value);

  private:
    void list(const Node& node, std::string_view separator);
    void braces(const Node& node);
    void object(std::string_view name, const Node& value);
    void match(const Node& match);
    void members(const Node& node);
    void translation(const Node& node);
    void set_update(const Node& node);

    std::string text_;
};

void Writer::list(const Node& node, std::string_view separator) {
    bool first = true;
    for (const Node& item : node.items) {
        if (full()) return;
        if (!first) add(separator);
        first = false;
        value(item);
    }
}

void Writer::braces(const Node& node) {
    add("{ ");
    bool first = true;
    for (const Node& item : node.items) {
        if (full()) return;
        if (!first) add(", ");
        first = false;
        if (item.is(NodeKind::array) && item.items.size() == 2) {
            value(item.items[0]);
            add(" : ");
            value(item.items[1]);
        } else {
            value(item);
        }
    }
    add(" }");
}

void Writer::value(const Node& node) {
    switch (node.kind) {
        case NodeKind::null: return;
        case NodeKind::boolean: add(node.number != 0 ? "exists" : "missing"); return;
        case NodeKind::number:
            if (node.negative) add("-");
            add(std::to_string(node.number));
            return;
        case NodeKind::string: add(node.text); return;
        case NodeKind::array: list(node, ","); return;
        case NodeKind::object:
            for (std::size_t i = 0; i < node.items.size() && !full(); ++i) {
                if (i != 0) add(" ");
                object(node.names[i], node.items[i]);
            }
            return;
    }
}

/// Meta keys that nft writes without "meta".
bool is_bare_meta(std::string_view key) {
    constexpr auto kBare =
        std::to_array<std::string_view>({"iifname", "oifname", "iif", "oif", "iifgroup", "oifgroup"});
    for (const std::string_view bare : kBare) {
        if (key == bare) return true;
    }
    return false;
}

void Writer::members(const Node& node) {
    for (std::size_t i = 0; i < node.items.size() && !full(); ++i) {
        if (i != 0) add(" ");
        if (node.is(NodeKind::object)) {
            add(node.names[i]);
            add(" ");
        }
        value(node.items[i]);
    }
    if (!node.is(NodeKind::object) && !node.is(NodeKind::array)) value(node);
}

void Writer::object(std::string_view name, const Node& inner) {
    if (name == "payload" && inner.find("protocol") != nullptr) {
        add(inner.text_of("protocol"));
        add(" ");
        add(inner.text_of("field"));
    } else if (name == "meta") {
        if (!is_bare_meta(inner.text_of("key"))) add("meta ");
        add(inner.text_of("key"));
    } else if (name == "ct") {
        add("ct ");
        add(inner.text_of("dir"));
        if (inner.find("dir") != nullptr) add(" ");
        add(inner.text_of("key"));
    } else if (name == "fib") {
        add("fib ");
        if (const Node* flags = inner.find("flags"); flags != nullptr) list(*flags, " . ");
        add(" ");
        add(inner.text_of("result"));
    } else if (name == "set" && inner.is(NodeKind::array)) {
        braces(inner);
    } else if (name == "range") {
        list(inner, "-");
    } else if (name == "prefix") {
        add(inner.text_of("addr"));
        add("/");
        add(std::to_string(inner.number_of("len")));
    } else if (name == "concat") {
        list(inner, " . ");
    } else if (name == "elem" && inner.find("val") != nullptr) {
        value(*inner.find("val"));
    } else if (name == "&" || name == "|" || name == "^" || name == "<<" || name == ">>") {
        list(inner, " " + std::string(name) + " ");
    } else {
        statement(name, inner);
    }
}

void Writer::match(const Node& match) {
    const Node* left = match.find("left");
    const Node* right = match.find("right");
    const std::string_view op = match.text_of("op");
    if (left == nullptr || right == nullptr) return add("match");
    value(*left);
    add(" ");
    // "==" is left out except where it would mean "has one of the bits".
    const bool flags = nft_text(*left).find("flags") != std::string::npos;
    if ((op != "==" || flags || left->find("&") != nullptr) && op != "in") {
        add(op);
        add(" ");
    }
    value(*right);
}

void Writer::translation(const Node& node) {
    const Node* address = node.find("addr");
    const Node* port = node.find("port");
    if (address != nullptr || port != nullptr) add(" to ");
    if (address != nullptr) value(*address);
    if (port != nullptr) add(":");
    if (port != nullptr) value(*port);
}

void Writer::set_update(const Node& node) {
    add(node.text_of("op"));
    add(" ");
    add(node.text_of("set"));
    add(" { ");
    if (const Node* element = node.find("elem"); element != nullptr) value(*element);
    if (const Node* attached = node.find("stmt"); attached != nullptr) {
        add(" ");
        list(*attached, " ");
    }
    add(" }");
}

void Writer::statement(std::string_view name, const Node& inner) {
    if (name == "match") return match(inner);
    if (name == "set") return set_update(inner);
    if (name == "dnat" || name == "snat" || name == "redirect" || name == "masquerade") {
        add(name);
        return translation(inner);
    }
    if (name == "vmap" || name == "map") {
        if (const Node* key = inner.find("key"); key != nullptr) value(*key);
        add(name == "vmap" ? " vmap " : " map ");
        if (const Node* data = inner.find("data"); data != nullptr) value(*data);
        return;
    }
    if (name == "jump" || name == "goto") {
        add(name);
        add(" ");
        return add(inner.text_of("target"));
    }
    if (name == "mangle") {
        if (const Node* key = inner.find("key"); key != nullptr) value(*key);
        add(" set ");
        if (const Node* to = inner.find("value"); to != nullptr) value(*to);
        return;
    }
    if (name == "limit" && inner.is(NodeKind::object)) {
        add(inner.find("inv") != nullptr ? "limit rate over " : "limit rate ");
        add(std::to_string(inner.number_of("rate")));
        add("/");
        add(inner.text_of("per"));
        if (inner.find("burst") != nullptr) add(" burst " + std::to_string(inner.number_of("burst")) + " packets");
        return;
    }
    if (name == "ct count") {
        add(inner.find("inv") != nullptr ? "ct count over " : "ct count ");
        return add(std::to_string(inner.number_of("val")));
    }
    if (name == "reject") {
        add("reject");
        if (inner.find("type") == nullptr) return;
        add(" with ");
        add(inner.text_of("type"));
        if (const Node* code = inner.find("expr"); code != nullptr) {
            add(" ");
            value(*code);
        }
        return;
    }
    add(name);
    if (inner.is(NodeKind::null)) return;
    add(" ");
    members(inner);
}

}  // namespace

std::string shown_text(std::string_view text) {
    std::string shown(text.substr(0, kMaxRuleTextBytes));
    for (char& letter : shown) {
        if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) letter = '?';
    }
    if (text.size() > kMaxRuleTextBytes) shown.replace(shown.size() - 3, 3, "...");
    return shown;
}

std::string nft_text(const Node& node) {
    Writer writer;
    writer.value(node);
    return writer.take();
}

std::string nft_rule_text(const Node& expressions) {
    Writer writer;
    bool first = true;
    for (const Node& expression : expressions.items) {
        if (writer.full()) break;
        if (expression.find("counter") != nullptr) continue;
        if (!first) writer.add(" ");
        first = false;
        writer.value(expression);
    }
    return writer.take();
}

}  // namespace synwhy::firewall
